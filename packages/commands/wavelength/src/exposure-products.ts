import { basename } from 'node:path'
import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { copyHeader, type Header, setCard } from '@nightpipe/fits'
import {
  averagePolynomial,
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
import { waveArcsHdus, zeroErrorOf } from '@nightpipe/spectrographs'
import { arcPartsOf } from './arc-parts.js'
import type { ArcShare } from './choose-arcs.js'
import type { WavelengthJob } from './plan.js'
import { RESOLUTION, readWithSides, setNumbers, setWavelengths, withWavelengths } from './products.js'
import type { WavelengthSchema } from './schema.js'
import type { UsedArc } from './used-arc.js'

/** The spectra of an exposure with the wavelengths of its arcs, moved by the drift that its own lamp fibre shows. */
export function exposureProducts(job: Job<WavelengthJob>, { config, context, log }: Tools<WavelengthSchema>): Row[] {
  const { arcs, lamp } = job.params
  const { spectra, sides } = readWithSides(job.inputs[0]!)
  const lines = config.drift.apply && lamp.length > 0 ? lampLines(spectra, lamp, arcs) : []
  const drifts = arcs.map((arc) => driftSince(arc, lines, spectra.width, config.drift))
  const shares = knownShares(job.params, drifts)
  const by = new Map(shares)
  const blends = new Map(shares.map(([fibre, some]) => [fibre, blendOf(partsOf(some, fibre, arcs, drifts))]))
  const without = new Set<number>()
  for (const order of spectra.orders) {
    const blend = blends.get(order.fibre)
    if (!blend) without.add(order.fibre)
    const at = blend && blended(blend, order.index, spectra.width)
    setWavelengths(order, at, blend && diffractionOrder(blend[0]!.polynomial, order.index))
  }
  for (const fibre of without) log.warn(`${job.name}: no arc has fibre ${fibre}: it gets no wavelengths`)
  const age = Math.min(...arcs.map(({ mjd }) => Math.abs(mjd - job.params.mjd)))
  const star = shares.find(([fibre]) => !lamp.includes(fibre) && spectra.orders.some((one) => one.fibre === fibre))
  const taken = star ?? shares[0]!
  const drift = driftOf(drifts, taken[1])
  const taking = arcs.filter((_, k) => shares.some(([, some]) => some.some(({ arc }) => arc === k)))
  const about = {
    taking,
    drift,
    zero: zeroErrorOf(arcPartsOf(arcs, taken)),
    resolution: resolutionOf(arcs, taken),
    age,
  }
  const header = exposureHeader(spectra.header, job.params, about)
  const product = job.products[0]!
  const parts = shares.flatMap((one) => (without.has(one[0]) ? [] : arcPartsOf(arcs, one)))
  const beside = [...sides, ...waveArcsHdus(parts)]
  writeProduct(product, withWavelengths(spectra, header, beside, config, 'electron'), context, job.parents)
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

/** The average of arcs is better than the nearest of them only as far as the drift since each is known. */
function knownShares({ averaged, shares }: WavelengthJob, drifts: readonly (Drift | undefined)[]) {
  return averaged.map(([fibre, some], k): WavelengthJob['shares'][number] => {
    if (some.length < 2) return [fibre, some]
    const known = some.filter(({ arc }) => drifts[arc])
    const sum = known.reduce((total, { share }) => total + share, 0)
    if (known.length === some.length) return [fibre, some]
    return sum > 0 ? [fibre, known.map(({ arc, share }) => ({ arc, share: share / sum }))] : shares[k]!
  })
}

interface Part {
  polynomial: WavelengthPolynomial
  drift?: Drift | undefined
  share: number
}

const partsOf = (
  shares: readonly ArcShare[],
  fibre: number,
  arcs: readonly UsedArc[],
  drifts: readonly (Drift | undefined)[],
) => shares.map(({ arc, share }): Part => ({ polynomial: polynomialOf(arcs[arc]!, fibre), drift: drifts[arc], share }))

/** A polynomial, and the drifts that move it by their shares. */
interface Blend {
  polynomial: WavelengthPolynomial
  wavelengthAt: (index: number, x: number) => number
  share: number
  drifts: readonly Pick<Part, 'drift' | 'share'>[]
}

/** Several arcs are averaged before they are evaluated, if they lie together so closely (px): it changes less than 1 cm/s. */
const CLOSE = 0.5

function blendOf(parts: readonly Part[]): Blend[] {
  const shifts = parts.map(({ drift }) => drift?.shift ?? 0)
  const close = Math.max(...shifts) - Math.min(...shifts) < CLOSE
  const mean = parts.length > 1 && close ? averagePolynomial(parts) : undefined
  if (mean) return [{ polynomial: mean, wavelengthAt: wavelengthEvaluator(mean), share: 1, drifts: parts }]
  return parts.map(({ polynomial, drift, share }) => {
    return { polynomial, wavelengthAt: wavelengthEvaluator(polynomial), share, drifts: [{ drift, share: 1 }] }
  })
}

/** The wavelengths of an order: what lies at x now lay at x minus the drift when the arc was taken. */
function blended(blend: readonly Blend[], index: number, width: number): Float64Array {
  const out = new Float64Array(width)
  for (const { wavelengthAt, share, drifts } of blend) {
    const moved = (x: number) =>
      drifts.reduce((sum, one) => sum + (one.drift ? one.share * driftAt(one.drift, index, x) : 0), 0)
    // along an order the drift is linear
    const [first, last] = [moved(0), moved(width - 1)]
    for (let x = 0; x < width; x++) {
      out[x]! += share * wavelengthAt(index, x - (first + ((last - first) * x) / (width - 1)))
    }
  }
  return out
}

/** The drift since the arcs of the star: since all of them together. */
const driftOf = (drifts: readonly (Drift | undefined)[], shares: readonly ArcShare[]) =>
  meanDrift(
    shares.flatMap(({ arc, share }) => {
      const drift = drifts[arc]
      return drift ? [{ drift, share }] : []
    }),
  )

/** The width of the lines of a fibre in its arcs. */
function resolutionOf(arcs: readonly UsedArc[], [fibre, shares]: WavelengthJob['shares'][number]): number {
  const of = ({ resolutions }: UsedArc) => resolutions.find(([one]) => one === fibre)?.[1] ?? Number.NaN
  return shares.reduce((sum, { arc, share }) => sum + share * of(arcs[arc]!), 0)
}

function exposureHeader(
  from: Header,
  params: WavelengthJob,
  about: { taking: readonly UsedArc[]; drift?: Drift; zero: number; resolution: number; age: number },
): Header {
  const { taking, drift, zero, resolution, age } = about
  const header = copyHeader(from)
  setCard(header, 'THARLIST', basename(params.list), 'list of lines')
  taking.forEach((arc, k) => {
    if (k < 9) setCard(header, k === 0 ? 'L1IDTRIP' : `L1IDTRI${k + 1}`, basename(arc.name), 'arc of the wavelengths')
  })
  setNumbers(header, [
    ['ARCAGE', age, '[d] from the nearest arc'],
    ['WAVNARC', taking.length, 'arcs that the wavelengths are of'],
    ['WAVERR', zero, '[m/s] their zero point: what the light leaves'],
    ['RESOLUT', resolution, RESOLUTION],
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
