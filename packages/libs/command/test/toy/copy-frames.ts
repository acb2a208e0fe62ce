import { main } from '../../src/index.js'
import { copyFrames } from './copying.js'

await main(copyFrames)
