// The real ThAr frame of MRES, where it is: orders found without a prior, the lines that its observers identified, and the solution.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFits, readPixels } from '@nightpipe/fits'
import { scoped } from '@nightpipe/kernels'
import { leastSquares, legendre } from '@nightpipe/math'
import {
  airToVacuum,
  fitLines,
  lineBench,
  parseLineList,
  solveArc,
  traceY,
  wavelengthEvaluator,
} from '@nightpipe/spectra'
import { readTraces } from '@nightpipe/spectrographs'
import { attempt, line, skipped } from './verdict.mjs'
import { productsIn } from './workshop.mjs'

const GROUP = 'Real frames: a ThAr lamp with MRES, 2019-12-16'
const [WIDTH, ORDERS, FIRST] = [1020, 50, 36]
/** Edlén's air of 1966 is what the observers' list of lines is in. */
const AIR = { air: true, formula: 'edlen66' }

export function mres(shop) {
  const fixtures = process.env.NIGHTPIPE_FIXTURES ?? join(shop.root, '../shared/fixtures')
  const folder = join(fixtures, 'echelle/mres')
  if (!existsSync(folder)) return [skipped(GROUP, 'the frame', 'it is not here')]
  return [...attempt(GROUP, 'orders', () => ordersOf(shop, folder)), ...attempt(GROUP, 'lines', () => linesOf(folder))]
}

const numbersIn = (path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => /^\s*\d/.test(text))
    .map((text) => text.trim().split(/\s+/).map(Number))

/** The fifty orders that were traced by hand, y = a x² + b x + c, and the traces found without a prior. */
function ordersOf(shop, folder) {
  const out = shop.path('mres-traces')
  shop.run('trace0', ['-s', join(folder, 'mres_thar_ref.fits'), '-r', out, '--quiet'])
  const traces = readTraces(join(out, productsIn(out)[0]))
  const hand = numbersIn(join(folder, 'mres_traces.txt')).slice(1)
  const off = hand.map(([, , , a, b, c]) => {
    const distance = (order) => {
      let sum = 0
      for (let x = 0; x < WIDTH; x += 10) sum += (traceY(traces, order, 0, x) - (a * x * x + b * x + c)) ** 2
      return Math.sqrt(sum / (WIDTH / 10))
    }
    return Math.min(...Array.from({ length: traces.orders }, (_, order) => distance(order)))
  })
  const [far, near] = [Math.max(...off), off.toSorted((a, b) => a - b)[off.length >> 1]]
  const more = `and ${traces.orders - ORDERS} bluer ones, which have lines too`
  return [
    line(GROUP, 'orders of the 50 found', off.filter((rms) => rms < 1).length, { limit: { least: 50 }, note: more }),
    line(GROUP, 'rms from traces by hand, typical order', near, { limit: { most: 0.3 }, unit: ' px' }),
    line(GROUP, 'the same, worst order', far, { unit: ' px', note: 'red, where bright lines bleed' }),
  ]
}

/** Widths of a window (of those of a line) in which a centre is measured: the usual one, and others that are as good. */
const WINDOWS = { usual: 2.2, others: [1.6, 2.6, 3.2, 4] }
const NEAR = 0.05

/** The centre of a line in a window, by a Gaussian on a level, every pixel counting alike; started at the nearest pixel. */
function centreOf(flux, x, width) {
  const [from, to] = [Math.max(0, Math.round(x) - 5), Math.min(WIDTH, Math.round(x) + 6)]
  const top = flux.subarray(from, to).reduce((most, value) => Math.max(most, value), 0)
  const sigma = new Float64Array(WIDTH).fill(1e-3)
  const scaled = flux.map((value) => value / top)
  return scoped(() => fitLines(lineBench(scaled, sigma), [Math.round(x)], width)[0].x)
}

function linesOf(folder) {
  const file = openFits(join(folder, 'mres_thar_last.fits'))
  const pixels = readPixels(file.hdus[0])
  file.close()
  const flux = Array.from({ length: ORDERS }, (_, k) => Float64Array.from(pixels.subarray(k * WIDTH, (k + 1) * WIDTH)))
  const known = numbersIn(join(folder, 'mres_thar_last.dat')).map(([order, x, air, height]) => ({
    ...{ index: order - FIRST, order, x, height, wavelength: airToVacuum(air, AIR.formula) },
  }))
  return [...centres(flux, known), ...solution(flux, known, readFileSync(join(folder, 'mres_thar.dat'), 'utf8'))]
}

