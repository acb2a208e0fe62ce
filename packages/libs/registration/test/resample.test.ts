import { type Frame, MaskBit } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import {
  type Affine,
  type Interpolation,
  noiseFactor,
  type PixelMap,
  resample,
  resampleRows,
  rowsNeeded,
  runMap,
  sourceRows,
  tapWeights,
} from '../src/index.js'
import { onePixel } from './resample-oracle.js'

const { uniform, normal } = random(5)

function noise(width: number, height: number, sigma = 5): Frame {
  const n = width * height
  const pixels = Float32Array.from({ length: n }, () => 100 + sigma * normal())
  return {
    name: 'noise',
    width,
    height,
    pixels,
    error: Float32Array.from({ length: n }, () => sigma * (1 + uniform())),
  }
}

/** Gaussian stars on nothing. */
function stars(width: number, height: number, places: [number, number][], sigma = 1.8, flux = 1e5): Frame {
  const pixels = new Float32Array(width * height)
  for (const [sx, sy] of places) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const r2 = (x - sx) ** 2 + (y - sy) ** 2
        pixels[y * width + x] += (flux * Math.exp(-r2 / (2 * sigma ** 2))) / (2 * Math.PI * sigma ** 2)
      }
    }
  }
  return { name: 'stars', width, height, pixels }
}

function moments({ pixels, width }: Frame) {
  let [sum, mx, my] = [0, 0, 0]
  pixels.forEach((value, p) => {
    if (Number.isNaN(value)) return
    sum += value
    mx += value * (p % width)
    my += value * Math.floor(p / width)
  })
  return { flux: sum, x: mx / sum, y: my / sum }
}

const METHODS: Interpolation[] = ['nearest', 'bilinear', 'lanczos3', 'lanczos4']
const turned: Affine = [Math.cos(0.2), -Math.sin(0.2), 9.3, Math.sin(0.2), Math.cos(0.2), -8.7]
const curved: PixelMap = (x, y) => [x + 2.3 + 1e-4 * x * y, y - 1.2 + 1e-4 * x * x]
const MAPS: [string, PixelMap][] = [
  ['a shift', [1, 0, 3.3, 0, 1, 2.6]],
  ['a shift out of the frame', [1, 0, -5.3, 0, 1, 4.6]],
  ['a rotation', turned],
  ['a mirror image', [-1, 0, 61.4, 0, 1, 0.2]],
  ['a distortion', curved],
]

for (const method of METHODS) {
  for (const [name, map] of MAPS) {
    t.test(`${method}, ${name}: as the formula says`, async (t) => {
      const frame = { ...noise(64, 48), mask: Int16Array.from({ length: 64 * 48 }, () => (uniform() < 0.02 ? 2 : 0)) }
      const out = resample(frame, map, { width: 60, height: 50, method, conserve: false })
      let [worst, worstError, bits, at] = [0, 0, 0, 0]
      for (let y = 0; y < 50; y++) {
        for (let x = 0; x < 60; x++, at++) {
          const one = onePixel(frame, map, x, y, method)
          if (Number.isNaN(one.value) !== Number.isNaN(out.pixels[at])) worst = Number.POSITIVE_INFINITY
          else if (!Number.isNaN(one.value)) {
            worst = Math.max(worst, Math.abs(one.value - out.pixels[at]))
            worstError = Math.max(worstError, Math.abs(one.error - out.error![at]))
          }
          if (one.bits !== out.mask[at]) bits++
        }
      }
      // fractions are tabled to 1/2048: half of that times the steepest slope, 5 sigma of noise from pixel to pixel
      // and a distortion is straight to 0.001 px between its nodes
      t.ok(worst < (map === curved ? 0.08 : 0.02), `off by ${worst}`)
      t.ok(worstError < 0.02, `errors off by ${worstError}`)
      t.ok(bits < 12, `${bits} pixels have other bits`)
    })
  }
}

