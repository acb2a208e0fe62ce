import { main } from '@nightpipe/command'
import { astrometry } from './command.js'

await main(astrometry)
