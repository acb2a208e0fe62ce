import { main } from '@nightpipe/command'
import { targets } from './command.js'

await main(targets)
