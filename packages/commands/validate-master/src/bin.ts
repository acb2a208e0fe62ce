import { main } from '@nightpipe/command'
import { validateMaster } from './command.js'

await main(validateMaster)
