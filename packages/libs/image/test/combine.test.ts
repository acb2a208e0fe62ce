import { allocate, scoped } from '@nightpipe/kernels'
import { type Random, random } from '@nightpipe/math'
import t from 'tap'
import { medianLoss, trimmedLoss } from '../src/efficiency.js'
import { type CombineOptions, calibratePixels, combinePlanes } from '../src/index.js'
import { combineOracle } from './combine-oracle.js'

const HOSTILE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e15, -1e15, 1e-40]

function stack(r: Random, count: number, length: number, hostile: number): Float32Array[] {
  return Array.from({ length: count }, () =>
    Float32Array.from({ length }, () => {
      if (r.uniform() < hostile) return HOSTILE[r.bits() % HOSTILE.length]
      return 100 + 5 * r.normal() + (r.uniform() < 0.05 ? 300 * r.uniform() : 0)
    }),
  )
}

/** Differences from the oracle: the count exact, values and errors to float32. */
function differences(planes: Float32Array[], options: CombineOptions): string[] {
  const n = planes[0].length
  const out = { pixels: new Float32Array(n), error: new Float32Array(n), count: new Int16Array(n) }
  combinePlanes(planes, options, out)
  const wrong: string[] = []
  for (let p = 0; p < n && wrong.length < 3; p++) {
    const expected = combineOracle(planes, options, p)
    const samples = planes.map((plane) => plane[p]).filter(Number.isFinite)
    const largest = Math.max(1, ...samples.map(Math.abs))
    const same = (a: number, b: number) => Object.is(a, b) || a === b || Math.abs(a - b) <= 3e-6 * largest
    const loss =
      options.method === 'median'
        ? medianLoss(orderedCount(planes, options, p))
        : options.method === 'minmax'
          ? trimmedLoss(orderedCount(planes, options, p), options.lowest ?? 1, options.highest ?? 1)
          : 1
    const error = expected.count > 0 ? expected.error * Math.sqrt(loss) : Number.NaN
    const errorFits = same(out.error[p], error)
    if (out.count[p] !== expected.count || !same(out.pixels[p], expected.value) || !errorFits) {
      wrong.push(
        `pixel ${p} of [${samples}]: ${out.pixels[p]} ± ${out.error[p]} (${out.count[p]}), expected ${expected.value} ± ${error} (${expected.count})`,
      )
    }
  }
  return wrong
}

function orderedCount(planes: Float32Array[], options: CombineOptions, p: number): number {
  return combineOracle(planes, { ...options, method: 'mean' }, p).count
}

const CHOICES: CombineOptions[] = [
  { method: 'median' },
  { method: 'mean' },
  { method: 'sigma' },
  { method: 'sigma', iterations: 3, clipLow: 2, clipHigh: 4 },
  { method: 'sigma', noise: { variance0: 25, variancePerUnit: 0 } },
  { method: 'sigma', noise: { variance0: 9, variancePerUnit: 0.2, relative: 0.01 }, clipHigh: 2.5 },
  { method: 'minmax' },
  { method: 'minmax', lowest: 0, highest: 3 },
  { method: 'median', noise: { variance0: 9, variancePerUnit: 0.2 } },
  { method: 'median', noise: { variance0: 9, variancePerUnit: 0 } },
  { method: 'minmax', noise: { variance0: 9, variancePerUnit: 0.2 } },
  { method: 'mean', noise: { variance0: 9, variancePerUnit: 0.2 } },
]

t.test(
  'every method agrees with the plain one on noise with outliers, for any number of planes and odd lengths',
  async (t) => {
    const r = random(21)
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 21, 33, 70]) {
      const planes = stack(r, count, 37, 0)
      for (const options of CHOICES)
        t.same(differences(planes, options), [], `${count} planes, ${JSON.stringify(options)}`)
    }
  },
)

t.test('the same with NaN, infinities, zeros of both signs, huge and tiny values', async (t) => {
  const r = random(22)
  for (const count of [1, 2, 3, 5, 10, 16, 20]) {
    const planes = stack(r, count, 131, 0.2)
    for (const options of CHOICES)
      t.same(differences(planes, options), [], `${count} planes, ${JSON.stringify(options)}`)
  }
})

t.test('the same with scales, offsets, weights, errors and masks', async (t) => {
  const r = random(23)
  for (const count of [1, 2, 5, 10, 18]) {
    const planes = stack(r, count, 50, 0.05)
    const list = (f: () => number) => Array.from({ length: count }, f)
    const extra = {
      scale: list(() => Math.fround(0.5 + r.uniform())),
      offset: list(() => Math.fround(10 * r.uniform())),
      errors: planes.map((plane) => plane.map(() => 3 + r.uniform())),
      masks: planes.map((plane, k) =>
        k % 3 === 1 ? undefined : Int16Array.from(plane, () => (r.uniform() < 0.1 ? 5 : 16)),
      ),
      maskBits: 7,
    }
    const weights = list(() => Math.fround(1 + r.uniform()))
    const noise = { variance0: 9, variancePerUnit: 0.2, relative: 0.02 }
    const { errors: _, ...noErrors } = extra
    const choices: CombineOptions[] = [
      { method: 'weighted', ...extra },
      { method: 'weighted', weights, ...extra },
      { method: 'mean', weights, ...noErrors },
      { method: 'sigma', weights, ...noErrors },
      { method: 'sigma', ...extra },
      { method: 'sigma', ...extra, noise },
      { method: 'sigma', ...noErrors, noise, background: list(() => 50), weights },
      { method: 'median', ...extra },
      { method: 'minmax', ...noErrors, noise },
    ]
    for (const options of choices) t.same(differences(planes, options), [], `${count} planes, ${Object.keys(options)}`)
  }
})

