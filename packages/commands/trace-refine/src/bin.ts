import { main } from '@nightpipe/command'
import { traceRefine } from './command.js'

await main(traceRefine)
