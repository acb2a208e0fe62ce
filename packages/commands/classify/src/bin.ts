import { main } from '@nightpipe/command'
import { classify } from './command.js'
import { importSet } from './import.js'

await main([classify, importSet])
