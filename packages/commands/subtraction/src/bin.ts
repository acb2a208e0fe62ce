import { main } from '@nightpipe/command'
import { subtraction } from './command.js'

await main(subtraction)
