import { main } from '@nightpipe/command'
import { siteSetup } from './command.js'

await main(siteSetup)
