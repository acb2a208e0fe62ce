import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** What stands in the file, and how a DataView reads it. */
const STORED = {
  floatsFrom8: { bytes: 1, get: (view: DataView, at: number) => view.getUint8(at) },
  floatsFrom16: { bytes: 2, get: (view: DataView, at: number) => view.getInt16(at) },
  floatsFrom32: { bytes: 4, get: (view: DataView, at: number) => view.getInt32(at) },
  floatsFromFloats: { bytes: 4, get: (view: DataView, at: number) => view.getFloat32(at) },
  floatsFromDoubles: { bytes: 8, get: (view: DataView, at: number) => view.getFloat64(at) },
} as const

const SCALINGS: [number, number][] = [
  [1, 0],
  [1, 32768],
  [1, 2147483648],
  [1, 0.1],
  [0.1, 0],
  [-3.7e-3, 1e6 / 3],
]

/** Bytes of every kind: the extremes of integers, NaN, infinities, denormals and noise. */
function hostileBytes(into: Uint8Array): void {
  const special = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0x80, 0, 0, 0xff, 0x80, 0, 0, 0x7f, 0xc0, 0, 0, 0, 0, 0, 1,
  ]
  for (let i = 0; i < into.length; i++) into[i] = i < special.length ? special[i]! : (i * 2654435761) >>> 13
}

for (const [name, { bytes, get }] of Object.entries(STORED)) {
  t.test(`${name} gives zero + scale * stored, rounded once, at every length`, async (t) => {
    for (const n of [0, 1, 2, 3, 5, 7, 8, 9, 16, 31, 100]) {
      for (const [scale, zero] of SCALINGS) {
        for (const hasBlank of bytes <= 4 && name !== 'floatsFromFloats' ? [0, 1] : [0]) {
          scoped(() => {
            const source = allocate(Uint8Array, n * bytes)
            hostileBytes(source)
            const view = new DataView(source.buffer, source.byteOffset, source.length)
            const blank = n > 4 ? get(view, 4 * bytes) : 0
            const out = allocate(Float32Array, n)
            const kernel = kernels()[name as 'floatsFrom8']
            kernel(source.byteOffset, out.byteOffset, n, scale, zero, hasBlank, blank)
            const wanted = Float32Array.from({ length: n }, (_, i) => {
              const stored = get(view, i * bytes)
              if (hasBlank && stored === blank) return Number.NaN
              return scale === 1 && zero === 0 ? stored : stored * scale + zero
            })
            t.same(out, wanted, `${n} values, scale ${scale}, zero ${zero}`)
          })
        }
      }
    }
  })
}
