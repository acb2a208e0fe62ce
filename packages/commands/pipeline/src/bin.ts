import { main } from '@nightpipe/command'
import { pipeline } from './command.js'

await main(pipeline)
