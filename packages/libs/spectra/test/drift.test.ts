import { random } from '@nightpipe/math'
import t from 'tap'
import { type Drift, meanDrift, measureDrift, type SpectralLine } from '../src/index.js'

const WIDTH = 2000
const [ORDERS, LINES, ERROR] = [8, 12, 0.05]
const LIGHT = 299792458
/** One pixel is 2 km/s everywhere. */
const PIXEL = 2000
const OPTIONS = { width: WIDTH, reach: 6, linear: true, dispersion: () => PIXEL / LIGHT }

/** The lines of a lamp, moved by `shift`, as noise has them. */
function lampAt(shift: number, draw: ReturnType<typeof random>): SpectralLine[] {
  return Array.from({ length: ORDERS * LINES }, (_, k) => ({
    ...{
      index: Math.floor(k / LINES),
      fibre: 1,
      x: 60 + 150 * (k % LINES) + shift + ERROR * draw.normal(),
      error: ERROR,
    },
    ...{ flux: 1000, fluxError: 30, fwhm: 4, chiSquare: 1, flags: 0 },
  }))
}

t.test('the drift since four arcs is better known than since one, and its error says by how much', async (t) => {
  const draw = random(9)
  const nights = Array.from({ length: 120 }, () => {
    const shifts = [0, 0.02, -0.03, 0.05]
    const exposure = lampAt(0.3, draw)
    // every arc stands where it stood: what is asked is the drift beyond that
    const parts = shifts.map((shift) => {
      const drift = measureDrift(lampAt(shift, draw), exposure, OPTIONS)!
      return { drift: { ...drift, velocity: drift.velocity + PIXEL * shift }, share: 1 / shifts.length }
    })
    return { one: parts[0]!.drift, all: meanDrift(parts)! }
  })
  const miss = (of: (night: (typeof nights)[0]) => Drift) =>
    Math.sqrt(nights.reduce((sum, night) => sum + (of(night).velocity - 0.3 * PIXEL) ** 2, 0) / nights.length)
  const [one, all] = [miss((night) => night.one), miss((night) => night.all)]
  const { one: single, all: mean } = nights[0]!
  t.comment(
    `one arc ${one.toFixed(2)} m/s (says ${single.velocityError.toFixed(2)}), four ${all.toFixed(2)} (${mean.velocityError.toFixed(2)})`,
  )
  // of exposure and arc alike: √2 of one; with four arcs √1.25
  t.ok(Math.abs(mean.velocityError / single.velocityError - Math.sqrt(1.25 / 2)) < 0.03)
  // 120 nights know a scatter to 6.5 %
  t.ok(Math.abs(one / single.velocityError - 1) < 0.15, 'one')
  t.ok(Math.abs(all / mean.velocityError - 1) < 0.15, 'four')
  t.ok(Math.abs(single.arcError / single.velocityError - Math.SQRT1_2) < 0.05, 'half of the variance is of the arc')
})

t.test('of one arc the mean is that arc; of none there is none', async (t) => {
  const draw = random(3)
  const drift = measureDrift(lampAt(0, draw), lampAt(0.1, draw), OPTIONS)!
  const { velocityError, ...rest } = meanDrift([{ drift, share: 1 }])!
  const { velocityError: before, ...same } = drift
  t.same(rest, same)
  t.ok(Math.abs(velocityError - before) < 1e-9)
  t.equal(meanDrift([]), undefined)
})

t.test(
  'a poor fit of the image of a line is the same in both: its drift is as well known as the light allows',
  async (t) => {
    const draw = random(5)
    // every second line is bright, and no Gaussian: its error was enlarged by the root of chi square
    const poor = (lines: SpectralLine[]) =>
      lines.map((line, k) => (k % 2 ? line : { ...line, error: 4 * line.error, chiSquare: 16 }))
    const misses = Array.from({ length: 120 }, () => {
      const drift = measureDrift(poor(lampAt(0, draw)), poor(lampAt(0.3, draw)), OPTIONS)!
      return { miss: drift.velocity - 0.3 * PIXEL, error: drift.velocityError }
    })
    const scatter = Math.sqrt(misses.reduce((sum, { miss }) => sum + miss ** 2, 0) / misses.length)
    const light = (PIXEL * ERROR * Math.SQRT2) / Math.sqrt(ORDERS * LINES)
    t.comment(`${scatter.toFixed(2)} m/s, says ${misses[0]!.error.toFixed(2)}, the light allows ${light.toFixed(2)}`)
    // 120 nights know a scatter to 6.5 %
    t.ok(Math.abs(scatter / light - 1) < 0.15)
    t.ok(Math.abs(misses[0]!.error / light - 1) < 0.15)
  },
)
