import { random } from '@nightpipe/math'
import t from 'tap'
import {
  type ArcSetup,
  findLines,
  type LineList,
  lineResolution,
  measureDrift,
  polynomialDispersion,
  polynomialError,
  polynomialWavelength,
  type SolvedFibre,
  solveArc,
} from '../src/index.js'
import { MADE, type MadeSpectrograph, madeArc, madeLamp, madeWavelength } from './made-arc.js'

const LAMP = madeLamp(1, 1500)
const LIMITS = { degreeX: 6, degreeOrder: 4, clip: 4 }

/** What an observer has: three quarters of the lines, brightness good to a factor, and some that this lamp lacks. */
function listOf(lamp: typeof LAMP, withIntensity = true, known = 0.75): LineList {
  const draw = random(77)
  const kept = [...lamp.wavelength.keys()].filter(() => draw.uniform() < known)
  const lines = kept.map((k) => ({
    wavelength: lamp.wavelength[k],
    intensity: lamp.light[k] * Math.exp(draw.normal()),
  }))
  for (let k = 0; k < 200; k++)
    lines.push({ wavelength: 4300 + 1700 * draw.uniform(), intensity: 1000 * draw.uniform() })
  lines.sort((a, b) => a.wavelength - b.wavelength)
  return {
    wavelength: Float64Array.from(lines, (line) => line.wavelength),
    intensity: Float64Array.from(lines, (line) => (withIntensity ? line.intensity : Number.NaN)),
    error: new Float64Array(lines.length),
  }
}

/** Dispersion in the middle, km/s per pixel. */
const pixelVelocity = (of: MadeSpectrograph) => {
  const [a, b] = [-0.5, 0.5].map((d) => madeWavelength(of, 7, of.width / 2 + d))
  return (299792.458 * 2 * (b - a)) / (a + b)
}

const setup = (of: MadeSpectrograph, change: Partial<ArcSetup['rough']> = {}, list = listOf(LAMP)): ArcSetup => ({
  list,
  limits: LIMITS,
  rough: {
    ...{
      firstOrder: of.firstOrder,
      orderStep: of.orderStep,
      orderConstant: of.constant,
      pixelVelocity: pixelVelocity(of),
    },
    ...change,
  },
})

/** Errors of the wavelengths over all orders, m/s: root mean square, and in units of what the solution says itself. */
function judge({ solution }: SolvedFibre, of: MadeSpectrograph, shift = 0): { rms: number; pull: number } {
  let [squares, pulls, n] = [0, 0, 0]
  for (let index = 0; index < of.orders; index++) {
    for (let x = 20; x < of.width - 20; x += 9) {
      const truth = madeWavelength(of, index, x, shift)
      const miss = polynomialWavelength(solution!.polynomial, index, x) - truth
      squares += (miss / truth) ** 2
      pulls += (miss / polynomialError(solution!.polynomial, index, x)) ** 2
      n++
    }
  }
  return { rms: 299792458 * Math.sqrt(squares / n), pull: Math.sqrt(pulls / n) }
}

/**
 * What the lines allow, m/s. The quarter of the lines that the list lacks blends with those it has, which scatter by 0.14 px (450 m/s)
 * for it; a fit of some twenty terms to some 320 of them is then good to a hundred. Over noises and fibres 0.6 to 1.4 times this was reached.
 */
const allowed = ({ solution }: SolvedFibre) =>
  1.5 * Math.min(600, solution!.rmsVelocity) * Math.sqrt(solution!.polynomial.terms.length / solution!.used)

t.test('an arc is solved from rough numbers: constant and dispersion wrong by 1 %, orders counted wrong', async (t) => {
  const arc = madeArc(MADE, LAMP, { seed: 5 })
  const wrong = [
    { orderConstant: MADE.constant * 1.01, pixelVelocity: pixelVelocity(MADE) * 0.99 },
    { orderConstant: MADE.constant * 0.99, pixelVelocity: pixelVelocity(MADE) * 1.01, firstOrder: MADE.firstOrder + 1 },
  ]
  for (const change of wrong) {
    const [fibre] = solveArc(arc, [0], setup(MADE, change))
    if (!fibre.solution) t.fail(`${JSON.stringify(change)}: ${fibre.problem}`)
    else {
      t.equal(fibre.solution.polynomial.firstOrder, MADE.firstOrder)
      const { rms, pull } = judge(fibre, MADE)
      t.ok(
        rms < allowed(fibre) && pull < 3,
        `${JSON.stringify(change)}: ${rms.toFixed(1)} of ${allowed(fibre).toFixed(1)} m/s, ${pull.toFixed(2)} of its own error`,
      )
    }
  }
})

