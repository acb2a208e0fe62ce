import type { Command } from '@nightpipe/command'
import { imaging } from './imaging/command.js'

/** What `simulate` can make: the first argument chooses. */
export const commands = [imaging] as unknown as Command[]
