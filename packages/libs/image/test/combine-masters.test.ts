import { allocate, scoped } from '@nightpipe/kernels'
import { type Random, random } from '@nightpipe/math'
import t from 'tap'
import { type CombineOptions, type CombineRegion, combinePlanes, type Plane, planeLength } from '../src/index.js'
import { combineOracle } from './combine-oracle.js'

const noise = (r: Random, n: number, level: number) => Float32Array.from({ length: n }, () => level + 5 * r.normal())

const results = (n: number) => ({
  pixels: new Float32Array(n),
  error: new Float32Array(n),
  count: new Int16Array(n),
})

function combined(planes: readonly Plane[], options: CombineOptions, n = planeLength(planes[0])) {
  const out = results(n)
  combinePlanes(planes, options, out)
  return out
}

/** What the options mean, done beforehand: masters off, saturated samples away. */
function prepared(planes: readonly Float32Array[], options: CombineOptions): Float32Array[] {
  return planes.map((plane, k) =>
    plane.map((v, p) => {
      if (v >= (options.ceiling?.[k] ?? Number.POSITIVE_INFINITY)) return Number.NaN
      const darkScale = Math.fround(options.darkScale?.[k] ?? 1)
      const dark = Math.fround(darkScale * (options.dark?.[p] ?? 0))
      return Math.fround(Math.fround(v - (options.offset?.[k] ?? 0)) - (options.bias?.[p] ?? 0)) - dark
    }),
  )
}

t.test('masters are subtracted from every plane and saturated samples left out, before the scale', async (t) => {
  const r = random(31)
  for (const n of [1, 15, 16, 37, 100]) {
    const planes = Array.from({ length: 7 }, () => noise(r, n, 1000))
    planes[2][0] = 5000
    const list = (f: () => number) => Array.from(planes, () => Math.fround(f()))
    const options: CombineOptions = {
      method: 'sigma',
      noise: { variance0: 25, variancePerUnit: 0.1 },
      bias: noise(r, n, 300),
      dark: noise(r, n, 2),
      darkScale: list(() => 10 * r.uniform()),
      ceiling: list(() => 4000),
      offset: list(() => 100 * r.uniform()),
      scale: list(() => 0.5 + r.uniform()),
      weights: list(() => 1 + r.uniform()),
    }
    for (const method of ['sigma', 'median', 'mean'] as const) {
      for (const without of [[], ['bias'], ['dark'], ['bias', 'dark', 'darkScale'], ['weights', 'ceiling']]) {
        const chosen = {
          ...Object.fromEntries(Object.entries(options).filter(([key]) => !without.includes(key))),
          method,
        } as CombineOptions
        const out = combined(planes, chosen)
        const { bias: _b, dark: _d, darkScale: _s, offset: _o, ceiling: _c, ...plain } = chosen
        const ready = prepared(planes, chosen)
        for (let p = 0; p < n; p++) {
          const expected = combineOracle(ready, plain, p)
          t.equal(out.count[p], expected.count, `count of ${method} without ${without}`)
          if (Math.abs(out.pixels[p] - expected.value) > 1e-3) t.fail(`pixel ${p}: ${out.pixels[p]}, ${expected.value}`)
        }
      }
    }
  }
})

t.test('16-bit pixels of the file with masters and a ceiling give what floats give, to the bit', async (t) => {
  const r = random(32)
  const n = 333
  const stored = Array.from({ length: 9 }, () => Int16Array.from({ length: n }, () => r.bits()))
  const raw = stored.map((plane): Plane => {
    const bytes = new Uint8Array(2 * n)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < n; i++) view.setInt16(2 * i, plane[i])
    return { bytes, zero: 32768 }
  })
  const floats = stored.map((plane) => Float32Array.from(plane, (v) => v + 32768))
  const offset = stored.map(() => 1000 * r.uniform())
  const ceiling = stored.map(() => 60000)
  const bias = noise(r, n, 300)
  for (const options of [{ offset }, { ceiling }, { offset, ceiling }, { offset, ceiling, bias }, { bias }]) {
    const a = combined(raw, { method: 'sigma', ...options })
    const b = combined(floats, { method: 'sigma', ...options })
    t.same(a, b, Object.keys(options).join(' '))
  }
})

t.test('the tolerance widens the clip and not the error', async (t) => {
  const planes = [100, 100, 100, 100, 103].map((v) => Float32Array.of(v))
  const model = { variance0: 0.25, variancePerUnit: 0 }
  const tight = combined(planes, { method: 'sigma', noise: model })
  const wide = combined(planes, { method: 'sigma', noise: model, tolerance: 0.01 })
  t.equal(tight.count[0], 4)
  t.equal(wide.count[0], 5)
  t.equal(wide.pixels[0], Math.fround(100.6))
  t.equal(wide.error[0], Math.fround(0.5 / Math.sqrt(5)))
})

/** Two amplifiers beside each other, each with a strip of overscan that is left out; a level for each row of each. */
const regionsOf = (width: number, rows: number, levels: (k: number, side: number, y: number) => number) =>
  Array.from({ length: 2 * rows }, (_, i): CombineRegion => {
    const [y, side] = [i >> 1, i & 1]
    const half = width / 2
    const offset = [0, 1, 2, 3].map((k) => levels(k, side, y))
    return { to: y * width + side * half, from: y * (width + 6) + side * (half + 6), count: half, offset }
  })

