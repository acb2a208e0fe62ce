import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

t.test(
  'a raw row is net of its level, with the errors of counting and reading; saturated and missing pixels are marked',
  (t) => {
    const raw = Float32Array.of(1000, 1010.5, 995, 65535, Number.NaN, 2000, 990)
    const [under, gain, readVariance, saturation] = [1000.25, 1.7, 9.5, 60000]
    scoped(() => {
      const from = allocate(Float32Array, 7)
      from.set(raw)
      const [pixels, error, mask] = [allocate(Float32Array, 7), allocate(Float32Array, 7), allocate(Int16Array, 7)]
      const into = [pixels.byteOffset, error.byteOffset, mask.byteOffset] as const
      kernels().rawRow(from.byteOffset, 7, under, gain, readVariance, saturation, ...into)
      t.same([...pixels], [...raw.map((value) => value - under)])
      t.same([...error], [...raw.map((value) => Math.sqrt(Math.max(value - under, 0) / gain + readVariance))])
      t.same([...mask], [0, 0, 0, 2, 8, 0, 0])
    })
    t.end()
  },
)

t.test('the mean of planes is without masked values and those that stand out', (t) => {
  const [n, count, dark, perLight, clip, unlike] = [501, 4, 20, 0.6, 5, 0.02]
  let seed = 3
  const uniform = () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
  const scales = [1, 1.02, 0.9, 1.3]
  const planes = scales.map((scale) =>
    Float32Array.from({ length: n }, (_, p) => (40 * p + 30 * (uniform() - 0.5) * Math.sqrt(1 + p / 20)) / scale),
  )
  const masks = planes.map(() => Int16Array.from({ length: n }, () => (uniform() < 0.1 ? 4 : 0)))
  planes[1]![50] = 9e4 // a cosmic ray
  planes[2]![60] = Number.NaN
  for (const mask of masks) mask[70] = 1
  let left = 0
  const plain = Array.from({ length: n }, (_, p) => {
    const values = planes
      .flatMap((plane, k) => (masks[k]![p] === 0 && Number.isFinite(plane[p]!) ? [plane[p]! * scales[k]!] : []))
      .sort((a, b) => a - b)
    const middle = values[(values.length - 1) >> 1] ?? 0
    const limit = clip * Math.sqrt(2 * (dark + perLight * Math.max(0, middle))) + unlike * Math.abs(middle)
    const kept = values.filter((value) => Math.abs(value - middle) <= limit)
    left += values.length - kept.length
    return kept.length > 0 ? Math.fround(kept.reduce((sum, value) => sum + value, 0) / kept.length) : 0
  })
  scoped(() => {
    const lend = (all: readonly (Float32Array | Int16Array)[]) => {
      const list = allocate(Uint32Array, count)
      all.forEach((values, k) => {
        const copy = allocate(values.constructor as never, n) as Float32Array
        copy.set(values)
        list[k] = copy.byteOffset
      })
      return list.byteOffset
    }
    const [factors, scratch] = [allocate(Float64Array, count), allocate(Float64Array, count)]
    factors.set(scales)
    const [mean, bad] = [allocate(Float32Array, n), allocate(Uint8Array, n).fill(7)]
    const noise = [dark, perLight, clip, unlike] as const
    const into = [mean.byteOffset, bad.byteOffset, scratch.byteOffset] as const
    const rejected = kernels().sumPlanes(lend(planes), lend(masks), factors.byteOffset, count, n, ...noise, ...into)
    t.same([...mean], plain)
    t.equal(rejected, left)
    t.ok(rejected >= 1)
    t.same(
      [...bad].flatMap((one, p) => (one ? [p] : [])),
      [70],
    )
  })
  t.end()
})
