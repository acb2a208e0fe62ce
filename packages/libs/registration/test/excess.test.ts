import { random } from '@nightpipe/math'
import t from 'tap'
import { excessScatter } from '../src/excess.js'
import { alignStars } from '../src/index.js'

t.test('the scatter beyond the errors is that of most likelihood, whatever the errors are', async (t) => {
  for (const [truth, most] of [
    [0.03, 0.3],
    [0.2, 0.3],
  ] as const) {
    const found: number[] = []
    for (let seed = 0; seed < 40; seed++) {
      const r = random(seed, Math.round(1000 * truth))
      const errors = Array.from({ length: 40 }, () => 0.005 * 40 ** r.uniform())
      const distances = errors.map((error) => {
        const sigma = Math.hypot(error, truth)
        return Math.hypot(sigma * r.normal(), sigma * r.normal())
      })
      found.push(excessScatter([...distances, 3], [...errors, 0.01], 0))
    }
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length
    t.ok(Math.abs(mean / truth - 1) < most * 0.5, `${mean.toFixed(4)} where ${truth} is true, and one pair is wrong`)
  }
})

t.test('a bright star among faint ones says where the frame lies, as well as it is known itself', async (t) => {
  const shifts: number[] = []
  for (let seed = 0; seed < 60; seed++) {
    const r = random(seed, 77)
    const error = Float64Array.from({ length: 10 }, (_, k) => (k === 0 ? 0.005 : 0.12))
    const places = Array.from({ length: 10 }, () => [1000 * r.uniform(), 1000 * r.uniform()] as const)
    const seen = (dx: number) => ({
      x: Float64Array.from(places, ([x], k) => x + dx + error[k] * r.normal()),
      y: Float64Array.from(places, ([, y], k) => y + error[k] * r.normal()),
      flux: Float64Array.from(error, (e) => 1 / e),
      error,
    })
    const found = alignStars(seen(0), seen(7.5), { rough: [1, 0, 7.5, 0, 1, 0], models: ['shift'] })!
    const map = found.map as { affine: readonly number[] }
    shifts.push(map.affine[2] - 7.5)
  }
  // 0.0071 px is what both errors of the bright star allow; sixty trials tell it to 9 %
  const rms = Math.sqrt(shifts.reduce((sum, shift) => sum + shift ** 2, 0) / shifts.length)
  t.ok(rms < 0.0071 * 1.35, `${rms.toFixed(4)} px`)
})
