import { main } from '@nightpipe/command'
import { findstars } from './command.js'

await main(findstars)
