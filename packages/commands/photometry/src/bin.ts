import { main } from '@nightpipe/command'
import { photometry } from './command.js'

await main(photometry)
