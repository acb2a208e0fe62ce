import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { codeName, codeOf, compiledAhead } from '../src/compiled-kernels.js'

const wire = readFileSync(new URL('../../../kernels/dist/kernels.wasm', import.meta.url))

t.test('kernels that were compiled ahead do what those compiled here do', async (t) => {
  const folder = t.testdir()
  const path = join(folder, codeName())
  const beside = pathToFileURL(path).href
  t.equal(compiledAhead(wire, beside), undefined, 'without the file they are compiled')

  writeFileSync(path, codeOf(wire))
  const module = compiledAhead(wire, beside)
  t.ok(module instanceof WebAssembly.Module)
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true })
  const { exports } = new WebAssembly.Instance(module!, { env: { memory, abort: () => {} } })
  const swap16 = exports.swap16 as (source: number, target: number, n: number) => void
  const bytes = new Uint8Array(memory.buffer, 65536, 64)
  bytes.set([1, 2, 3, 4])
  swap16(65536, 65568, 2)
  t.same([...bytes.subarray(32, 36)], [2, 1, 4, 3])
})

t.test('code of another module, or with a byte changed or missing, is not taken', async (t) => {
  const folder = t.testdir()
  const path = join(folder, codeName())
  const beside = pathToFileURL(path).href
  const code = codeOf(wire)
  writeFileSync(path, code)
  t.equal(compiledAhead(wire.subarray(8), beside), undefined)
  for (const damaged of [
    code.subarray(0, code.length - 1),
    Buffer.from(code).fill(7, 5000, 5001),
    code.subarray(0, 9),
  ]) {
    writeFileSync(path, damaged)
    t.equal(compiledAhead(wire, beside), undefined)
  }
  t.same(readFileSync(path), code.subarray(0, 9), 'and the file is left alone')
})
