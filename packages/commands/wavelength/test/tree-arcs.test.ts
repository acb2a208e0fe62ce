// A night in the tree of a spectrograph that drifts: exposures stand between the TRIPLE before and the one after.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, textOf, writeFits } from '@nightpipe/fits'
import { polynomialWavelength, type WavelengthSolution } from '@nightpipe/spectra'
import { productPathInTree, readSpectra, spectraHdus, tripHdus } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'

const [COLUMNS, ORDERS, LINES] = [500, 6, 10]
/** 2019-04-05 12:00 */
const NOON = 58578.5
const TERMS = [
  [0, 0],
  [1, 0],
  [0, 1],
] as const
const FRAME = { width: COLUMNS, firstOrder: 52, orderStep: 1, lowOrder: 52, highOrder: 57 }
/** Angstrom times order per pixel. */
const STEP = 12
const placeOf = (k: number) => 25 + 47.3 * k

/** The wavelengths of a fibre when the image has drifted so many px, and this fibre `beside` the lamp's so many more; its lines lie where they did, and the drift beyond. */
function solution(fibre: number, drift: number, beside = 0): WavelengthSolution {
  const own = fibre === 1 ? drift : drift + beside
  const coefficients = Float64Array.of(466950 - STEP * (own + 2 * (fibre - 1)), (STEP * (COLUMNS - 1)) / 2, 15)
  const polynomial = { ...FRAME, terms: TERMS, coefficients, covariance: new Float64Array(9) }
  const lines = Array.from({ length: ORDERS * LINES }, (_, k) => {
    const [index, x] = [Math.floor(k / LINES), placeOf(k % LINES) + own]
    const seen = { fibre, index, x, error: 0.002, flux: 50000, fluxError: 200, fwhm: 4, chiSquare: 1, flags: 0 }
    const name = { wavelength: polynomialWavelength(polynomial, index, x), listed: k, dispersion: STEP / 54 }
    return { ...seen, ...name, residual: 0, velocity: 0, sigma: 0.0005, used: true }
  })
  const quality = { rmsAngstrom: 0.002, rmsVelocity: 100, floor: 0.02, chiSquare: 1, precision: 10 }
  return { fibre, polynomial, lines, used: lines.length, ...quality }
}

/** A tree with solved arcs. */
function treeWith(folder: string, arcs: { at: number; lit: number[]; drift: number; beside?: number }[]) {
  const reduced = join(folder, 'cpt/nres03/reduced')
  for (const name of ['csv', 'trip', 'temp/extr']) mkdirSync(join(reduced, name), { recursive: true })
  const rows = arcs.map(({ at, lit, drift, beside }) => {
    const name = productPathInTree('TRIP', 'cpt', NOON + at)
    const header = createHeader([
      ['OBSTYPE', 'ARC'],
      ['MJD-OBS', NOON + at],
      ['EXPTIME', 0],
    ])
    writeFits(
      join(reduced, name),
      tripHdus(
        lit.map((fibre) => solution(fibre, drift, beside)),
        header,
        { orders: ORDERS, reference: 1 },
      ),
    )
    return `"TRIPLE","${name}",2,"cpt","fa13",${2458579 + at},"${lit[0] === 0 ? '0010' : '0020'}"`
  })
  writeFileSync(join(reduced, 'csv/standards.csv'), `T,F,0,S,C,0.0,Flags\n${rows.join('\n')}\n`)
  return reduced
}

/** An exposure of a star, with the lamp beside it or without, when the image has drifted so far. */
function exposure(reduced: string, name: string, { at, drift, lamp }: { at: number; drift: number; lamp: boolean }) {
  const orders = (lamp ? [0, 1] : [0]).flatMap((fibre) =>
    Array.from({ length: ORDERS }, (_, index) => {
      const flux = new Float64Array(COLUMNS).fill(100)
      for (let k = 0; k < LINES && fibre === 1; k++) {
        for (let x = 0; x < COLUMNS; x++) flux[x]! += 12000 * Math.exp(-0.5 * ((x - placeOf(k) - drift) / 1.7) ** 2)
      }
      const uncertainty = flux.map((value) => Math.sqrt(value + 20))
      return { index, order: 0, fibre, flux, uncertainty, mask: new Int32Array(COLUMNS) }
    }),
  )
  const header = createHeader([
    ...([
      ['OBSTYPE', 'TARGET'],
      ['OBJECTS', lamp ? 'star&thar&none' : 'star&none&none'],
      ['INSTRUME', 'fa13'],
    ] as const),
    ...([
      ['SITEID', 'cpt'],
      ['MJD-OBS', NOON + at],
      ['EXPTIME', 0],
    ] as const),
  ])
  const path = join(reduced, 'temp/extr', `${name}-1d.fits`)
  writeFits(path, spectraHdus({ width: COLUMNS, orders }, header))
  return path
}

