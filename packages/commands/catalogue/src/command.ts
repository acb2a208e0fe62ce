import type { Command } from '@nightpipe/command'
import { check } from './check.js'
import { cone } from './cone.js'
import { fetching } from './fetch.js'
import { importing } from './import.js'
import { list } from './list.js'

/** What `catalogue` can do: the first argument chooses. */
export const commands = [importing, fetching, cone, list, check] as unknown as Command[]
