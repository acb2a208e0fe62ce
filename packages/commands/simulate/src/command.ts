import type { Command } from '@nightpipe/command'
import { echelle } from './echelle/command.js'
import { imaging } from './imaging/command.js'

/** What `simulate` can make: the first argument chooses. */
export const commands = [imaging, echelle] as unknown as Command[]
