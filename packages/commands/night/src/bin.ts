import { main } from '@nightpipe/command'
import { echelle } from './command.js'

await main([echelle])