function centres(flux, known) {
  const off = known.map(({ index, x }) => Math.abs(centreOf(flux[index], x, WINDOWS.usual) - x))
  const agree = off.filter((one) => one < NEAR)
  const rest = known.filter((_, k) => !(off[k] < NEAR))
  const inSome = rest.filter(({ index, x }) =>
    WINDOWS.others.some((width) => Math.abs(centreOf(flux[index], x, width) - x) < NEAR),
  )
  const bright = known.map(({ height }, k) => ({ height, off: off[k] })).filter(({ height }) => height >= 1)
  const rms = Math.sqrt(agree.reduce((sum, one) => sum + one * one, 0) / agree.length)
  const faint = rest.filter((one) => !inSome.includes(one))
  return [
    line(GROUP, `bright lines (${bright.length}) within 0.05 px`, bright.filter((one) => one.off < NEAR).length, {
      limit: { least: Math.round(0.99 * bright.length) },
    }),
    line(GROUP, `identified lines (${known.length}) within 0.05 px`, agree.length, {
      limit: { least: 1100 },
      target: { least: known.length },
      note: `rms of these ${rms.toFixed(3)} px`,
    }),
    line(GROUP, 'others, whose centre depends on the window: within 0.05 px in some', inSome.length),
    line(GROUP, 'others, elsewhere in any window', faint.length, {
      note: `${faint.filter(({ height }) => height < 1).length} of them faint (below 1; the brightest has 9593)`,
    }),
  ]
}

/** Solved from rough numbers with our lines, and judged by their wavelengths at their places; beside what a fit to theirs leaves. */
function solution(flux, known, list) {
  const orders = flux.map((own, index) => ({
    ...{ index, order: 0, fibre: 0, flux: own, mask: new Int32Array(WIDTH) },
    // counts in a unit of their own; the noise is that of the gaps between lines
    uncertainty: own.map((value) => Math.sqrt(Math.max(value, 0) * 1e-6 + 2.5e-11)),
  }))
  const rough = { firstOrder: 37, orderStep: 1, orderConstant: 359495, pixelVelocity: 7.2 }
  const setup = { list: parseLineList(list, AIR), rough, limits: { degreeX: 6, degreeOrder: 6, clip: 4 } }
  const [solved] = solveArc({ width: WIDTH, orders }, [0], setup)
  const wavelengthAt = wavelengthEvaluator(solved.solution.polynomial)
  const ours = known.map(({ index, x, wavelength }) => wavelengthAt(index, x) - wavelength)
  const theirs = leftByOwnFit(known, 6)
  const judged = (misses) => `${rmsOf(misses, known.length).toFixed(4)} of all`
  return [
    line(GROUP, 'solution at the identified lines, 1150 of them, rms', rmsOf(ours, 1150), {
      ...{ limit: { most: 0.0135 }, unit: ' Angstrom', note: judged(ours) },
    }),
    line(GROUP, 'a polynomial of the same degree through those lines themselves', rmsOf(theirs, 1150), {
      ...{ unit: ' Angstrom', note: judged(theirs) },
    }),
  ]
}

/** Root mean square of the least so many. */
function rmsOf(misses, count) {
  const least = misses
    .map(Math.abs)
    .sort((a, b) => a - b)
    .slice(0, count)
  return Math.sqrt(least.reduce((sum, one) => sum + one * one, 0) / count)
}

/** What a polynomial m λ (x, m) leaves of the lines that it is fitted to. */
function leftByOwnFit(known, degree) {
  const terms = degree + 1
  const [u, v] = [new Float64Array(terms), new Float64Array(terms)]
  const rows = known.flatMap(({ index, x }) => {
    legendre((2 * x) / WIDTH - 1, u)
    legendre((2 * index) / (ORDERS - 1) - 1, v)
    return [...u].flatMap((a, i) => [...v].flatMap((b, j) => (i + j <= degree ? [a * b] : [])))
  })
  const n = rows.length / known.length
  const { solution: best } = leastSquares(
    rows,
    known.map(({ order, wavelength }) => order * wavelength),
    n,
  )
  return known.map(({ order, wavelength }, k) => {
    const model = best.reduce((sum, value, t) => sum + value * rows[k * n + t], 0)
    return model / order - wavelength
  })
}
