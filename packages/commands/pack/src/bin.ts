import { main } from '@nightpipe/command'
import { pack } from './command.js'

await main(pack)
