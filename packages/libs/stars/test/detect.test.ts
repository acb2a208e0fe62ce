import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { skyMesh } from '../src/background.js'
import { findStars } from '../src/index.js'
import { gaussianKernel, separate } from '../src/matched-filter.js'
import { findRuns } from '../src/runs.js'
import { makeSurface } from '../src/surface.js'

const [width, height] = [67, 41]

function noise(seed: number, sigma: number): Float32Array {
  const { normal } = random(seed)
  return Float32Array.from({ length: width * height }, () => sigma * normal())
}

t.test('runs are the pixels whose sum under the kernel is above the limit', async (t) => {
  const pixels = noise(4, 3)
  pixels[500] = Number.NaN
  const kernel = gaussianKernel(3.3)
  const filter = separate(kernel)
  const even = {
    columns: 1,
    rows: 1,
    pitchX: width,
    pitchY: height,
    level: new Float32Array(1),
    rms: Float32Array.of(3),
  }
  const surface = makeSurface(even.rms, even, width, height, false)
  const threshold = 1.3
  const half = (kernel.width - 1) / 2
  const expected = new Map<number, number>()
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [sum, seen] = [0, 0]
      for (let v = -half; v <= half; v++) {
        for (let u = -half; u <= half; u++) {
          if (x + u < 0 || x + u >= width || y + v < 0 || y + v >= height) continue
          const weight = kernel.values[(v + half) * kernel.width + u + half]
          seen += weight * weight
          sum += weight * (pixels[(y + v) * width + x + u] || 0)
        }
      }
      // at the edges the filtered image is quieter, and so is its limit
      if (sum > threshold * 3 * Math.sqrt(seen)) expected.set(y * width + x, sum)
    }
  }
  scoped(() => {
    const image = allocate(Float32Array, pixels.length)
    image.set(pixels)
    const runs = findRuns(image, width, height, filter, surface, threshold)
    const found = new Map<number, number>()
    let k = 0
    for (let r = 0; r < runs.count; r++) {
      for (let p = runs.bounds[2 * r]; p < runs.bounds[2 * r + 1]; p++) found.set(p, runs.values[k++])
    }
    t.equal(k, runs.values.length)
    t.same(
      [...found.keys()],
      [...expected.keys()].sort((a, b) => a - b),
    )
    for (const [p, sum] of expected) t.ok(Math.abs(found.get(p)! - sum) < 1e-4, `pixel ${p}`)
    const part = findRuns(image, width, height, filter, surface, threshold, [10, 30])
    t.equal(part.count, runs.row[30] - runs.row[10], 'a part of the rows gives the same runs')
  })
})

t.test('the level and noise of a mesh are those of its sky, whatever stars and bad pixels are in it', async (t) => {
  const { normal, uniform } = random(9)
  const size = 256
  const pixels = Float32Array.from({ length: size * size }, (_, p) => 500 + 0.1 * (p % size) + 8 * normal())
  const mask = new Int16Array(pixels.length)
  for (let k = 0; k < 1500; k++) {
    const p = Math.floor(uniform() * pixels.length)
    if (k % 2) pixels[p] += 300 * uniform()
    else {
      pixels[p] = -1e6
      mask[p] = 1
    }
  }
  const frame = { name: 'sky', width: size, height: size, pixels, mask }
  const sky = skyMesh(frame, { mesh: 64, filter: 1, maskBits: 1, classic: false })
  t.equal(sky.columns, 4)
  sky.level.forEach((level, m) => {
    const truth = 500 + 0.1 * (64 * (m % 4) + 31.5)
    // a mode of 4000 pixels is good to 2 sigma / sqrt(4000)
    t.ok(Math.abs(level - truth) < 4 * ((2 * 8) / 64) + 0.2, `level ${level} of ${truth}`)
  })
  for (const rms of sky.rms) t.ok(Math.abs(rms - Math.hypot(8, 0.1 * 18.5)) < 0.5, `noise ${rms}`)
  const surface = makeSurface(sky.level, sky, size, size, false)
  t.ok(Math.abs(surface.at(128, 128) - 512.8) < 1)
})

t.test('stars that touch are told apart, and one star is not split', async (t) => {
  const pixels = noise(2, 4)
  const add = (x: number, y: number, flux: number) => {
    for (let p = 0; p < pixels.length; p++) {
      const [dx, dy] = [(p % width) - x, Math.floor(p / width) - y]
      pixels[p] += (flux / (2 * Math.PI * 2.25)) * Math.exp(-(dx * dx + dy * dy) / 4.5)
    }
  }
  add(20.2, 20.4, 20000)
  add(27.1, 20.1, 2500)
  add(50.3, 18.8, 90000)
  const { stars } = findStars({ name: 'pair', width, height, pixels })
  t.equal(stars.count, 3)
  const order = [0, 1, 2].sort((i, j) => stars.x[i] - stars.x[j])
  t.ok(Math.abs(stars.x[order[1]] - 27.1) < 0.3, 'the faint one is where it is')
  t.ok(Math.abs(stars.flux[order[1]] / 2500 - 1) < 0.25)
  t.same(
    order.map((i) => stars.flags[i] & 2),
    [2, 2, 0],
  )
})

t.test('a frame of NaN has no stars, and one of few pixels does no harm', async (t) => {
  const blank = new Float32Array(64 * 64).fill(Number.NaN)
  t.equal(findStars({ name: 'nan', width: 64, height: 64, pixels: blank }).stars.count, 0)
  t.equal(findStars({ name: 'one', width: 1, height: 1, pixels: Float32Array.of(3) }).stars.count, 0)
  t.ok(findStars({ name: 'line', width: 3, height: 1, pixels: Float32Array.of(1, 2, 3) }).stars.count <= 1)
})

t.test('masked pixels make no stars, and errors of the frame are those of its fluxes', async (t) => {
  const pixels = noise(6, 4)
  const mask = new Int16Array(pixels.length)
  for (let k = 0; k < 9; k++) {
    pixels[1000 + (k % 3) + width * Math.floor(k / 3)] = 1e5
    mask[1000 + (k % 3) + width * Math.floor(k / 3)] = 4
  }
  t.equal(findStars({ name: 'hit', width, height, pixels, mask }).stars.count, 0)
  const star = noise(6, 4)
  for (let p = 0; p < star.length; p++) {
    const [dx, dy] = [(p % width) - 33, Math.floor(p / width) - 20]
    star[p] += 400 * Math.exp(-(dx * dx + dy * dy) / 4.5)
  }
  const error = new Float32Array(star.length).fill(4)
  const once = findStars({ name: 'star', width, height, pixels: star, error }).stars
  const twice = findStars({ name: 'star', width, height, pixels: star, error: error.map((e) => 2 * e) }).stars
  t.equal(once.count, 1)
  t.ok(Math.abs(twice.fluxError[0] / once.fluxError[0] - 2) < 1e-6)
})
