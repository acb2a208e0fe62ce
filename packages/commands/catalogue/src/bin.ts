import { main } from '@nightpipe/command'
import { catalogue } from './command.js'

await main(catalogue)
