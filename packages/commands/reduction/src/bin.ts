import { main } from '@nightpipe/command'
import { reduction } from './command.js'

await main(reduction)
