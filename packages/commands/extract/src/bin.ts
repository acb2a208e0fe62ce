import { main } from '@nightpipe/command'
import { extract } from './command.js'

await main(extract)
