import { main } from '@nightpipe/command'
import { night } from './command.js'

await main(night)
