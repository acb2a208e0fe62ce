import { main } from '@nightpipe/command'
import { commands } from './command.js'

await main(commands)
