// Arcs of a spectrograph's tree, of either pair of fibres, become one TRIPLE.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, textOf, writeFits } from '@nightpipe/fits'
import { polynomialWavelength, type WavelengthSolution } from '@nightpipe/spectra'
import { orderImageHdus, productPathInTree, readArc, readOrderImage, tripHdus } from '@nightpipe/spectrographs'
import t from 'tap'
import { call } from './support/run.js'
import { emptyTree, NOON, standards } from './support/tree.js'

const [COLUMNS, ORDERS] = [500, 6]
const TERMS = [
  [0, 0],
  [1, 0],
  [0, 1],
] as const
const FRAME = { width: COLUMNS, firstOrder: 52, orderStep: 1, lowOrder: 52, highOrder: 57 }
/** Angstrom times order per pixel, about. */
const STEP = 12

/** Fibres lie 2 px apart; `drift` moves all of an arc, px. */
function solution(fibre: number, drift: number): WavelengthSolution {
  const coefficients = Float64Array.of(466950 - STEP * (drift + 2 * (fibre - 1)), (STEP * COLUMNS) / 2, 15)
  const covariance = Float64Array.of(0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01)
  const polynomial = { ...FRAME, terms: TERMS, coefficients, covariance }
  const x = 200 + drift
  const wavelength = polynomialWavelength(polynomial, 2, x)
  const line = {
    ...{ fibre, index: 2, x, error: 0.01, flux: 5000, fluxError: 70, fwhm: 4, chiSquare: 1, flags: 0 },
    ...{ wavelength, listed: 7, residual: 0, velocity: 0, dispersion: STEP / 54, sigma: 0.002, used: true },
  }
  const quality = { rmsAngstrom: 0.002, rmsVelocity: 100, floor: 0.02, chiSquare: 1, precision: 10 }
  return { fibre, polynomial, lines: [line as WavelengthSolution['lines'][number]], used: 1, ...quality }
}

/** An arc as extract and wavelength leave it; `solved`: no wavelengths yet when false. */
function writeArcs(
  reduced: string,
  arcs: { at: number; lit: number[]; drift: number; flags?: string; solved?: boolean }[],
) {
  for (const folder of ['dble', 'trip']) mkdirSync(join(reduced, folder), { recursive: true })
  const rows = arcs.map(({ at, lit, drift, flags, solved = true }) => {
    const cards = [
      ['OBSTYPE', 'DOUBLE'],
      ['INSTRUME', 'fa13'],
      ['SITEID', 'cpt'],
      ['MJD-OBS', NOON + at],
      ['FL', 375 + at],
    ] as const
    const header = createHeader(cards)
    const name = productPathInTree('DBLE', 'cpt', NOON + at)
    const values = new Float32Array(COLUMNS * ORDERS * 2)
    writeFits(join(reduced, name), orderImageHdus({ width: COLUMNS, orders: ORDERS, planes: 2, values }, header))
    const trip = join(reduced, productPathInTree('TRIP', 'cpt', NOON + at + 0.001))
    const solutions = lit.map((fibre) => solution(fibre, drift))
    if (solved) writeFits(trip, tripHdus(solutions, header, { orders: ORDERS, reference: 1 }))
    return `"DOUBLE","${name}",1,"cpt","fa13",${2458579 + at},"${flags ?? (lit[0] === 0 ? '0010' : '0020')}"`
  })
  writeFileSync(join(reduced, 'csv/standards.csv'), `T,F,0,S,C,0.0,Flags\n${rows.join('\n')}\n`)
}

const asked = ['--calibration-type', 'ARC', '--start', '2019-04-05T08:00:00', '--end', '2019-04-06T08:00:00']

t.test('arcs of both pairs become the wavelengths of three fibres; a drift between them does not enter', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  writeArcs(reduced, [
    { at: 0, lit: [0, 1], drift: 0 },
    { at: 0.01, lit: [1, 2], drift: 0.6 },
    { at: 0.02, lit: [0, 1], drift: 0.2 },
    { at: 0.03, lit: [1, 2], drift: 0.8 },
    { at: 0.04, lit: [0, 1], drift: 5, flags: '1010' },
    { at: 0.05, lit: [0, 1], drift: 0, solved: false },
  ])
  const { status, stderr, stdout } = call(...flags, ...asked)
  t.equal(status, 5, 'one arc has no wavelengths yet')
  t.match(stderr, /has no wavelengths yet \(run wavelength on it/)
  const name = productPathInTree('TRIP', 'cpt', NOON + 0.0011)
  t.equal(stdout.trim(), join(reduced, name))
  t.match(
    standards(reduced).find((row) => row.includes('TRIPLE')),
    `"TRIPLE","${name}",4,"cpt","fa13",2458579.001,"0030"`,
  )
  const made = readArc(stdout.trim())!
  t.same(
    made.solutions.map(({ fibre }) => fibre),
    [0, 1, 2],
  )
  const mean = 0.4
  for (const { fibre, polynomial, lines } of made.solutions) {
    for (const [index, x] of [
      [0, 20],
      [3, 250],
      [5, 480],
    ] as const) {
      const truth = polynomialWavelength(solution(fibre, mean).polynomial, index, x)
      const off = (299792458 * (polynomialWavelength(polynomial, index, x) - truth)) / truth
      t.ok(Math.abs(off) < 1, `fibre ${fibre}, order ${index}: ${off} m/s`)
    }
    t.equal(lines.length, 1, 'a line of several arcs is one')
    t.ok(Math.abs(lines[0]!.x - (200 + mean)) < 1e-3, 'where the average has it')
  }
  const middles = (fibre: number) => made.members!.filter((one) => one.fibre === fibre).map(({ mjd }) => mjd - NOON)
  t.same(
    [0, 1, 2].map((fibre) => middles(fibre).map((at) => Math.round(1e4 * (at - 0.001)) / 1e4)),
    [
      [0, 0.02],
      [0, 0.01, 0.02, 0.03],
      [0.01, 0.03],
    ],
    'it tells the arcs that it is of',
  )
  t.same([numberOf(made.header, 'NFRAVGD'), textOf(made.header, 'ORGNAM03')], [4, 'DBLEcpt2019095.53000.fits'])
  t.ok(Math.abs(numberOf(made.header, 'FL')! - 375.015) < 1e-9, 'the mean of the optics')
  const plane = readOrderImage(stdout.trim())
  t.same([plane.width, plane.orders], [COLUMNS, 67], 'orders as the profile has them')
})

t.test('one arc alone is its own TRIPLE, with its own fibres', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  writeArcs(reduced, [{ at: 0, lit: [1, 2], drift: 0.3 }])
  const { status, stdout } = call(...flags, ...asked)
  t.equal(status, 0)
  t.match(standards(reduced).at(-1), /2458579\.001,"0020"$/)
  const made = readArc(stdout.trim())!.solutions
  const [now, was] = [made[1]!, solution(2, 0.3)].map(({ polynomial }) => polynomialWavelength(polynomial, 4, 100))
  t.ok(Math.abs(now! - was!) < 1e-6)
})
