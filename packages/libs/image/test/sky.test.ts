import { allocate, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, median, random } from '@nightpipe/math'
import t from 'tap'
import { type SkyMap, sampleSky, skyAt, skyLevel, skyPixels } from '../src/index.js'

/** A tilted sky with noise, stars, bad pixels and a dark corner without any number. */
function frame(width: number, height: number) {
  const r = random(width * 31 + height)
  const pixels = Float32Array.from({ length: width * height }, (_, p) => {
    const [x, y] = [p % width, Math.floor(p / width)]
    if ((x < 70 && y < 70) || r.uniform() < 0.01) return Number.NaN
    return 100 + 0.05 * x + 4 * r.normal() + (r.uniform() < 0.02 ? 500 * r.uniform() : 0)
  })
  return { pixels, mask: Int16Array.from(pixels, () => (r.uniform() < 0.05 ? 1 : 0)) }
}

const SIZES = [
  [1, 1],
  [3, 70],
  [130, 201],
  [203, 140],
]

t.test('the sky of a frame is the same wherever its pixels lie', async (t) => {
  for (const [width, height] of SIZES) {
    const { pixels, mask } = frame(width, height)
    scoped(() => {
      const [lent, bits] = [allocate(Float32Array, pixels.length), allocate(Int16Array, mask.length)]
      lent.set(pixels)
      bits.set(mask)
      t.same(sampleSky(lent, width, height, { mask: bits }), sampleSky(pixels, width, height, { mask }))
      t.same(sampleSky(lent, width, height), sampleSky(pixels, width, height))
    })
  }
})

/** What `skyPixels` and `skyLevel` say of themselves, in plain loops; frames of less than 80,000 pixels are seen whole. */
function plainSky(
  pixels: Float32Array,
  width: number,
  height: number,
  mask: Int16Array,
  map: SkyMap,
  threshold: number,
) {
  const positions: number[] = []
  let looked = 0
  for (let p = 0; p < pixels.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)]
    const inside = x >= 2 && y >= 2 && x < width - 2 && y < height - 2
    if (!inside || mask[p] !== 0 || Number.isNaN(pixels[p])) continue
    looked++
    let [sum, n] = [0, 0]
    for (let v = y - 2; v <= y + 2; v++) {
      for (let u = x - 2; u <= x + 2; u++) {
        if (Number.isNaN(pixels[v * width + u])) continue
        sum += pixels[v * width + u]
        n++
      }
    }
    if (!(sum / n > skyAt(map, map.level, x, y) + threshold * skyAt(map, map.sigma, x, y))) positions.push(p)
  }
  const departures = positions.map((p) => Math.abs(pixels[p] - skyAt(map, map.level, p % width, Math.floor(p / width))))
  return {
    ...{ positions, looked, level: median(positions.map((p) => pixels[p])) },
    sigma: MAD_TO_SIGMA * median(departures),
  }
}

t.test('pixels of the sky, and its level and noise, are those of the plain loops', async (t) => {
  for (const [width, height] of SIZES) {
    const { pixels, mask } = frame(width, height)
    const map = sampleSky(pixels, width, height, { mask })
    const sample = skyPixels(pixels, width, height, mask, map, 1.5)
    const plain = plainSky(pixels, width, height, mask, map, 1.5)
    t.same([...sample.positions], plain.positions)
    t.equal(sample.looked, plain.looked)
    const { level, sigma } = skyLevel(pixels, width, map, sample)
    if (plain.positions.length > 0) t.same([level, sigma], [plain.level, plain.sigma])
    else t.same([level, sigma], [map.medianLevel, map.medianSigma])
  }
})