t.test('a shift by whole pixels moves them, and changes nothing', async (t) => {
  const frame = noise(40, 30)
  for (const method of [...METHODS, 'flux'] as const) {
    const { pixels } = resample({ ...frame, error: undefined }, [1, 0, 4, 0, 1, 3], { width: 30, height: 20, method })
    const worst = pixels.reduce((most, v, p) => {
      const was = frame.pixels[(Math.floor(p / 30) + 3) * 40 + (p % 30) + 4]
      return Math.max(most, Math.abs(v - was))
    }, 0)
    t.ok(worst < 1e-4, `${method}: ${worst}`)
  }
})

t.test('the quick way for shifts is the long one', async (t) => {
  const frame = noise(90, 70)
  const shift: Affine = [1, 0, 3.37, 0, 1, 5.81]
  for (const method of METHODS) {
    const quick = resample({ ...frame, error: undefined }, shift, { width: 80, height: 60, method })
    const long = resample(frame, shift, { width: 80, height: 60, method })
    const worst = quick.pixels.reduce((most, v, p) => Math.max(most, Math.abs(v - long.pixels[p])), 0)
    t.ok(worst < 0.02, `${method}: ${worst}`)
  }
})

t.test('stars keep their flux and go where they should', async (t) => {
  const frame = stars(80, 80, [[38.3, 41.8]])
  const [a, b, c, d, e, f] = turned
  for (const method of ['bilinear', 'lanczos3', 'lanczos4', 'flux'] as const) {
    for (const scale of [1, 1.1]) {
      const map: Affine = [a * scale, b * scale, c, d * scale, e * scale, f]
      const { flux, x, y } = moments(resample(frame, map, { width: 80, height: 80, method }))
      // Lanczos of stars of 4.2 px: a few times 1e-4
      t.ok(Math.abs(flux / 1e5 - 1) < 1e-3, `${method}, scale ${scale}: flux off by ${flux / 1e5 - 1}`)
      const [u, v] = [map[0] * x + map[1] * y + map[2], map[3] * x + map[4] * y + map[5]]
      const limit = method === 'bilinear' ? 0.006 : 0.003
      t.ok(Math.hypot(u - 38.3, v - 41.8) < limit, `${method}: off by ${Math.hypot(u - 38.3, v - 41.8)}`)
    }
  }
})

t.test('the area that pixels share: all light is kept, to the last digit', async (t) => {
  const frame = stars(60, 60, [[30, 28]], 0.6)
  const before = moments(frame).flux
  for (const map of [turned, [0.5, 0, 0.3, 0, 0.5, 1], [1, 0, 0.5, 0, 1, 0.25]] as Affine[]) {
    const { flux } = moments(resample(frame, map, { width: 130, height: 130, method: 'flux' }))
    t.ok(Math.abs(flux / before - 1) < 1e-6, `${flux / before}`)
  }
})

t.test('errors are those of the noise, and the factor that of its sums', async (t) => {
  const size = 360
  const frame = { ...noise(size, size, 5), error: new Float32Array(size * size).fill(5) }
  for (const method of ['bilinear', 'lanczos3', 'flux'] as const) {
    const map: Affine = [Math.cos(0.02), -Math.sin(0.02), 8, Math.sin(0.02), Math.cos(0.02), 1]
    const out = resample(frame, map, { width: 320, height: 320, method, conserve: false })
    let [squares, errors] = [0, 0]
    const box = 16
    const sums = new Float64Array((320 / box) ** 2)
    out.pixels.forEach((value, p) => {
      squares += (value - 100) ** 2
      errors += out.error![p] ** 2
      sums[Math.floor(Math.floor(p / 320) / box) * (320 / box) + Math.floor((p % 320) / box)] += value - 100
    })
    const honest = Math.sqrt(squares / errors)
    t.ok(Math.abs(honest - 1) < 0.02, `${method}: ${honest}`)
    const ofSums = Math.sqrt(sums.reduce((sum, s) => sum + s * s, 0) / sums.length)
    const expected = Math.sqrt((errors / out.pixels.length) * box * box) * out.noiseFactor
    // 400 boxes: 3.5 %; what leaks over their edges: 1 to 3 %
    if (method !== 'flux') t.ok(Math.abs(ofSums / expected - 1) < 0.12, `${method}: ${ofSums / expected}`)
  }
})

