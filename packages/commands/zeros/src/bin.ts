import { main } from '@nightpipe/command'
import { approve, list, withdraw } from './command.js'

await main([list, approve, withdraw])
