import { main } from '@nightpipe/command'
import { gp1, gp1Status } from './command.js'

await main([gp1, gp1Status] as never)
