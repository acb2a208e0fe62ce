import { main } from '@nightpipe/command'
import { rv } from './command.js'

await main(rv)
