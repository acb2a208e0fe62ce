import t from 'tap'
import {
  countMask,
  growBleeding,
  interpolatePixels,
  MaskBit,
  maskPositions,
  railOf,
  sampleSky,
  skyLevel,
  skyPixels,
} from '../src/index.js'
import { starField } from './support/star-field.js'

const SIZE = 101

/** A round star that saturates at 1000 over a sky of 100, with a trail along x = 50 that reaches `reach` beyond it. */
function bleeding(reach: number) {
  const pixels = new Float32Array(SIZE * SIZE)
  const mask = new Int16Array(SIZE * SIZE)
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const p = y * SIZE + x
      pixels[p] = Math.min(1000, 100 + 4000 * Math.exp(-((x - 50) ** 2 + (y - 50) ** 2) / (2 * 3 ** 2)))
      // the trail is brighter than the star is there, but under the level of saturation
      if (x === 50 && Math.abs(y - 50) < reach) pixels[p] = Math.max(pixels[p], 700)
      if (pixels[p] >= 1000) mask[p] = MaskBit.saturated
    }
  }
  return { pixels, mask }
}
const sky = { level: 100, noise: () => 10 }

t.test('a trail is followed to its end, and the star itself is not', async (t) => {
  for (const along of ['columns', 'rows'] as const) {
    const { pixels, mask } = bleeding(30)
    const turn = (plane: Float32Array | Int16Array) =>
      plane.slice().map((_, p) => plane[(p % SIZE) * SIZE + Math.floor(p / SIZE)])
    const [image, bits] =
      along === 'columns' ? [pixels, mask] : [turn(pixels) as Float32Array, turn(mask) as Int16Array]
    const before = countMask(bits).saturated
    const added = growBleeding(image, bits, SIZE, SIZE, sky, { along, clip: 5 })
    t.equal(countMask(bits).saturated, before + added)
    const trail = pixels.filter((v, p) => p % SIZE === 50 && v >= 700 && v < 1000).length
    t.equal(added, trail + ends(pixels, 50), along)
  }
})

/** Pixels at the ends of saturated columns, but for column `without`. */
function ends(pixels: Float32Array, without?: number): number {
  const columns = new Set<number>()
  pixels.forEach((v, p) => {
    if (v >= 1000 && p % SIZE !== without) columns.add(p % SIZE)
  })
  return 2 * columns.size
}

t.test('the pixel in which a trail ends is taken, as bright as the star there or not', async (t) => {
  const { pixels, mask } = bleeding(0)
  const last = 50 * SIZE + 50 + SIZE * Math.ceil(3 * Math.sqrt(2 * Math.log(4000 / 900)))
  t.equal(mask[last], 0)
  growBleeding(pixels, mask, SIZE, SIZE, sky, { along: 'columns', clip: 5 })
  t.equal(mask[last], MaskBit.saturated)
  t.equal(mask[last + SIZE], 0, 'the next one is the flank of the star')
})

t.test('a star without a trail gains no more than that, and a frame of saturation nothing', async (t) => {
  const { pixels, mask } = bleeding(0)
  t.equal(growBleeding(pixels, mask, SIZE, SIZE, sky, { along: 'columns', clip: 5 }), ends(pixels))
  const { pixels: round, mask: bits } = bleeding(30)
  t.equal(growBleeding(round, bits, SIZE, SIZE, sky, { along: 'none', clip: 5 }), 0)
  t.equal(growBleeding(pixels, mask.fill(MaskBit.saturated), SIZE, SIZE, sky, { along: 'rows', clip: 5 }), 0)
})

t.test('the top of the converter is seen when pixels stand at it', async (t) => {
  t.equal(railOf(Float32Array.of(5, 65535, 65535, 65535)), 65535)
  t.equal(railOf(Float32Array.of(5, 65535, 65535)), undefined)
  t.equal(railOf(Float32Array.of(5, 50000, 50000, 50000)), undefined)
})

t.test('holes are filled from around them, marked, and only them', async (t) => {
  const width = 30
  const plane = Float32Array.from({ length: width * width }, (_, p) => 100 + (p % 2))
  const mask = new Int16Array(plane.length)
  const error = new Float32Array(plane.length).fill(3)
  for (let y = 10; y < 13; y++) for (let x = 5; x < 8; x++) mask[y * width + x] = MaskBit.bad
  for (let y = 0; y < width; y++) mask[y * width + 20] = MaskBit.cosmicRay
  plane[11 * width + 6] = Number.NaN
  const before = plane.slice()
  t.equal(interpolatePixels({ pixels: plane, error, mask, width, height: width }, MaskBit.bad), 9)
  for (const [p, value] of plane.entries()) {
    const hole = (mask[p] & MaskBit.bad) !== 0
    t.equal((mask[p] & MaskBit.interpolated) !== 0, hole)
    if (hole) t.ok(value >= 100 && value <= 101)
    else t.equal(value, before[p])
  }
  const alone = { pixels: Float32Array.of(7), mask: Int16Array.of(MaskBit.bad), width: 1, height: 1 }
  t.equal(interpolatePixels(alone, MaskBit.bad), 0, 'nothing around it: stays')
})

t.test('positions of mask bits, however many', async (t) => {
  const mask = new Int16Array(1000).fill(MaskBit.bad)
  mask[3] = 0
  t.equal(maskPositions(mask, MaskBit.bad).length, 999)
  t.same(Array.from(maskPositions(mask, MaskBit.saturated)), [])
})

t.test('the sky under a crowd of stars', async (t) => {
  // 1500 stars on a sky of 300 e with a noise of 18 e: the wings that are left raise the level by under 0.15 sigma
  const field = starField({ stars: 1500, events: 0 })
  const map = sampleSky(field.pixels, 512, 512, { mask: field.mask })
  const sample = skyPixels(field.pixels, 512, 512, field.mask, map, 0.7)
  const { level, sigma, sources } = skyLevel(field.pixels, 512, map, sample)
  t.comment(`level ${level.toFixed(2)}, sigma ${sigma.toFixed(2)}, ${(100 * sources).toFixed(1)} % in sources`)
  t.ok(Math.abs(level - 300) < 2.7)
  t.ok(Math.abs(sigma - Math.sqrt(325)) < 0.06 * 18)
  t.ok(sources > 0.02 && sources < 0.3)
})

t.test('sky of frames that have none', async (t) => {
  const n = 64 * 50
  const nothing = new Float32Array(n).fill(Number.NaN)
  const map = sampleSky(nothing, 64, 50)
  t.ok(Number.isNaN(map.medianLevel))
  const sample = skyPixels(nothing, 64, 50, new Int16Array(n), map, 1.5)
  t.ok(Number.isNaN(skyLevel(nothing, 64, map, sample).level))
  t.same(sampleSky(new Float32Array(1).fill(4), 1, 1).medianLevel, Number.NaN, 'one pixel is no sample')
  t.equal(sampleSky(new Float32Array(n).fill(4), 64, 50).medianLevel, 4)
})
