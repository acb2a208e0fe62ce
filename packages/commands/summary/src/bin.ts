import { main } from '@nightpipe/command'
import { summary } from './command.js'

await main(summary)
