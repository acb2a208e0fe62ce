import { random } from '@nightpipe/math'
import t from 'tap'
import { averageArcs, polynomialError, polynomialWavelength, type WavelengthSolution } from '../src/index.js'

const C = 299792458
const FRAME = { width: 2000, firstOrder: 60, orderStep: 1, lowOrder: 60, highOrder: 90 }
const TERMS = [
  [0, 0],
  [1, 0],
  [2, 0],
  [0, 1],
  [1, 1],
] as const

/** Fibres lie 2 px apart; a drift moves all of them by so many pixels. */
function solution(fibre: number, drift: number, noise: number, seed: number): WavelengthSolution {
  const { normal } = random(seed)
  const perPixel = 0.04 * 75
  const shift = -(drift + 2 * (fibre - 1)) * perPixel
  const scatter = noise * 400000
  const coefficients = Float64Array.of(400000 + shift, 3000, -40, 20, 4).map((v) => v + (scatter / 3e8) * normal())
  const covariance = new Float64Array(25)
  for (let k = 0; k < 5; k++) covariance[6 * k] = (scatter / 3e8) ** 2
  return {
    ...{ fibre, polynomial: { ...FRAME, terms: TERMS, coefficients, covariance }, lines: [], used: 400 },
    ...{ rmsAngstrom: 0.002, rmsVelocity: 100, floor: 0.02, chiSquare: 1, precision: 5 },
  }
}

const velocity = (a: number, b: number) => (C * (a - b)) / b
const truth = (fibre: number, drift: number, index: number, x: number) =>
  polynomialWavelength(solution(fibre, drift, 0, 1).polynomial, index, x)

t.test('one arc stays as it is', async (t) => {
  const [made] = averageArcs([[solution(1, 0.3, 10, 4)]])
  const before = solution(1, 0.3, 10, 4).polynomial
  for (const index of [0, 12, 30]) {
    for (const x of [0, 800, 1999]) {
      const [now, was] = [made!.polynomial, before].map((one) => polynomialWavelength(one, index, x))
      t.ok(Math.abs(velocity(now!, was!)) < 1e-3)
    }
  }
  const [now, was] = [made!.polynomial, before].map((one) => polynomialError(one, 12, 800))
  t.ok(Math.abs(now! / was! - 1) < 0.5, `error ${now} of ${was}`)
})

t.test('arcs of both pairs of fibres: a drift between them does not shift fibres against one another', async (t) => {
  const drifts = [0, 0.4, 0.1, 0.5]
  const arcs = drifts.map((drift, k) => (k % 2 === 0 ? [0, 1] : [1, 2]).map((f) => solution(f, drift, 0, 1)))
  const made = averageArcs(arcs)
  t.same(
    made.map(({ fibre }) => fibre),
    [0, 1, 2],
  )
  const mean = 0.25
  for (const { fibre, polynomial, used } of made) {
    t.equal(used, fibre === 1 ? 1600 : 800)
    for (const index of [0, 15, 30]) {
      const off = velocity(polynomialWavelength(polynomial, index, 700), truth(fibre, mean, index, 700))
      t.ok(Math.abs(off) < 1, `fibre ${fibre}, order ${index}: ${off} m/s`)
    }
  }
})

t.test('four arcs are better than one by two, and one odd arc of seven does not matter', async (t) => {
  const noise = 20
  let [single, four] = [0, 0]
  for (let k = 0; k < 60; k++) {
    const arcs = Array.from({ length: 4 }, (_, j) => [solution(1, 0, noise, 10 * k + j)])
    const off = (one: WavelengthSolution) =>
      velocity(polynomialWavelength(one.polynomial, 10, 1000), truth(1, 0, 10, 1000))
    single += off(arcs[0]![0]!) ** 2
    four += off(averageArcs(arcs)[0]!) ** 2
  }
  const ratio = Math.sqrt(single / four)
  t.ok(ratio > 1.6 && ratio < 2.5, `${ratio}`)
  const odd = [0, 0, 0, 5, 0, 0, 0].map((drift) => [solution(1, drift, 0, 1)])
  const off = velocity(polynomialWavelength(averageArcs(odd)[0]!.polynomial, 10, 1000), truth(1, 0, 10, 1000))
  t.ok(Math.abs(off) < 0.1)
})
