import { main } from '@nightpipe/command'
import { reprocess } from './command.js'

await main(reprocess)
