import { main } from '@nightpipe/command'
import { alignment } from './command.js'

await main(alignment)
