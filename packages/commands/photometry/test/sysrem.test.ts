import { random } from '@nightpipe/math'
import t from 'tap'
import { removeTrends } from '../src/sysrem.js'

const [STARS, FRAMES, DEPTH] = [80, 40, 0.02]
const inside = (i: number) => i >= 13 && i < 27

/** Quiet stars, a trend that each follows with a strength of its own, and one star with a transit. */
function night(trend: number, transit: number, seed: number, shape = (i: number) => Math.cos(i / 5)) {
  const dice = random(seed)
  const noise = Array.from({ length: STARS }, (_, j) => 0.0015 * 10 ** (j / STARS / 2))
  const strength = Array.from({ length: STARS }, () => trend * dice.normal())
  const value = new Float32Array(STARS * FRAMES)
  const error = new Float32Array(STARS * FRAMES)
  for (let j = 0; j < STARS; j++) {
    for (let i = 0; i < FRAMES; i++) {
      const dip = j === transit && inside(i) ? DEPTH : 0
      value[j * FRAMES + i] = 12 + strength[j]! * shape(i) + noise[j]! * dice.normal() + dip
      error[j * FRAMES + i] = noise[j]!
    }
  }
  return { value, error }
}

const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length
function depthOf(value: Float32Array, j: number): number {
  const row = Array.from(value.subarray(j * FRAMES, (j + 1) * FRAMES))
  return mean(row.filter((_, i) => inside(i))) - mean(row.filter((_, i) => !inside(i)))
}

/** Of nine nights the mean: any curve follows any other a little, which costs a few hundredths of the depth. */
t.test('a transit of one star is no trend of all: its depth stays, whichever star has it', async (t) => {
  for (const transit of [0, 20, 60]) {
    for (const effects of [1, 2]) {
      const depths = Array.from({ length: 9 }, (_, k) => {
        const { value, error } = night(0, transit, k + 1)
        removeTrends(value, error, STARS, FRAMES, effects)
        return depthOf(value, transit)
      })
      t.ok(Math.abs(mean(depths) / DEPTH - 1) < 0.12, `star ${transit}, ${effects} effects: ${mean(depths)}`)
    }
  }
})

t.test('a trend that stars share is taken out, to the noise of each', async (t) => {
  const { value, error } = night(0.006, -1, 5)
  removeTrends(value, error, STARS, FRAMES, 1)
  const ratios = Array.from({ length: STARS }, (_, j) => {
    const row = Array.from(value.subarray(j * FRAMES, (j + 1) * FRAMES))
    return Math.sqrt(mean(row.map((v) => (v - mean(row)) ** 2))) / error[j * FRAMES]!
  })
  t.ok(mean(ratios) > 0.9 && mean(ratios) < 1.1, `${mean(ratios)} of the noise is left`)
})

/** What real nights have: extinction of red and blue stars, a field that wanders over a flat, focus, a flip. */
const SHAPES: [string, (i: number) => number, number?][] = [
  ['airmass, highest in the middle of the transit', (i) => ((i - 19.5) / 19.5) ** 2],
  ['airmass, rising', (i) => (i / 39) ** 2],
  ['a wave as long as the transit', (i) => Math.cos((2 * Math.PI * (i - 19.5)) / 28), 0.9],
  ['a drift', (i) => i / 39],
  ['a flip in the middle', (i) => (i < 20 ? -1 : 1)],
]
for (const [what, shape, likeness = 0.5] of SHAPES) {
  t.test(`${what}: a transit of 2 % keeps its depth, and the star loses the trend`, async (t) => {
    for (const size of [0.002, 0.006, 0.015]) {
      const depths = Array.from({ length: 12 }, (_, k) => {
        const { value, error } = night(size, 10, k + 1, shape)
        removeTrends(value, error, STARS, FRAMES, 1)
        return depthOf(value, 10)
      })
      const middle = mean(depths)
      const scatter = Math.sqrt(mean(depths.map((depth) => (depth - middle) ** 2)))
      t.ok(Math.abs(middle - DEPTH) < 0.001, `trends of ${size}: ${(100 * middle).toFixed(2)} %`)
      // the noise of the star leaves 0.06 %, and more where the trend looks like the transit
      t.ok(
        scatter < 0.001 / Math.sqrt(1 - likeness ** 2),
        `scatter of ${(100 * scatter).toFixed(2)} % from night to night`,
      )
    }
  })
}
