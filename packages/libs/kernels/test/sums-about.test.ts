import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

t.test('sums of signed pixels about places, over the noise there', async (t) => {
  scoped(() => {
    const image = allocate(Float32Array, 30)
    image.set(Float32Array.from({ length: 30 }, (_, p) => p * p - 7 * p))
    image[13] = Number.NaN
    const places = allocate(Int32Array, 3)
    places.set([7, 12, 20])
    const noise = allocate(Float32Array, 3)
    noise.set([2, 1, 4])
    const offsets = allocate(Int32Array, 3)
    offsets.set([-6, 0, 1])
    const signs = allocate(Float64Array, 3)
    signs.set([1, -1, 0.5])
    const out = allocate(Float64Array, 3)
    const [at, about] = [offsets.byteOffset, signs.byteOffset]
    kernels().sumsAbout(image.byteOffset, places.byteOffset, noise.byteOffset, 3, at, about, 3, out.byteOffset)
    const expected = Array.from(places, (place, i) => {
      const value = (k: number) => signs[k]! * image[place + offsets[k]!]!
      return (value(0) + value(1) + value(2)) / noise[i]!
    })
    t.same(Array.from(out), expected)
    t.ok(Number.isNaN(out[1]))
  })
})
