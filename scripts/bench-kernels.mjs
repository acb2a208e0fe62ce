#!/usr/bin/env node
// Milliseconds of CPU for each kernel on one thread, best of several runs, beside the plain loop that says what it does.
// The loop runs on a smaller image (an eighth of the side) and its time is multiplied by the ratio of areas.
// Usage: scripts/bench-kernels.mjs [--size 4096] [--runs 5] [--only WORD]      (after npm run build)
import { parseArgs } from 'node:util'
import * as image from '../packages/libs/image/dist/src/index.js'
import { calibrateOracle } from '../packages/libs/image/dist/test/calibrate-oracle.js'
import { combineOracle } from '../packages/libs/image/dist/test/combine-oracle.js'
import { allocate, kernels } from '../packages/libs/kernels/dist/src/index.js'
import { median, random, robustStatistics } from '../packages/libs/math/dist/src/index.js'
import { plainStatistics } from '../packages/libs/math/dist/src/robust-statistics.js'

const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '4096' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const size = Number(options.size)
const FRAMES = 10

/** A sky of 1000 with noise of 5 and one pixel in 200 struck; the same block again and again, turned. */
function scene(side, seed) {
  const r = random(seed)
  const n = side * side
  const block = Float32Array.from(
    { length: Math.min(n, 1 << 18) },
    () => 1000 + 5 * r.normal() + (r.uniform() < 0.005 ? 3000 * r.uniform() : 0),
  )
  const pixels = allocate(Float32Array, n)
  for (let p = 0; p < n; p += block.length) {
    const turn = r.bits() % block.length
    pixels.set(block.subarray(turn, Math.min(block.length, turn + n - p)), p)
    if (p + block.length - turn < n)
      pixels.set(block.subarray(0, Math.min(turn, n - p - block.length + turn)), p + block.length - turn)
  }
  return pixels
}

/** All that the works below need, at one size. */
function workbench(side) {
  const n = side * side
  const planes = Array.from({ length: FRAMES }, (_, k) => scene(side, k + 1))
  const constant = (value) => allocate(Float32Array, n).fill(value)
  const bytes = allocate(Uint8Array, 2 * n)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 37) & 127
  const out = { pixels: constant(0), error: constant(0), mask: allocate(Int16Array, n), count: allocate(Int16Array, n) }
  const masters = { bias: constant(10), dark: constant(0.1), darkScale: 30, flat: constant(1.1) }
  const errors = { biasError: constant(0.5), darkError: constant(0.01), flatError: constant(0.001) }
  return { side, n, planes, bytes, out, masters, errors }
}

function plainWindow(b, sizeOfWindow, reduce) {
  const half = (sizeOfWindow - 1) / 2
  const clamp = (i) => (i < 0 ? 0 : i >= b.side ? b.side - 1 : i)
  const window = new Float64Array(sizeOfWindow * sizeOfWindow)
  for (let y = 0; y < b.side; y++) {
    for (let x = 0; x < b.side; x++) {
      let k = 0
      for (let v = y - half; v <= y + half; v++) {
        for (let u = x - half; u <= x + half; u++) window[k++] = b.planes[0][clamp(v) * b.side + clamp(u)]
      }
      b.out.pixels[y * b.side + x] = reduce(window)
    }
  }
}

const noise = { gain: 1e9, readNoise: 5e9 }
const combine = (choice, out) => (b) => image.combinePlanes(b.planes, choice, out ? b.out : { pixels: b.out.pixels })
const plainCombine = (choice) => (b) => {
  for (let p = 0; p < b.n; p++) b.out.pixels[p] = combineOracle(b.planes, choice, p).value
}
const values = (length) => Float32Array.from({ length }, (_, i) => ((i * 7) % 5) / 40)
const convolve = (k) => [
  (b) => image.convolve(b.planes[0], b.side, b.side, { width: k, height: k, values: values(k * k) }, b.out.pixels),
  (b) => {
    const weights = values(k * k)
    plainWindow(b, k, (window) => {
      let sum = 0
      for (let i = 0; i < weights.length; i++) sum += weights[i] * window[i]
      return sum
    })
  },
]
const medianFilter = (k) => [
  (b) => image.medianFilter(b.planes[0], b.side, b.side, k, b.out.pixels),
  (b) => plainWindow(b, k, (window) => median(window)),
]
const noisy = { gain: 2, readNoise: 5 }

