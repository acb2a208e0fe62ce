import { main } from '@nightpipe/command'
import { check } from './check.js'
import { importTargets } from './import.js'
import { list } from './list.js'

await main([list, check, importTargets])
