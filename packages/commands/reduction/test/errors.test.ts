import { join } from 'node:path'
import { readFrame } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { medianOf, random } from '@nightpipe/math'
import { scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { CAMERA, makeNight, type NightOptions, reduced, reduction, writeImage } from './support/night.js'

function pulls(options: NightOptions): { mean: number; deviation: number; count: number } {
  const night = makeNight({ width: 300, height: 300, stars: 12, ...options })
  const { pixels, error, mask } = reduced(night)
  let count = 0
  let sum = 0
  let squares = 0
  for (let p = 0; p < pixels.length; p++) {
    if (mask![p] !== 0) continue
    const pull = (pixels[p] - night.truth[p]) / error![p]
    count++
    sum += pull
    squares += pull * pull
  }
  const mean = sum / count
  return { mean, deviation: Math.sqrt(squares / count - mean * mean), count }
}

t.test('errors are honest from a dark sky to a bright one: pulls have mean 0 and deviation 1', async (t) => {
  // The masters' own noise is shared by the frame: with 90,000 pixels the mean is known to 0.003, the deviation to 0.24 %.
  for (const light of [5, 20, 200, 2000, 20000]) {
    const { mean, deviation, count } = pulls({ light, seed: light })
    t.comment(`${light} e: mean ${mean.toFixed(4)}, deviation ${deviation.toFixed(4)}`)
    t.ok(Math.abs(mean) < 0.02, `${light} e: mean ${mean.toFixed(4)}`)
    t.ok(Math.abs(deviation - 1) < 0.02, `${light} e: deviation ${deviation.toFixed(4)}`)
    t.ok(count > 89000, 'nearly all pixels count')
  }
})

t.test('and with masters of few frames, a low gain and little read noise', async (t) => {
  for (const options of [{ deep: 2 }, { gain: 0.5, readNoise: 3 }, { gain: 6.2, readNoise: 10, light: 100 }]) {
    const { mean, deviation } = pulls({ light: 300, seed: 7, ...options })
    t.ok(
      Math.abs(mean) < 0.02 && Math.abs(deviation - 1) < 0.02,
      `${JSON.stringify(options)}: ${mean.toFixed(4)}, ${deviation.toFixed(4)}`,
    )
  }
})

t.test('the error of a pixel grows with its light, and by what the masters do not know', async (t) => {
  const [shallow, deep] = [1, 1000].map((n) => reduced(makeNight({ deep: n })).error!)
  const larger = shallow.filter((error, p) => error > deep[p]).length / shallow.length
  t.ok(
    larger > 0.99,
    `${larger}: the noise of a master also moves, by a little, what light a pixel is expected to have`,
  )
  t.equal(MaskBit.saturated, 2)
})

t.test(
  'a frame that tells no gain has the noise that its sky shows, be the gain many electrons or a part of one',
  async (t) => {
    const folder = scratch()
    const { normal } = random(3)
    const [side, sky, star] = [600, 1000, 4000]
    const isStar = (p: number) => p % side < 20 && p < 20 * side
    const none = set('calibration.bias=none', 'calibration.dark=none', 'calibration.flat=none')
    for (const { gain, given, ofStar } of [
      { gain: 100, given: [], ofStar: Math.sqrt(10 + star) },
      { gain: 0.25, given: ['parameters.read noise=5'], ofStar: Math.sqrt(4000 + star) },
    ]) {
      const level = (p: number) => (isStar(p) ? sky + star : sky)
      const pixels = Float32Array.from({ length: side * side }, (_, p) => level(p) + Math.sqrt(sky / gain) * normal())
      const raw = writeImage(join(folder, `gain-${gain}.fits`), pixels, side, [...CAMERA, ['IMAGETYP', 'object']])
      const { code, stdout, stderr } = reduction('-s', raw, '-r', join(folder, 'out'), ...none, ...set(...given))
      t.equal(code, 0, stderr)
      const { error } = readFrame(stdout.trim())
      const of = (wanted: boolean) => medianOf(error!.filter((_, p) => isStar(p) === wanted))
      const expected = Math.sqrt(sky / gain)
      t.ok(Math.abs(of(false) / expected - 1) < 0.03, `gain ${gain}: sky ${of(false)}, which scatters by ${expected}`)
      t.ok(
        Math.abs(of(true) / ofStar - 1) < 0.03,
        `gain ${gain}: light above it by the gain that is assumed, ${of(true)}`,
      )
    }
  },
)
