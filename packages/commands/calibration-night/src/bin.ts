import { main } from '@nightpipe/command'
import { calibrationNight } from './command.js'

await main(calibrationNight)
