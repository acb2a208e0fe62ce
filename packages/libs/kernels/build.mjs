// Compiles assembly/index.ts to WebAssembly and embeds the bytes in a module, so that what runs unbundled finds the kernels
// without a path; the bundles of commands have them as files beside them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import asc from 'assemblyscript/asc'
import { networkSource } from './networks.mjs'
import { split } from './split.mjs'

mkdirSync('dist', { recursive: true })
mkdirSync('src/generated', { recursive: true })
// assembly/networks.ts exists only here: networks.mjs writes it.
const readFile = (name) => {
  if (name === 'assembly/networks.ts') return networkSource()
  return existsSync(name) ? readFileSync(name, 'utf8') : null
}
const options = [
  'assembly/index.ts',
  ...['--outFile', 'dist/kernels.wasm'],
  ...['--runtime', 'stub', '--enable', 'simd,threads,bulk-memory', '--importMemory', '--sharedMemory'],
  ...['--initialMemory', '1', '--maximumMemory', '65536'],
  ...['-O3', '--converge', '--noAssert'],
]
const { error, stderr } = await asc.main(options, { readFile })
if (error) {
  console.error(stderr.toString())
  process.exit(1)
}
const { code, data } = split(readFileSync('dist/kernels.wasm'))
writeFileSync('dist/kernels.wasm', code)
const given = (name, bytes) => `export const ${name} = () => Buffer.from('${bytes.toString('base64')}', 'base64')\n`
writeFileSync('src/generated/wasm.ts', given('code', code) + given('data', data))
