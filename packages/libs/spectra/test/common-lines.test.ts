import { random } from '@nightpipe/math'
import t from 'tap'
import {
  commonSolutions,
  fitWavelengthPolynomial,
  type WavelengthPolynomial,
  type WavelengthSolution,
  wavelengthEvaluator,
} from '../src/index.js'

const LIGHT = 299792458
const FRAME = { width: 512, firstOrder: 100, orderStep: 1, lowOrder: 100, highOrder: 109 }
const TRUE: WavelengthPolynomial = {
  ...{
    ...FRAME,
    terms: [
      [0, 0],
      [1, 0],
      [0, 1],
      [2, 0],
    ],
  },
  coefficients: Float64Array.of(564000, 2900, 30, -40),
}
/** Lines lie off their listed places by so much (neighbours, the list), and light tells their places so well; px. */
const [OFF, ERROR] = [0.15, 0.01]

/** Arcs of one spectrograph, the image moved by a little more each time; each fit takes some of the lines. */
function arcsOf(count: number, seed: number): WavelengthSolution[] {
  const at = wavelengthEvaluator(TRUE)
  const off = random(seed, 0)
  const lamp = Array.from({ length: 100 }, (_, k) => {
    const [index, x] = [Math.floor(k / 10), 25 + 50 * (k % 10) + 10 * off.normal()]
    return { index, x: x + OFF * off.normal(), wavelength: at(index, x) }
  })
  return Array.from({ length: count }, (_, arc) => {
    const draw = random(seed, arc + 1)
    const lines = lamp.map(({ index, x, wavelength }) => ({
      ...{ index, fibre: 0, x: x + shiftOf(arc) + ERROR * draw.normal(), error: ERROR, flux: 1e4, fluxError: 100 },
      ...{ fwhm: 3.5, chiSquare: 1, flags: 0, wavelength, listed: 0, residual: 0, velocity: 0 },
      ...{ dispersion: 0.11, sigma: 0.016, used: draw.uniform() < 0.7 },
    }))
    const points = lines.filter(({ used }) => used).map((line) => ({ ...line, error: 0.016 }))
    const polynomial = fitWavelengthPolynomial(points, TRUE)!
    return {
      fibre: 0,
      polynomial,
      lines,
      used: points.length,
      rmsAngstrom: 0,
      rmsVelocity: 0,
      floor: 0,
      chiSquare: 1,
      precision: 0,
    }
  })
}

const shiftOf = (arc: number) => 0.1 * arc

/** Mean error of wavelengths over the detector, m/s. */
function zeroOf(polynomial: WavelengthPolynomial, shift: number): number {
  const [at, truth] = [wavelengthEvaluator(polynomial), wavelengthEvaluator(TRUE)]
  let [sum, n] = [0, 0]
  for (let index = 0; index < 10; index++) {
    for (let x = 10; x < 500; x += 10) {
      sum += LIGHT * (at(index, x) / truth(index, x - shift) - 1)
      n++
    }
  }
  return sum / n
}

function scatterOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

t.test(
  'arcs differ by the light of the lines that they have in common, not by which lines each fit took',
  async (t) => {
    const arcs = arcsOf(12, 4)
    const common = commonSolutions(arcs, 3.5)
    const own = scatterOf(arcs.map(({ polynomial }, k) => zeroOf(polynomial, shiftOf(k))))
    const together = scatterOf(common.map((one, k) => zeroOf(one!.polynomial, shiftOf(k))))
    // 100 lines of 0.01 px, one pixel is 6 km/s
    const light = (6000 * ERROR) / Math.sqrt(100)
    t.comment(
      `${own.toFixed(1)} m/s each by itself, ${together.toFixed(1)} together, light allows ${light.toFixed(1)}, told ${common[0]!.error.toFixed(1)}`,
    )
    t.ok(together < 0.25 * own)
    // 12 arcs know a scatter to 21 %; slopes along and over the orders, that are fitted too, cost a little
    t.ok(together < 1.6 * light)
    t.ok(common[0]!.error > 0.6 * light && common[0]!.error < 1.6 * light)
  },
)

t.test('all arcs have the same lines, each where its own image has it', async (t) => {
  const arcs = arcsOf(6, 7)
  const common = commonSolutions(arcs, 3.5)
  const [first, last] = [common[0]!, common[5]!]
  t.equal(first.places.length, last.places.length)
  const moved = first.places.map(({ x }, k) => last.places[k]!.x - x)
  t.ok(moved.every((one) => Math.abs(one - 0.5) < 0.03))
})

t.test('an arc of another image is left as it is, and so is one alone', async (t) => {
  const arcs = arcsOf(5, 8)
  const strange = arcsOf(1, 99)[0]!
  const told = commonSolutions(
    [...arcs, { ...strange, lines: strange.lines.map((line) => ({ ...line, x: line.x + 20 })) }],
    3.5,
  )
  t.same(
    told.map((one) => one !== undefined),
    [true, true, true, true, true, false],
  )
  t.same(commonSolutions(arcs.slice(0, 1), 3.5), [undefined])
  t.same(commonSolutions([], 3.5), [])
})
