import { main } from '@nightpipe/command'
import { stackCalibrations } from './command.js'

await main(stackCalibrations)
