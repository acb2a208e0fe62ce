// What V8 makes of a bundle when it is built. Code bears the flags of the V8 that made it, and one with others refuses it: that of a host,
// which has flags of its own, is made by a process that has them: node FLAGS scripts/compile-ahead.mjs FOLDER
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

const COMPILER = new URL('../packages/libs/command/dist/src/compiled-kernels.js', import.meta.url)
const KERNELS = 'kernels.wasm'
let kernelCode

/** Keeps code of every script of the bundle in `folder` but its start, and of its kernels where they are wanted. */
export async function compileAhead(folder, withKernels) {
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.cjs') && name !== 'start.cjs')
  for (const name of scripts) writeFileSync(join(folder, name.replace(/cjs$/, 'cache')), compiled(join(folder, name)))
  if (!withKernels) return
  const { codeName, codeOf } = await import(COMPILER.href)
  kernelCode ??= codeOf(readFileSync(join(folder, KERNELS))) // half a second, once for all bundles
  writeFileSync(join(folder, codeName()), kernelCode)
}

/** V8's code of every function, not only of those that run at once: the others would be compiled at their first call. */
function compiled(filename) {
  setFlagsFromString('--no-lazy')
  const script = new Script(readFileSync(filename, 'latin1'), { filename })
  setFlagsFromString('--lazy')
  return script.createCachedData()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2)
  await compileAhead(folder, existsSync(join(folder, KERNELS)))
}
