import { main } from '@nightpipe/command'
import { fitsPicture } from './command.js'

await main(fitsPicture)