t.test('regions: rows with gaps and levels of their own, as if each had been combined alone', async (t) => {
  const r = random(33)
  const [width, rows] = [26, 5]
  const rawWidth = width + 6
  const level = (k: number, side: number, y: number) => Math.fround(100 + 10 * k + 3 * side + y / 7)
  const frames = Array.from({ length: 4 }, () => Float32Array.from(noise(r, rawWidth * rows, 900), Math.round))
  const bias = noise(r, width * rows, 20)
  const regions = regionsOf(width, rows, level)
  const plain = frames.map((frame, k) =>
    Float32Array.from({ length: width * rows }, (_, p) => {
      const [x, y] = [p % width, Math.floor(p / width)]
      const side = x < width / 2 ? 0 : 1
      return Math.fround(frame[y * rawWidth + x + 6 * side] - level(k, side, y))
    }),
  )
  for (const method of ['sigma', 'median'] as const) {
    const expected = combined(plain, { method, bias })
    for (const asBytes of [false, true]) {
      const ours = scoped(() => {
        const lent = frames.map((frame): Plane => {
          if (!asBytes) {
            const copy = allocate(Float32Array, frame.length)
            copy.set(frame)
            return copy
          }
          const bytes = allocate(Uint8Array, 2 * frame.length)
          const view = new DataView(bytes.buffer, bytes.byteOffset)
          for (const [i, v] of frame.entries()) view.setInt16(2 * i, v)
          return { bytes }
        })
        const lentBias = allocate(Float32Array, bias.length)
        lentBias.set(bias)
        const n = width * rows
        const out = {
          pixels: allocate(Float32Array, n),
          error: allocate(Float32Array, n),
          count: allocate(Int16Array, n),
        }
        combinePlanes(lent, { method, bias: lentBias, regions }, out)
        return { pixels: out.pixels.slice(), error: out.error.slice(), count: out.count.slice() }
      })
      for (const key of ['pixels', 'error', 'count'] as const) {
        t.same([...ours[key]], [...expected[key]], `${key}, ${method}, ${asBytes ? 'bytes' : 'floats'}`)
      }
    }
  }
})

t.test('regions outside the planes, or of arrays that are not in kernel memory, are refused', async (t) => {
  const region = { to: 0, from: 0, count: 4, offset: [0] }
  t.throws(() => combinePlanes([new Float32Array(4)], { method: 'mean', regions: [region] }, results(4)), RangeError)
  scoped(() => {
    const plane = allocate(Float32Array, 4)
    const out = { pixels: allocate(Float32Array, 4) }
    for (const wrong of [
      { from: 1, to: 0 },
      { from: 0, to: 1 },
      { from: -1, to: 0 },
      { from: 0, to: 0, offset: [] },
    ]) {
      t.throws(() => combinePlanes([plane], { method: 'mean', regions: [{ ...region, ...wrong }] }, out), RangeError)
    }
    t.doesNotThrow(() => combinePlanes([plane], { method: 'mean', regions: [region] }, out))
  })
})

/** Integers as a file has them, and what they are. */
function stored(values: Int16Array, zero: number): { raw: Plane; floats: Float32Array } {
  const bytes = new Uint8Array(2 * values.length)
  const view = new DataView(bytes.buffer)
  for (const [p, value] of values.entries()) view.setInt16(2 * p, value)
  return { raw: { bytes, zero }, floats: Float32Array.from(values, (value) => value + zero) }
}

t.test('medians of 16-bit integers are those of the same numbers as floats, bit for bit', async (t) => {
  const r = random(77)
  const extremes = [-32768, 32767, 0, -1, 1]
  for (const zero of [0, 32768]) {
    for (const count of [2, 3, 5, 9, 10, 16, 17]) {
      for (const n of [1, 16, 37, 200]) {
        const planes = Array.from({ length: count }, () =>
          stored(
            Int16Array.from({ length: n }, () =>
              r.uniform() < 0.1 ? extremes[Math.floor(5 * r.uniform())] : 65536 * r.uniform() - 32768,
            ),
            zero,
          ),
        )
        // Whole and broken ceilings, some within the range of the samples, one below all of it.
        for (const ceiling of [Number.POSITIVE_INFINITY, 30000, 30000.5, zero + 32767, zero - 32768, -1e9]) {
          const options: CombineOptions = {
            method: 'median',
            noise: { variance0: 20.25, variancePerUnit: 0 },
            ceiling: planes.map((_, k) => (k === 1 ? ceiling : Number.POSITIVE_INFINITY)),
          }
          const fast = combined(
            planes.map(({ raw }) => raw),
            options,
          )
          const plain = combined(
            planes.map(({ floats }) => floats),
            options,
          )
          const same = (['pixels', 'error', 'count'] as const).every(
            (key) => Buffer.compare(Buffer.from(fast[key].buffer), Buffer.from(plain[key].buffer)) === 0,
          )
          t.ok(same, `${count} planes of ${n}, zero ${zero}, ceiling ${ceiling}`)
        }
      }
    }
  }
})
