import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

type Name = 'bytesFromFloats' | 'shortsFromFloats' | 'longsFromFloats'
const KINDS: Record<Name, { bytes: number; low: number; high: number; get: (v: DataView, at: number) => number }> = {
  bytesFromFloats: { bytes: 1, low: 0, high: 255, get: (v, at) => v.getUint8(at) },
  shortsFromFloats: { bytes: 2, low: -32768, high: 32767, get: (v, at) => v.getInt16(2 * at) },
  longsFromFloats: { bytes: 4, low: -(2 ** 31), high: 2 ** 31 - 1, get: (v, at) => v.getInt32(4 * at) },
}

/** What the kernel writes, and the place of the first pixel that does not fit. */
function encode(name: Name, values: number[], scale: number, zero: number, blank?: number) {
  return scoped(() => {
    const source = allocate(Float32Array, values.length)
    source.set(values)
    const { bytes, get } = KINDS[name]
    const target = allocate(Uint8Array, values.length * bytes)
    const misfit = kernels()[name](
      source.byteOffset,
      target.byteOffset,
      values.length,
      scale,
      zero,
      blank === undefined ? 0 : 1,
      blank ?? 0,
    )
    const view = new DataView(target.buffer, target.byteOffset, target.length)
    return { misfit, stored: values.map((_, i) => get(view, i)), source: source.slice() }
  })
}

t.test('floats become the nearest integers, halves upwards, for every length and scaling', async (t) => {
  const tricky = [
    0, -0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 0.50000006, -0.49999997, 99.5, 100.4999, 7, 8, 9, 10.25, 11,
  ]
  for (const name of Object.keys(KINDS) as Name[]) {
    const fractional = name === 'bytesFromFloats' ? [2, -2.25] : [0.5, -100.25]
    for (const [scale, zero] of [[1, -100], [1, -2], [3, -200], fractional]) {
      for (let n = 0; n <= tricky.length; n++) {
        const { misfit, stored, source } = encode(name, tricky.slice(0, n), scale, zero)
        t.equal(misfit, -1)
        t.same(
          stored,
          [...source].map((v) => Math.floor((v - zero) / scale + 0.5) + 0),
        )
      }
    }
  }
  const unsigned = Array.from({ length: 4000 }, (_, i) => (i * 16.390625) % 65535)
  const { stored, source } = encode('shortsFromFloats', unsigned, 1, 32768)
  t.same(
    stored,
    [...source].map((v) => Math.round(v) - 32768),
  )
})

t.test('what does not fit is named, and NaN needs a blank', async (t) => {
  for (const name of Object.keys(KINDS) as Name[]) {
    const { low, high } = KINDS[name]
    const fine = Array.from({ length: 21 }, (_, i) => i)
    for (const wrong of [Number.NaN, Infinity, -Infinity, 2 * high, low - 1e9]) {
      for (const at of [0, 3, 9, 20]) {
        const values = fine.with(at, wrong)
        t.equal(encode(name, values, 1, 0).misfit, at, `${name} ${wrong} at ${at}`)
      }
    }
    const blanked = encode(name, fine.with(4, Number.NaN).with(12, Number.NaN), 1, 0, high)
    t.equal(blanked.misfit, -1)
    t.same(blanked.stored, fine.with(4, high).with(12, high))
    t.equal(encode(name, [Math.fround(low)], 1, 0).misfit, -1)
  }
})