t.test('16-bit pixels straight from the file give what floats give', async (t) => {
  const r = random(24)
  const n = 1000
  const stored = Array.from({ length: 7 }, () => Int16Array.from({ length: n }, () => r.bits()))
  stored[3][5] = -32768
  const raw = stored.map((plane) => {
    const bytes = new Uint8Array(2 * n)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < n; i++) view.setInt16(2 * i, plane[i])
    return { bytes, zero: 32768, blank: -32768 }
  })
  const floats = stored.map((plane) => Float32Array.from(plane, (v) => (v === -32768 ? Number.NaN : v + 32768)))
  for (const method of ['median', 'mean', 'sigma'] as const) {
    const a = combinePlanes(raw, { method }, { pixels: new Float32Array(n) }).pixels
    const b = combinePlanes(floats, { method }, { pixels: new Float32Array(n) }).pixels
    t.same(a, b, method)
  }
})

t.test('arrays in kernel memory, strips and the whole give the same bytes', async (t) => {
  const r = random(25)
  const n = 40001
  const planes = stack(r, 6, n, 0.01)
  for (const options of CHOICES) {
    const whole = { pixels: new Float32Array(n), error: new Float32Array(n), count: new Uint16Array(n) }
    combinePlanes(planes, options, whole)
    const ours = scoped(() => {
      const lent = planes.map((plane) => {
        const copy = allocate(Float32Array, n)
        copy.set(plane)
        return copy
      })
      const out = {
        pixels: allocate(Float32Array, n),
        error: allocate(Float32Array, n),
        count: allocate(Uint16Array, n),
      }
      for (let start = 0; start < n; start += 777) {
        const part = <T extends Float32Array | Uint16Array>(array: T) => array.subarray(start, start + 777) as T
        combinePlanes(lent.map(part), options, {
          pixels: part(out.pixels),
          error: part(out.error),
          count: part(out.count),
        })
      }
      return { pixels: out.pixels.slice(), error: out.error.slice(), count: out.count.slice() }
    })
    for (const key of ['pixels', 'error', 'count'] as const) {
      t.ok(Buffer.from(ours[key].buffer).equals(Buffer.from(whole[key].buffer)), `${options.method} ${key}`)
    }
  }
})

t.test('the order of the planes does not matter', async (t) => {
  const planes = stack(random(26), 9, 300, 0.02)
  for (const method of ['median', 'sigma', 'minmax'] as const) {
    const a = combinePlanes(planes, { method }, { pixels: new Float32Array(300) }).pixels
    const b = combinePlanes(planes.toReversed(), { method }, { pixels: new Float32Array(300) }).pixels
    t.ok(
      a.every((v, i) => Object.is(v, b[i]) || Math.abs(v - b[i]) <= 2e-7 * Math.abs(v)),
      method,
    )
  }
})

t.test('nothing but bad samples is NaN with count 0, and two that exclude each other give the lower', async (t) => {
  const bad = [Float32Array.of(Number.NaN, 1), Float32Array.of(3, Number.POSITIVE_INFINITY)]
  const masks = [undefined, Int16Array.of(4, 0)]
  const out = { pixels: new Float32Array(2), error: new Float32Array(2), count: new Int16Array(2) }
  combinePlanes(bad, { method: 'mean', masks }, out)
  t.same([...out.pixels, ...out.error], [Number.NaN, 1, Number.NaN, Number.NaN])
  t.same([...out.count], [0, 1])
  const struck = [Float32Array.of(900), Float32Array.of(100)]
  combinePlanes(struck, { method: 'sigma', noise: { gain: 2, readNoise: 5 } }, { pixels: out.pixels.subarray(0, 1) })
  t.equal(out.pixels[0], 100)
})

t.test('planes that do not fit together are refused', async (t) => {
  const a = new Float32Array(4)
  const out = { pixels: new Float32Array(4) }
  t.throws(() => combinePlanes([], { method: 'mean' }, out), RangeError)
  t.throws(() => combinePlanes([a, new Float32Array(5)], { method: 'mean' }, out), RangeError)
  t.throws(() => combinePlanes([a], { method: 'mean', scale: [1, 2] }, out), RangeError)
  t.throws(() => combinePlanes([a], { method: 'weighted' }, out), RangeError)
  t.throws(() => combinePlanes([a], { method: 'sigma', noise: { gain: 0, readNoise: 1 } }, out), RangeError)
})

t.test('every NaN that comes out is the same NaN, so that products are the same bytes on every machine', async (t) => {
  const bits = (values: Float32Array) => new Set(new Uint32Array(values.buffer, values.byteOffset, values.length))
  const odd = Float32Array.from(new Float32Array(new Uint32Array(21).fill(0xffc00123).buffer))
  for (const options of CHOICES) {
    const out = { pixels: new Float32Array(21), error: new Float32Array(21) }
    combinePlanes([odd, odd, odd], options, out)
    t.same([...bits(out.pixels), ...bits(out.error)], [0x7fc00000, 0x7fc00000], options.method)
  }
  const calibrated = { pixels: new Float32Array(21), error: new Float32Array(21) }
  calibratePixels(odd, { flat: odd, gain: 2 }, calibrated)
  t.same([...bits(calibrated.pixels), ...bits(calibrated.error)], [0x7fc00000, 0x7fc00000])
})
