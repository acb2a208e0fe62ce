import { type Command, serveCalls } from '../../src/index.js'
import { copyFrames } from './copying.js'

await serveCalls({ 'copy-frames': [copyFrames as unknown as Command] })