t.test('wavelengths that fall with x, orders that fall with the index, and a list without intensities', async (t) => {
  const other = { ...MADE, sine: -0.6, opening: -0.03, firstOrder: 100, orderStep: -1 }
  const mirrored = { ...other, sine: 0.9, opening: -0.024 }
  const arc = madeArc(mirrored, LAMP, { seed: 6 })
  const [fibre] = solveArc(arc, [0], setup(mirrored, { orderConstant: mirrored.constant * 1.005 }, listOf(LAMP, false)))
  t.equal(fibre.problem, undefined)
  // eight terms are enough here: 21 to 45 m/s over eight noises
  t.ok(judge(fibre, mirrored).rms < 60, `${judge(fibre, mirrored).rms}`)
})

t.test('the resolution is that of the image of a line on pixels', async (t) => {
  const [solved] = solveArc(madeArc(MADE, LAMP, { seed: 5 }), [0], setup(MADE))
  // the oracle: a Gaussian gathered by pixels, sampled finely, between its half heights
  const gathered = (at: number) => {
    let sum = 0
    for (let k = 0; k < 400; k++) sum += Math.exp(-4 * Math.LN2 * ((at + (k + 0.5) / 400 - 0.5) / MADE.fwhm) ** 2)
    return sum
  }
  let half = 0
  while (gathered(half) > gathered(0) / 2) half += 1e-3
  const used = solved.solution!.lines.filter((line) => line.used)
  const truth = used
    .map(({ index, x }) => {
      const [a, b] = [-0.5, 0.5].map((d) => madeWavelength(MADE, index, x + d))
      return (a + b) / 2 / ((b - a) * 2 * half)
    })
    .sort((a, b) => a - b)[used.length >> 1]!
  // blended lines, which are left out, lie elsewhere; widths of faint lines scatter
  t.ok(Math.abs(lineResolution(solved.solution!.lines) / truth - 1) < 0.02, `${lineResolution(used)} of ${truth}`)
})

t.test('fibres beside it follow the first one', async (t) => {
  const arc = madeArc(MADE, LAMP, { seed: 7, fibres: [0, 1], fibreShift: 9 })
  const [first, second] = solveArc(arc, [0, 1], setup(MADE))
  t.equal([first, second].filter(({ identification }) => identification?.way === 'followed').length, 1)
  t.ok(judge(first, MADE).rms < allowed(first), `${judge(first, MADE).rms} of ${allowed(first)}`)
  t.ok(judge(second, MADE, 9).rms < allowed(second), `${judge(second, MADE, 9).rms} of ${allowed(second)}`)
})

t.test('another lamp, or no lamp, is refused and never solved', async (t) => {
  const rough = setup(MADE)
  const [other] = solveArc(madeArc(MADE, madeLamp(99, 1500), { seed: 8 }), [0], rough)
  t.equal(other.solution, undefined)
  t.match(other.problem, /no solution/)
  const [dark] = solveArc(madeArc(MADE, { wavelength: [], light: [] }, { seed: 9 }), [0], rough)
  t.match(dark.problem, /the lamp was off/)
})

t.test('a drift is measured as well as its error says', async (t) => {
  const [fibre] = solveArc(madeArc(MADE, LAMP, { seed: 10 }), [0], setup(MADE))
  const { polynomial, lines } = fibre.solution!
  const dispersion = (index: number, x: number) =>
    polynomialDispersion(polynomial, index, x) / polynomialWavelength(polynomial, index, x)
  const wavelength = (index: number, x: number) => polynomialWavelength(polynomial, index, x) / 10
  for (const shift of [0, 0.02, -0.3, 1.4]) {
    const later = findLines(madeArc(MADE, LAMP, { seed: 11, shift }).orders, { fwhm: fibre.fwhm }).lines
    const drift = measureDrift(lines, later, {
      width: MADE.width,
      reach: 1.5 * fibre.fwhm,
      linear: true,
      dispersion,
      wavelength,
    })!
    t.ok(Math.abs(drift.shift - shift) < 4 * drift.shiftError, `${shift}: ${drift.shift} ± ${drift.shiftError}`)
    t.ok(drift.shiftError < 0.01)
    t.ok(drift.matched >= drift.lines && drift.matchedNm! >= drift.usedNm!)
    // an eighth of a pixel of 0.0058 nm: all count alike here, and the faint ones are the most
    t.ok(drift.usedNm! > 5e-4 && drift.usedNm! < 1e-3, `${drift.usedNm} nm`)
    t.equal(Math.sign(drift.velocity), Math.sign(drift.shift))
  }
})

t.test('a list that knows two lines in five does, whatever chance makes of it in a run of lines', async (t) => {
  const list = listOf(LAMP, true, 0.4)
  for (const seed of [1, 2, 3, 4]) {
    const [fibre] = solveArc(madeArc(MADE, LAMP, { seed }), [0], setup(MADE, {}, list))
    t.match(fibre, { identification: { way: 'known numbers, bright lines' } }, `${fibre.problem}`)
  }
})
