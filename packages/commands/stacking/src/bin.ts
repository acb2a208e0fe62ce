import { main } from '@nightpipe/command'
import { stacking } from './command.js'

await main(stacking)
