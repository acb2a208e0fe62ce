// A worker thread that is in the middle of writing b.fits in the working folder until it is stopped.
import { writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { atomicTarget } from '../src/index.js'

writeFileSync(atomicTarget('b.fits').partial, 'half')
setInterval(() => {}, 1000)
parentPort?.postMessage('open')
