import { random } from '@nightpipe/math'
import t from 'tap'
import { bestFrame } from '../src/choose-degrees.js'
import { fitWavelengthPolynomial, polynomialWavelength, termsUpTo } from '../src/index.js'

const FRAME = { width: 1000, firstOrder: 60, orderStep: 1, lowOrder: 60, highOrder: 79, terms: [] }

/** Lines of a spectrograph of degree 4 in x and 2 in the order, with noise; some are far off. */
function lines(count: number, seed: number) {
  const draw = random(seed)
  return Array.from({ length: count }, (_, k) => {
    const index = Math.floor(20 * draw.uniform())
    const x = 999 * draw.uniform()
    const [u, v, m] = [(2 * x) / 999 - 1, (index - 9.5) / 9.5, 60 + index]
    const product = 400000 + 3000 * u - 60 * u ** 2 + 5 * u ** 3 + 2 * u ** 4 + 30 * v + 20 * u * v + 4 * v ** 2
    const sigma = 0.001 * (1 + draw.uniform())
    return { index, x, wavelength: product / m + sigma * draw.normal() + (k % 50 === 0 ? 0.02 : 0), sigma }
  })
}

t.test('the degrees are those that the lines were made with', async (t) => {
  const frame = bestFrame(lines(900, 1), FRAME, { degreeX: 7, degreeOrder: 6 })!
  t.equal(Math.max(...frame.terms.map(([i]) => i)), 4)
  t.equal(Math.max(...frame.terms.map(([, j]) => j)), 2)
})

t.test('one set of normal equations gives what fits of the parts of the lines give', async (t) => {
  const some = lines(200, 2)
  const plain = (x: number, order: number) => {
    let squares = 0
    for (let part = 0; part < 5; part++) {
      const frame = { ...FRAME, terms: termsUpTo(x, order, Math.max(x, order) + 1) }
      const points = some.filter((_, k) => k % 5 !== part).map((line) => ({ ...line, error: line.sigma }))
      const fit = fitWavelengthPolynomial(points, frame)!
      for (const { index, x: at, wavelength, sigma } of some.filter((_, k) => k % 5 === part))
        squares += Math.min(16, ((polynomialWavelength(fit, index, at) - wavelength) / sigma) ** 2)
    }
    return Math.sqrt(squares / some.length)
  }
  let best = { x: 0, order: 0, scatter: Number.POSITIVE_INFINITY }
  for (let x = 2; x <= 5; x++) {
    for (let order = 1; order <= 4; order++) {
      if (some.length < 4 * termsUpTo(x, order, Math.max(x, order) + 1).length) continue
      const scatter = plain(x, order)
      if (scatter < 0.995 * best.scatter) best = { x, order, scatter }
    }
  }
  const frame = bestFrame(some, FRAME, { degreeX: 5, degreeOrder: 4 })!
  t.same(frame.terms, termsUpTo(best.x, best.order, Math.max(best.x, best.order) + 1))
})

t.test('too few lines for any frame have none', async (t) => {
  t.equal(bestFrame(lines(12, 3), FRAME, { degreeX: 7, degreeOrder: 6 }), undefined)
})
