import { main } from '@nightpipe/command'
import { wavelength } from './command.js'

await main(wavelength)
