import { main } from '@nightpipe/command'
import { trace0 } from './command.js'

await main(trace0)