const run = (folder: string, ...args: string[]) => {
  const tree = ['--root', folder, '--site', 'cpt', '--nres-instrument', 'nres03', '--set', 'instrument.profile=nres']
  return call('wavelength', [...tree, '--quiet', ...args])
}

/** The largest error of the wavelengths of the star, px. */
function miss(path: string, drift: number): number {
  const { polynomial } = solution(0, drift)
  return Math.max(
    ...readSpectra(path)
      .orders.filter(({ fibre }) => fibre === 0)
      .flatMap(({ index, wavelength }) =>
        [0, 250, 499].map((x) => {
          const off = wavelength![x]! - polynomialWavelength(polynomial, index, x)
          return Math.abs(off / (STEP / (52 + index)))
        }),
      ),
  )
}

t.test('exposures without a lamp are interpolated in time between the TRIPLE before and the one after', async (t) => {
  const folder = t.testdir()
  const reduced = treeWith(folder, [
    { at: -3, lit: [0, 1], drift: 4 },
    { at: 0, lit: [0, 1], drift: 0 },
    { at: 0.4, lit: [0, 1], drift: 0.8 },
    { at: 0.41, lit: [1, 2], drift: 9 },
    { at: 2, lit: [0, 1], drift: -5 },
  ])
  const night = [0.05, 0.1, 0.2, 0.3, 0.38].map((at, k) => ({
    ...{ at, drift: 2 * at },
    path: exposure(reduced, `star-${k}`, { at, drift: 2 * at, lamp: false }),
  }))
  const { status, stdout, stderr } = run(folder, ...night.flatMap(({ path }) => ['-s', path]))
  t.equal(status, 0, stderr)
  const made = stdout.trim().split('\n')
  t.equal(made.length, night.length)
  night.forEach(({ drift }, k) => {
    t.ok(miss(made[k]!, drift) < 1e-4, `exposure ${k}: ${miss(made[k]!, drift)} px`)
  })
  const { header } = readSpectra(made[1]!)
  t.same(
    [textOf(header, 'L1IDTRIP'), textOf(header, 'L1IDTRI2')],
    [0, 0.4].map((at) => productPathInTree('TRIP', 'cpt', NOON + at).slice(5)),
  )
  t.equal(numberOf(header, 'DRIFT'), undefined)
  const nearest = run(folder, '-s', night[1]!.path, '--set', 'arcs.interpolate=no', '-r', join(folder, 'nearest'))
  t.ok(Math.abs(miss(nearest.stdout.trim(), 0.2) - 0.2) < 1e-4, 'the nearest alone is off by the drift')
})

t.test('the drift that the lamp shows comes on top, and is not counted twice', async (t) => {
  const folder = t.testdir()
  const reduced = treeWith(folder, [
    { at: 0, lit: [0, 1], drift: 0 },
    { at: 0.4, lit: [0, 1], drift: 0.8 },
  ])
  // the image did not drift evenly: the lamp knows
  const path = exposure(reduced, 'star', { at: 0.1, drift: 0.55, lamp: true })
  const { status, stdout, stderr } = run(folder, '-s', path)
  t.equal(status, 0, stderr)
  t.ok(miss(stdout.trim(), 0.55) < 0.003, `${miss(stdout.trim(), 0.55)} px`)
})

