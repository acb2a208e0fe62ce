import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { findStars } from '../src/index.js'
import { gaussianKernel } from '../src/matched-filter.js'
import { noiseCorrelation } from '../src/noise-correlation.js'

const SIZE = 512
const SIGMA = 10

/** Independent noise, and round Gaussian stars of 3.2 px on it. */
function sky(seed: number, stars = 0, flux = () => 0): Float32Array {
  const dice = random(seed)
  const image = Float32Array.from({ length: SIZE * SIZE }, () => SIGMA * dice.normal())
  for (let star = 0; star < stars; star++) {
    const [x, y, light] = [dice.uniform() * SIZE, dice.uniform() * SIZE, flux()]
    for (let v = Math.max(0, Math.ceil(y - 9)); v < Math.min(SIZE, y + 9); v++) {
      for (let u = Math.max(0, Math.ceil(x - 9)); u < Math.min(SIZE, x + 9); u++) {
        image[v * SIZE + u] += (light / 11.6) * Math.exp(-((u - x) ** 2 + (v - y) ** 2) / 3.69)
      }
    }
  }
  return image
}

/** Moved along rows and columns, by weights of old pixels from the same one on. */
function moved(image: Float32Array, weights: readonly number[]): Float32Array {
  const along = (from: Float32Array, step: number) =>
    from.map((_, p) => weights.reduce((sum, weight, k) => sum + weight * (from[p + k * step] ?? 0), 0))
  return along(along(image, 1), SIZE)
}

const measured = (image: Float32Array, rms: number) =>
  scoped(() => {
    const net = allocate(Float32Array, image.length)
    net.set(image)
    const noise = { map: Float32Array.of(rms), columns: 1, rows: 1 }
    return noiseCorrelation({ width: SIZE, height: SIZE, net, perUnit: 0, noise })
  })

const HALF = [0.5, 0.5]
// Lanczos3, half a pixel
const LANCZOS = [0.0243, -0.1351, 0.6109, 0.6109, -0.1351, 0.0243].map((weight) => weight / 1.0002)

/** What an image filtered with `line` along both axes varies by, over what independent pixels of its noise would make. */
function expected(weights: readonly number[], line: readonly number[]): number {
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0)
  const both = new Array<number>(weights.length + line.length - 1).fill(0)
  for (const [i, weight] of weights.entries()) for (const [j, value] of line.entries()) both[i + j]! += weight * value
  return squares(both) / squares(weights) / squares(line)
}

/** 6 %: three deviations of what 30000 places of one frame tell. */
t.test('resampled noise is told as algebra has it, filtered and in sums', async (t) => {
  const kernel = gaussianKernel(3.2)
  const line = Array.from(kernel.values).slice(0, kernel.width)
  for (const weights of [HALF, LANCZOS]) {
    const rms = SIGMA * weights.reduce((sum, weight) => sum + weight * weight, 0)
    const found = measured(moved(sky(4), weights), rms)
    const filtered = expected(weights, line)
    t.ok(Math.abs(found!.filtered(kernel) / filtered - 1) < 0.06, `${found!.filtered(kernel)} for ${filtered}`)
    const summed = expected(weights, new Array<number>(9).fill(1))
    t.ok(Math.abs(found!.summed(81) / summed - 1) < 0.06, `${found!.summed(81)} for ${summed}`)
    t.equal(found!.summed(1), 1)
  }
})

t.test('independent pixels stay so: empty, crowded, of whole numbers, with a wrong noise', async (t) => {
  const dice = random(8)
  const crowd = sky(5, 4000, () => 300 * Math.exp(3 * dice.uniform()))
  t.equal(measured(sky(6), SIGMA), undefined)
  t.equal(measured(sky(6), 3 * SIGMA), undefined)
  t.equal(measured(crowd, 2 * SIGMA), undefined)
  const steps = sky(7).map((value) => Math.round(value / 20))
  t.equal(measured(steps, 0.5), undefined)
})

t.test('a resampled frame shows its stars and not its noise; errors are those of sums', async (t) => {
  const image = moved(
    sky(9, 60, () => 1500),
    HALF,
  )
  const frame = { name: 'moved', width: SIZE, height: SIZE, pixels: image.map((value) => value + 500) }
  const { stars } = findStars(frame, { apertures: [5] })
  t.ok(stars.count > 50 && stars.count <= 62, `${stars.count} of 60`)
  const error = stars.apertures.error[0]!.slice().sort()[stars.count >> 1]!
  // 78.5 independent pixels before they were moved, whose sum the move keeps but at the rim
  const independent = SIGMA * Math.sqrt(78.5)
  t.ok(error > 0.88 * independent && error < 1.05 * independent, `${error} for ${independent}`)
  const classic = findStars(frame, { apertures: [5], classic: true })
  t.ok(classic.stars.apertures.error[0]![0]! < 0.6 * independent, 'as SExtractor has it')
})