const works = {
  'copy of a plane': [(b) => b.out.pixels.set(b.planes[0])],
  'big-endian int16 to float32': [
    (b) => kernels().floatsFrom16(b.bytes.byteOffset, b.out.pixels.byteOffset, b.n, 1, 32768, 0, 0),
    (b) => {
      const view = new DataView(b.bytes.buffer, b.bytes.byteOffset, b.bytes.length)
      for (let p = 0; p < b.n; p++) b.out.pixels[p] = view.getInt16(2 * p) + 32768
    },
  ],
  checksum: [
    (b) => kernels().onesSum(b.out.pixels.byteOffset, 4 * b.n),
    (b) => {
      const view = new DataView(b.out.pixels.buffer, b.out.pixels.byteOffset, 4 * b.n)
      let sum = 0
      for (let i = 0; i < 4 * b.n; i += 4) {
        sum += view.getUint32(i)
        if (sum > 0xffffffff) sum -= 0xffffffff
      }
      return sum
    },
  ],
  'calibrate: bias, dark, flat': [
    (b) => image.calibratePixels(b.planes[0], b.masters, { pixels: b.out.pixels }),
    (b) => calibrateOracle(b.planes[0], b.masters, { pixels: b.out.pixels }),
  ],
  'the same from int16': [
    (b) => image.calibratePixels({ bytes: b.bytes, zero: 32768 }, b.masters, { pixels: b.out.pixels }),
  ],
  'the same with error and mask': [
    (b) => image.calibratePixels(b.planes[0], { ...b.masters, ...b.errors, ...noisy, saturation: 6e4 }, b.out),
    (b) => calibrateOracle(b.planes[0], { ...b.masters, ...b.errors, ...noisy, saturation: 6e4 }, b.out),
  ],
  'median of 10': [combine({ method: 'median' }), plainCombine({ method: 'median' })],
  'mean of 10': [combine({ method: 'mean' }), plainCombine({ method: 'mean' })],
  'clipped mean of 10, known noise': [
    combine({ method: 'sigma', noise }),
    plainCombine({ method: 'sigma', noise: image.noiseModel(noise) }),
  ],
  'the same with error and count': [combine({ method: 'sigma', noise }, true)],
  'the same at 3 sigma': [combine({ method: 'sigma', noise, clipLow: 3, clipHigh: 3 })],
  'clipped mean of 10, MAD': [combine({ method: 'sigma' }), plainCombine({ method: 'sigma' })],
  'mean of 10 without extremes': [combine({ method: 'minmax' }), plainCombine({ method: 'minmax' })],
  'noise model of 10': [(b) => image.measureNoise(b.planes)],
  'background, 64 x 64 meshes': [(b) => image.backgroundMesh(b.planes[0], b.side, b.side)],
  'robust statistics': [(b) => robustStatistics(b.planes[0]), (b) => plainStatistics(b.planes[0])],
  'median filter 3 x 3': medianFilter(3),
  'median filter 5 x 5': medianFilter(5),
  'median filter 7 x 7': medianFilter(7),
  'median filter 15 x 15': medianFilter(15),
  'separable median 5': [(b) => image.separableMedianFilter(b.planes[0], b.side, b.side, 5, b.out.pixels)],
  'convolution 5 x 5': convolve(5),
  'convolution 7 x 7': convolve(7),
  'box mean 5 x 5': [(b) => image.boxMean(b.planes[0], b.side, b.side, 5, b.out.pixels)],
}

/** The least CPU time of several runs, ms. */
function best(work, bench, runs) {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage()
    work(bench)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

const large = workbench(size)
const small = workbench(Math.max(64, size >> 3))
const columns = (a, b, c, d) => `${a.padEnd(34)}${b.padStart(9)}${c.padStart(12)}${d.padStart(8)}`
console.log(columns(`${size} x ${size}, one thread, ms`, 'kernel', 'plain loop', 'ratio'))
for (const [name, [kernel, plain]] of Object.entries(works)) {
  if (!name.includes(options.only)) continue
  const ours = best(kernel, large, Number(options.runs))
  const theirs = plain && (best(plain, small, 2) * large.n) / small.n
  console.log(columns(name, ours.toFixed(1), theirs?.toFixed(0) ?? '', theirs ? (theirs / ours).toFixed(1) : ''))
}
