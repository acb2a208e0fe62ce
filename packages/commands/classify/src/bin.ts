import { main } from '@nightpipe/command'
import { classify } from './command.js'

await main(classify)
