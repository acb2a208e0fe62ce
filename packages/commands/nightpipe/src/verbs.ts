import { complete } from './complete.js'
import { completion } from './completion.js'
import { doctor } from './doctor.js'
import { facts } from './facts.js'
import { help } from './help.js'
import { list } from './list.js'
import { reproduce } from './reproduce.js'
import { tables } from './tables.js'
import type { Verb } from './verb.js'
import { why } from './why.js'

/** What the front door does itself, in the order of its help. */
export const verbs: readonly Verb[] = [list, facts, why, reproduce, tables, doctor, completion, help, complete]
