import type { Command } from '@nightpipe/command'
import { statusAlarms } from './alarms.js'
import { statusCollect } from './collect.js'
import { statusIngest } from './ingest.js'
import { statusQuery } from './query.js'

export const commands = [statusCollect, statusIngest, statusQuery, statusAlarms] as unknown as readonly Command[]
