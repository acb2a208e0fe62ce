import { random } from '@nightpipe/math'
import t from 'tap'
import { expectedTerms } from '../src/expected-terms.js'
import { fitWavelengthPolynomial, polynomialError, polynomialWavelength } from '../src/index.js'

const FRAME = { width: 1000, firstOrder: 60, orderStep: 1, lowOrder: 60, highOrder: 79, terms: [] }
const LIMITS = { degreeX: 7, degreeOrder: 6 }

/** Order times wavelength of a smooth spectrograph that no polynomial is. */
const product = (index: number, x: number) => {
  const [u, v] = [(2 * x) / 999 - 1, (index - 9.5) / 9.5]
  return 400000 + 3500 * Math.sin(0.9 * u + 0.02 * v) + 40 * v + 6 * Math.exp(0.8 * u * v)
}

/** Lines with noise; none in the last tenth of the columns, and some far off. */
function lines(count: number, seed: number) {
  const draw = random(seed)
  return Array.from({ length: count }, (_, k) => {
    const [index, x] = [Math.floor(20 * draw.uniform()), 900 * draw.uniform()]
    const sigma = 0.0007 * (1 + draw.uniform())
    const wavelength = product(index, x) / (60 + index) + sigma * draw.normal() + (k % 60 === 7 ? 0.02 : 0)
    return { index, x, wavelength, error: sigma }
  })
}

t.test(
  'what lines do not tell is small, and in the errors: those are honest, also where there is no line',
  async (t) => {
    for (const count of [150, 1500]) {
      let [inside, outside, n] = [0, 0, 0]
      for (let seed = 1; seed <= 6; seed++) {
        const some = lines(count, seed)
        const { frame, precision } = expectedTerms(some, FRAME, LIMITS)!
        const good = some.filter(
          (line) => Math.abs(line.wavelength - product(line.index, line.x) / (60 + line.index)) < 0.01,
        )
        const fit = fitWavelengthPolynomial(good, frame, { precision })!
        for (let index = 0; index < 20; index++) {
          for (let x = 0; x < 900; x += 45) {
            const pull = (at: number) =>
              (polynomialWavelength(fit, index, at) - product(index, at) / (60 + index)) /
              polynomialError(fit, index, at)
            inside += pull(x) ** 2
            outside += pull(900 + x / 9.1) ** 2
            n++
          }
        }
      }
      const [near, far] = [Math.sqrt(inside / n), Math.sqrt(outside / n)]
      t.ok(near > 0.7 && near < 1.3, `${count} lines: pulls of ${near}`)
      t.ok(far > 0.3 && far < 2, `${count} lines: pulls of ${far} where there are none`)
    }
  },
)

t.test('too few lines for any terms have none', async (t) => {
  t.equal(expectedTerms(lines(5, 3), FRAME, LIMITS), undefined)
  t.ok(expectedTerms(lines(12, 3), FRAME, LIMITS), 'a few have plain ones')
})