t.test(
  'all arcs of a night serve where the lamp shows the drift since each; the header says how many, and what they leave unknown',
  async (t) => {
    const folder = t.testdir()
    const reduced = treeWith(folder, [
      { at: -2, lit: [0, 1], drift: 3 },
      { at: 0, lit: [0, 1], drift: 0 },
      { at: 0.01, lit: [0, 1], drift: 0.2 },
      { at: 0.02, lit: [1, 2], drift: 0.1 },
      { at: 0.03, lit: [0, 1], drift: -0.1 },
    ])
    const path = exposure(reduced, 'star', { at: 0.2, drift: 0.45, lamp: true })
    const { status, stdout, stderr } = run(folder, '-s', path, '--set', 'arcs.together=0')
    t.equal(status, 0, stderr)
    const { header } = readSpectra(stdout.trim())
    t.ok(miss(stdout.trim(), 0.45) < 0.003, `${miss(stdout.trim(), 0.45)} px`)
    t.equal(numberOf(header, 'WAVNARC'), 4, 'three for the star, one more for the lamp')
    // 60 lines of 0.002 px in each arc of three, at 0.43 km/s or so a pixel
    const perArc = numberOf(header, 'WAVERR')! * Math.sqrt(3)
    t.ok(Math.abs(perArc / ((0.002 / Math.sqrt(60)) * (STEP / 466950) * 299792458) - 1) < 0.1, `${perArc} m/s`)
  },
)

t.test('arcs of other nights serve together with those of the night, where the fibres lie alike in all', async (t) => {
  const folder = t.testdir()
  const nights = [0, 30, 60, 90].flatMap((at, k) =>
    [0, 0.01].map((more) => ({ at: at + more, lit: [0, 1], drift: 0.1 * k })),
  )
  const reduced = treeWith(folder, nights)
  const path = exposure(reduced, 'star', { at: 30.2, drift: 0.45, lamp: true })
  const { status, stdout, stderr } = run(folder, '-s', path)
  t.equal(status, 0, stderr)
  const { header } = readSpectra(stdout.trim())
  t.equal(numberOf(header, 'WAVNARC'), 8)
  t.ok(miss(stdout.trim(), 0.45) < 0.003, `${miss(stdout.trim(), 0.45)} px`)
  const perArc = numberOf(header, 'WAVERR')! * Math.sqrt(8)
  t.ok(Math.abs(perArc / ((0.002 / Math.sqrt(60)) * (STEP / 466950) * 299792458) - 1) < 0.1, `${perArc} m/s`)
})

t.test('arcs of a time when the fibres lay otherwise hardly take part', async (t) => {
  const folder = t.testdir()
  const nights = [0, 30, 60, 90].flatMap((at, k) =>
    [0, 0.01].map((more) => ({ at: at + more, lit: [0, 1], drift: 0.1 * k, beside: k < 2 ? 0 : 0.5 })),
  )
  const path = exposure(treeWith(folder, nights), 'star', { at: 30.2, drift: 0.45, lamp: true })
  const { stdout } = run(folder, '-s', path)
  // half a pixel of them, by a time of a fifth of a day of thirty
  t.ok(miss(stdout.trim(), 0.45) < 0.005, `${miss(stdout.trim(), 0.45)} px`)
})

t.test('an arc of another season on the other side does not take part', async (t) => {
  const folder = t.testdir()
  const reduced = treeWith(folder, [
    { at: 0, lit: [0, 1], drift: 0.3 },
    { at: 60, lit: [0, 1], drift: 40 },
  ])
  const { stdout } = run(folder, '-s', exposure(reduced, 'star', { at: 0.3, drift: 0.3, lamp: false }))
  t.ok(miss(stdout.trim(), 0.3) < 1e-4, `${miss(stdout.trim(), 0.3)} px`)
})

t.test(
  'an arc of the tree a minute and a half after a given one serves beside it; the given one itself does not count twice',
  async (t) => {
    const folder = t.testdir()
    const reduced = treeWith(folder, [
      { at: 0, lit: [0, 1], drift: 0 },
      { at: 0.001, lit: [0, 1], drift: 0.2 },
    ])
    const path = exposure(reduced, 'star', { at: 0.2, drift: 0.45, lamp: true })
    const given = join(reduced, productPathInTree('TRIP', 'cpt', NOON))
    const { status, stdout, stderr } = run(folder, '-s', path, '--arc', given)
    t.equal(status, 0, stderr)
    t.equal(numberOf(readSpectra(stdout.trim()).header, 'WAVNARC'), 2)
  },
)
