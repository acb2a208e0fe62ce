import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { executables, home } from './commands.js'
import type { Check } from './doctor.js'

export const GIB = 2 ** 30
export const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`

/** `--memory` when it is not given. */
const DEFAULT_MEMORY = 2 * GIB

export async function checkMachine(): Promise<Check[]> {
  return [checkNode(), checkMemory(), checkKernels(), await checkThreads(), checkOpenFiles(), checkCommands()]
}

function checkNode(): Check {
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { engines?: { node?: string } }
  const least = (/\d+(\.\d+)*/.exec(manifest.engines?.node ?? '>=20.17')?.[0] ?? '20.17').split('.').map(Number)
  const have = process.versions.node.split('.').map(Number)
  const k = least.findIndex((part, i) => part !== have[i])
  const old = k >= 0 && have[k]! < least[k]!
  return {
    what: 'Node',
    state: old ? 'wrong' : 'ok',
    found: `${process.version} on ${process.platform} ${process.arch}${old ? `, ${least.join('.')} or newer is needed` : ''}`,
  }
}

function checkMemory(): Check {
  const limit = process.constrainedMemory() ?? 0 // of the container; 0 or absurd when there is none
  const total = limit > 0 && limit < totalmem() ? limit : totalmem()
  const free = Math.min(freemem(), total)
  const text = `${gib(total)}, ${gib(free)} free`
  if (free < GIB / 4) return { what: 'memory', state: 'wrong', found: `${text}: close other programs` }
  if (free >= DEFAULT_MEMORY) return { what: 'memory', state: 'ok', found: text }
  return { what: 'memory', state: 'note', found: `${text}: give --memory ${Math.floor((free * 0.7) / 2 ** 20)}MB` }
}

/** Big-endian 1.5 through the real kernels: SIMD, shared memory and threads of WebAssembly in one go. */
function checkKernels(): Check {
  const what = 'WebAssembly kernels'
  try {
    const value = scoped(() => {
      const bytes = allocate(Uint8Array, 4)
      const floats = allocate(Float32Array, 1)
      bytes.set([0x3f, 0xc0, 0, 0])
      kernels().floatsFromBigEndian(bytes.byteOffset, floats.byteOffset, 1)
      return floats[0]
    })
    if (value !== 1.5) return { what, state: 'wrong', found: `1.5 came out as ${value}: please report this machine` }
    return { what, state: 'ok', found: 'SIMD and shared memory work' }
  } catch (error) {
    return { what, state: 'wrong', found: `${(error as Error).message}: ulimit -v may be too small, or Node too old` }
  }
}

async function checkThreads(): Promise<Check> {
  const what = 'threads'
  const start = performance.now()
  const problem = await new Promise<string | undefined>((resolve) => {
    const worker = new Worker('', { eval: true })
    worker.once('error', (error) => resolve((error as Error).message))
    worker.once('exit', () => resolve(undefined))
  })
  const cores = availableParallelism()
  if (problem) return { what, state: 'wrong', found: `cannot be started: ${problem}` }
  return {
    what,
    state: 'ok',
    found: `${cores} cores; one thread starts in ${(performance.now() - start).toFixed(0)} ms`,
  }
}

function checkOpenFiles(): Check {
  const what = 'open files'
  if (!existsSync('/proc/self/limits')) return { what, state: 'ok', found: 'limit not known here' }
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  if (limit && Number(limit) < 256) return { what, state: 'note', found: `limit ${limit}: raise ulimit -n to 1024` }
  return { what, state: 'ok', found: `limit ${limit ?? 'none'}` }
}

function checkCommands(): Check {
  const all = executables()
  const missing = all.filter(({ bin }) => !existsSync(join(bin, '../../dist/bundle/start.cjs'))).map(({ name }) => name)
  if (missing.length)
    return { what: 'commands', state: 'wrong', found: `not built: ${missing.join(', ')} (npm run build)` }
  return { what: 'commands', state: 'ok', found: `${all.length} found` }
}
