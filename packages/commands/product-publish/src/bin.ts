import { main } from '@nightpipe/command'
import { productPublish } from './command.js'

await main(productPublish)
