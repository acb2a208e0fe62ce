import { main } from '@nightpipe/command'
import { gp1 } from './command.js'

await main(gp1)
