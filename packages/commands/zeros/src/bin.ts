import { main } from '@nightpipe/command'
import { zeros } from './command.js'

await main(zeros)
