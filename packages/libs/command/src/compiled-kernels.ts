import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

/** What precedes the code in the file: the digest of the module and of the code. */
export const DIGEST_BYTES = 32

/** Named for the V8 whose code it holds: no other one looks for it. */
export const codeName = () => `kernels-${process.versions.v8}-${process.arch}.cache`

export const digestOf = (module: Uint8Array, code: Uint8Array) =>
  createHash('sha256').update(module).update(code).digest()

/**
 * The module with the code that V8 made of it when the command was bundled; V8 itself refuses that of another processor.
 * Undefined where there is none: then it is compiled. For the main thread, before others start: those get what it has.
 */
export function compiledAhead(module: Uint8Array, beside = import.meta.url): WebAssembly.Module | undefined {
  let file: Buffer
  try {
    file = readFileSync(fileURLToPath(new URL(codeName(), beside)))
  } catch {
    return undefined
  }
  const code = file.subarray(DIGEST_BYTES)
  if (!file.subarray(0, DIGEST_BYTES).equals(digestOf(module, code))) return undefined
  return natively('a, b', '%DeserializeWasmModule(a, b)', new Uint8Array(code).buffer, new Uint8Array(module))
}

/** The code of a module all of whose functions V8 has compiled at its best. */
export function codeOf(module: Uint8Array): Buffer {
  const eager = ['liftoff', 'wasm-dynamic-tiering', 'wasm-lazy-compilation']
  for (const flag of eager) setFlagsFromString(`--no-${flag}`)
  const compiled = new WebAssembly.Module(new Uint8Array(module))
  for (const flag of eager) setFlagsFromString(`--${flag}`)
  const code = Buffer.from(natively<ArrayBuffer>('a', '%SerializeWasmModule(a)', compiled))
  return Buffer.concat([digestOf(module, code), code])
}

/** Calls a function of V8 that has no name in JavaScript. */
function natively<T>(names: string, call: string, ...args: unknown[]): T {
  setFlagsFromString('--allow-natives-syntax')
  try {
    return new Function(names, `return ${call}`)(...args) as T
  } finally {
    setFlagsFromString('--no-allow-natives-syntax')
  }
}
