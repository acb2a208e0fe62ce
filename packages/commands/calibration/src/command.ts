import type { Command } from '@nightpipe/command'
import { calibrationIngest } from './ingest.js'
import { calibrationSeries } from './series.js'

export const commands = [calibrationIngest, calibrationSeries] as unknown as readonly Command[]
