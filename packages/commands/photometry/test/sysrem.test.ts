import { random } from '@nightpipe/math'
import t from 'tap'
import { removeTrends } from '../src/sysrem.js'

const [STARS, FRAMES, DEPTH] = [80, 40, 0.02]
const inside = (i: number) => i >= 13 && i < 27

/** Quiet stars, a trend that each follows with a strength of its own, and one star with a transit. */
function night(trend: number, transit: number, seed: number) {
  const dice = random(seed)
  const noise = Array.from({ length: STARS }, (_, j) => 0.0015 * 10 ** (j / STARS / 2))
  const strength = Array.from({ length: STARS }, () => trend * dice.normal())
  const value = new Float32Array(STARS * FRAMES)
  const error = new Float32Array(STARS * FRAMES)
  for (let j = 0; j < STARS; j++) {
    for (let i = 0; i < FRAMES; i++) {
      const dip = j === transit && inside(i) ? DEPTH : 0
      value[j * FRAMES + i] = 12 + strength[j]! * Math.cos(i / 5) + noise[j]! * dice.normal() + dip
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
