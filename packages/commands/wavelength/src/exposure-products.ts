import { basename } from 'node:path'
import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { copyHeader, type Header, setCard } from '@nightpipe/fits'
import {
  type Drift,
  diffractionOrder,
  driftAt,
  findLines,
  meanDrift,
  measureDrift,
  type Spectra,
  type WavelengthPolynomial,
  wavelengthEvaluator,
} from '@nightpipe/spectra'
import type { ArcShare } from './choose-arcs.js'
import type { UsedArc, WavelengthJob } from './plan.js'
import { readWithSides, setNumbers, setWavelengths, withWavelengths } from './products.js'
import type { WavelengthSchema } from './schema.js'

/** The spectra of an exposure with the wavelengths of its arcs, moved by the drift that its own lamp fibre shows. */
export function exposureProducts(job: Job<WavelengthJob>, { config, context, log }: Tools<WavelengthSchema>): Row[] {
  const { arcs, lamp } = job.params
  const { spectra, sides } = readWithSides(job.inputs[0]!)
  const lines = config.drift.apply && lamp.length > 0 ? lampLines(spectra, lamp, arcs) : []
  const drifts = arcs.map((arc) => driftSince(arc, lines, spectra.width, config.drift))
  // the average of a night is better than its nearest arc only as far as the drift since each is known
  const isKnown = job.params.averaged.every(([, some]) => some.length < 2 || some.every(({ arc }) => drifts[arc]))
  const shares = isKnown ? job.params.averaged : job.params.shares
  const by = new Map(shares)
  const without = new Set<number>()
  for (const order of spectra.orders) {
    const of = by.get(order.fibre)
    if (!of) without.add(order.fibre)
    const parts = of?.map(({ arc, share }) => {
      const polynomial = polynomialOf(arcs[arc]!, order.fibre)
      return { polynomial, wavelengthAt: wavelengthEvaluator(polynomial), drift: drifts[arc], share }
    })
    const at = parts && Float64Array.from({ length: spectra.width }, (_, x) => blended(parts, order.index, x))
    setWavelengths(order, at, parts && diffractionOrder(parts[0]!.polynomial, order.index))
  }
  for (const fibre of without) log.warn(`${job.name}: no arc has fibre ${fibre}: it gets no wavelengths`)
  const age = Math.min(...arcs.map(({ mjd }) => Math.abs(mjd - job.params.mjd)))
  const star = shares.find(([fibre]) => !lamp.includes(fibre) && spectra.orders.some((one) => one.fibre === fibre))
  const taken = star ?? shares[0]!
  const drift = driftOf(drifts, taken[1])
  const taking = arcs.filter((_, k) => shares.some(([, some]) => some.some(({ arc }) => arc === k)))
  const header = exposureHeader(spectra.header, job.params, { taking, drift, zero: zeroErrorOf(arcs, taken), age })
  const product = job.products[0]!
  writeProduct(product, withWavelengths(spectra, header, sides, config, 'electron'), context, job.parents)
  const measurements = {
    ...{ fibres: [...by.keys()].filter((fibre) => spectra.orders.some((order) => order.fibre === fibre)).join('+') },
    ...{ drift_m_s: drift?.velocity, drift_error_m_s: drift?.velocityError, drift_lines: drift?.lines },
    arc_age_days: Number.isFinite(age) ? age : undefined,
  }
  return [{ input: job.inputs[0]!, status: 'done', product, measurements }]
}

function lampLines(spectra: Spectra, lamp: readonly number[], arcs: readonly UsedArc[]) {
  const orders = spectra.orders.filter(({ fibre }) => lamp.includes(fibre))
  return findLines(orders, { fwhm: arcs[0]?.fwhm }).lines
}

/** The drift since an arc; undefined where the lamp fibre does not show it. */
function driftSince(
  arc: UsedArc,
  lines: ReturnType<typeof lampLines>,
  width: number,
  { linear, reach }: { linear: boolean; reach: number },
): Drift | undefined {
  if (lines.length === 0) return undefined
  const lampPolynomial = polynomialOf(arc, lines[0]!.fibre)
  if (!lampPolynomial) return undefined
  const wavelengthAt = wavelengthEvaluator(lampPolynomial)
  const dispersion = (index: number, x: number) =>
    (wavelengthAt(index, x + 0.5) - wavelengthAt(index, x - 0.5)) / wavelengthAt(index, x)
  const wavelength = (index: number, x: number) => wavelengthAt(index, x) / 10
  return measureDrift(arc.lines, lines, { width, linear, reach: reach * arc.fwhm, dispersion, wavelength })
}

const polynomialOf = ({ polynomials }: UsedArc, fibre: number) =>
  polynomials.find(([one]) => one === fibre)?.[1] as WavelengthPolynomial

/** What lies at x now lay at x minus the drift when the arc was taken. */
function blended(
  parts: readonly { wavelengthAt: (index: number, x: number) => number; drift?: Drift; share: number }[],
  index: number,
  x: number,
): number {
  let sum = 0
  for (const { wavelengthAt, drift, share } of parts) {
    sum += share * wavelengthAt(index, drift ? x - driftAt(drift, index, x) : x)
  }
  return sum
}

/** The drift since the arcs of the star: since all of them together. */
const driftOf = (drifts: readonly (Drift | undefined)[], shares: readonly ArcShare[]) =>
  meanDrift(
    shares.flatMap(({ arc, share }) => {
      const drift = drifts[arc]
      return drift ? [{ drift, share }] : []
    }),
  )

/** Of the wavelengths of a fibre: what the light of its arcs leaves unknown, m/s. */
function zeroErrorOf(arcs: readonly UsedArc[], [fibre, shares]: WavelengthJob['shares'][number]): number {
  const of = (k: number) => arcs[k]!.zeroErrors.find(([one]) => one === fibre)?.[1] ?? Number.NaN
  return Math.hypot(...shares.map(({ arc, share }) => share * of(arc)))
}

function exposureHeader(
  from: Header,
  params: WavelengthJob,
  { taking, drift, zero, age }: { taking: readonly UsedArc[]; drift?: Drift; zero: number; age: number },
): Header {
  const header = copyHeader(from)
  setCard(header, 'THARLIST', basename(params.list), 'list of lines')
  taking.forEach((arc, k) => {
    if (k < 9) setCard(header, k === 0 ? 'L1IDTRIP' : `L1IDTRI${k + 1}`, basename(arc.name), 'arc of the wavelengths')
  })
  setNumbers(header, [
    ['ARCAGE', age, '[d] from the nearest arc'],
    ['WAVNARC', taking.length, 'arcs that the wavelengths are of'],
    ['WAVERR', zero, '[m/s] their zero point: what the light leaves'],
  ])
  if (drift) {
    setNumbers(header, [
      ['DRIFT', drift.velocity, '[m/s] since the arc, taken off the wavelengths'],
      ['DRIFTERR', drift.velocityError, '[m/s] one sigma of DRIFT'],
      ['DRIFTX', drift.shift, '[pixel] in the middle of the detector'],
      ['DRIFTU', drift.alongX, '[pixel] more at the ends of orders'],
      ['DRIFTV', drift.acrossOrders, '[pixel] more in the last order'],
      ['DRIFTN', drift.lines, 'lines that it was measured by'],
      ['NMATCH', drift.matched, 'lamp lines matched with those of the arc'],
      ['AMOERR', drift.matchedNm ?? Number.NaN, '[nm] rms of them all, the drift taken off'],
      ['RMSGOOD', drift.usedNm ?? Number.NaN, '[nm] rms of those that DRIFT was measured by'],
    ])
  }
  return header
}
