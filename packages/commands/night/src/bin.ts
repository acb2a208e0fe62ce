import { main } from '@nightpipe/command'
import { echelle } from './command.js'
import { sn } from './sn.js'

await main([echelle, sn])