t.test('rows by themselves are those of the whole, on a map that bends too', async (t) => {
  const frame = noise(150, 140)
  const error = frame.error!
  const bend: PixelMap = (x, y) => [x + 4.3 + 2e-4 * x * y, y - 3.1 + 1e-4 * (x - 60) ** 2]
  const runs = runMap(bend, 130, 130)
  const whole = resample(frame, bend, { width: 130, height: 130, method: 'lanczos3' })
  for (const [first, rows] of [
    [0, 50],
    [50, 1],
    [51, 79],
  ]) {
    const needed = rowsNeeded(runs, { width: 130, first, rows }, 140, 8)
    const [from, to] = [needed.first * 150, (needed.first + needed.rows) * 150]
    scoped(() => {
      const part = {
        ...needed,
        width: 150,
        height: 140,
        pixels: frame.pixels.slice(from, to),
        error: error.slice(from, to),
      }
      const source = sourceRows(part, 'lanczos3', 100)
      const out = { width: 130, first, rows, pixels: allocate(Float32Array, 130 * rows) }
      resampleRows(source, runs, out, { method: 'lanczos3', conserve: true })
      t.same(out.pixels, whole.pixels.subarray(130 * first, 130 * (first + rows)))
    })
  }
})

t.test('the noise factor of a shift is that of its weights', async (t) => {
  for (const [method, taps] of [
    ['bilinear', 2],
    ['lanczos3', 6],
    ['lanczos4', 8],
  ] as const) {
    const squares = (fraction: number) =>
      tapWeights(method, fraction, new Float64Array(taps)).reduce((sum, w) => sum + w * w, 0)
    const shift: Affine = [1, 0, 3.3717, 0, 1, 2.1234]
    const found = noiseFactor({ affine: shift }, { width: 300, height: 200 }, { width: 400, height: 300 }, method)
    const expected = 1 / Math.sqrt(squares(0.3717) * squares(0.1234))
    // Σw² is read off a table of 512 phases: the square of their distance, and a slope that changes by 10 over a pixel
    t.ok(Math.abs(found / expected - 1) < 1e-5, `${method}: ${found} ${expected}`)
  }
})

t.test('a bad pixel does not ring: its neighbours keep their values', async (t) => {
  const frame = stars(40, 40, [[20, 20]], 2.5)
  const clean = resample(frame, [1, 0, 0.4, 0, 1, 0.3], { width: 38, height: 38, method: 'lanczos3' })
  const mask = new Int16Array(1600)
  const bad = { ...frame, pixels: Float32Array.from(frame.pixels), mask }
  bad.pixels[25 * 40 + 12] = 1e9
  mask[25 * 40 + 12] = MaskBit.cosmicRay
  bad.pixels[10 * 40 + 30] = Number.NaN
  const out = resample(bad, [1, 0, 0.4, 0, 1, 0.3], { width: 38, height: 38, method: 'lanczos3' })
  const peak = Math.max(...frame.pixels)
  out.pixels.forEach((value, p) => {
    if (out.mask[p] === 0) t.ok(Math.abs(value - clean.pixels[p]) < 0.005 * peak)
  })
  t.equal(out.mask[24 * 38 + 11] & MaskBit.cosmicRay, MaskBit.cosmicRay)
  t.ok(out.mask.filter((bits) => bits & MaskBit.cosmicRay).length <= 6)
  t.ok(out.pixels.filter((value) => Number.isNaN(value)).length <= 6, 'what had no value has none')
  t.ok(Number.isNaN(bad.pixels[10 * 40 + 30]), 'the frame is not changed')
})

t.test('places that a map does not know have no data', async (t) => {
  const map: PixelMap = (x, y) => (x < 20 ? [x, y] : [Number.NaN, Number.NaN])
  const out = resample(noise(40, 40), map, { width: 40, height: 40, method: 'lanczos3' })
  t.ok(Number.isFinite(out.pixels[5]))
  t.ok(Number.isNaN(out.pixels[30]))
  t.equal(out.mask[30], MaskBit.noData)
})
