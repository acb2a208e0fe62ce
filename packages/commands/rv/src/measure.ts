import { LIGHT_SPEED, medianOf } from '@nightpipe/math'
import {
  airSeen,
  type BlockVelocities,
  blockVelocities,
  type Correlation,
  crossCorrelate,
  fitVelocity,
  type LineMask,
  type MaskCorrelation,
  maskCorrelation,
  maskTellurics,
  type OrderSpectrum,
  peakOf,
  type SecondLines,
  secondLines,
  TELLURIC_BANDS,
  type Velocity,
  type VelocityTemplate,
  type Window,
} from '@nightpipe/spectra'

/** What a star is measured with, and how. Velocities in m/s. */
export interface MeasureOptions {
  template?: VelocityTemplate | undefined
  mask: LineMask
  method: 'auto' | 'template' | 'mask'
  degree: number
  clip: number
  search: number
  guess?: number | undefined
  /** where the air absorbs; undefined: the standard bands, if the spectrum may show oxygen */
  tellurics: readonly Window[] | undefined
  first?: number | undefined
  last?: number | undefined
  blocks: number
  /** half of the velocities of the line profile */
  range: number
}

/** The velocity of a star as it was seen, before the barycentric correction. */
export interface Measured {
  by: 'template' | 'mask' | 'none'
  /** redshift; NaN where there is none */
  z: number
  /** one sigma, and what the photons allow, m/s */
  error: number
  limit: number
  /** with a template */
  correlation?: Correlation
  /** lines of the template at another velocity: a double star */
  second?: SecondLines | undefined
  velocity?: Velocity
  blocks?: BlockVelocities
  /** the mean line */
  line?: MaskCorrelation
  notes: string[]
}

/** A spectrum that does not tell a velocity; it may serve for all else. */
export class NoVelocity extends RangeError {}

/** What is left of a star without a velocity. */
export const unmeasured = (reason: string): Measured => ({
  ...{ by: 'none', z: Number.NaN, error: Number.NaN, limit: Number.NaN, notes: [`no velocity: ${reason}`] },
})

/** Peaks of a correlation below this stand out by chance: of noise and of other stars the highest reach 4.2 with a template, 5.2 with a mask. */
const SIGNIFICANT = { template: 5, mask: 6 } as const
/** Each half of the lines of a mask must show the star at the same place by so much: a few deep lines of the star can do without. */
const HALF_SIGNIFICANT = 3
/** With so many lines in a mask twice as much is asked: of few lines some are deep by chance at many velocities. */
const FEW_LINES = 10

/** Measures the orders of one fibre. RangeError where nothing can be measured. */
export function measureStar(all: readonly OrderSpectrum[], options: MeasureOptions): Measured {
  const { first = 0, last = Number.POSITIVE_INFINITY, template, method } = options
  const within = all.filter(({ index }) => index >= first && index <= last)
  if (!within.some(({ wavelength }) => wavelength?.some((w) => w > 0))) {
    throw new RangeError('the spectra have no wavelengths')
  }
  const orders = maskTellurics(within, options.tellurics ?? (airSeen(within) ? TELLURIC_BANDS : []))
  const notes: string[] = []
  const against = template && method !== 'mask' ? againstTemplate(orders, template, options, notes) : undefined
  if (!against && method === 'template') throw new RangeError('there is no template for the star')
  const guess = against?.velocity.velocity ?? options.guess ?? findByMask(orders, options)
  const line = guess === undefined ? undefined : meanLine(orders, guess, options)
  if (against) {
    const { velocity, correlation, second, blocks } = against
    return {
      by: 'template',
      z: velocity.z,
      error: velocity.error,
      limit: velocity.limit,
      correlation,
      second,
      velocity,
      blocks,
      line,
      notes,
    }
  }
  if (!line?.fit) throw new NoVelocity('the lines of the mask are not in the spectrum')
  const { centre, centreError } = line.fit
  const error = Math.max(centreError, scatterOfGroups(orders, centre, options))
  return { by: 'mask', z: centre / LIGHT_SPEED, error, limit: centreError, line, notes }
}

function againstTemplate(
  orders: readonly OrderSpectrum[],
  template: VelocityTemplate,
  { search, guess, degree, clip, blocks }: MeasureOptions,
  notes: string[],
) {
  // With a guess the search is about it; the grid must hold it.
  const range = guess === undefined ? search : Math.abs(guess) + 50e3
  const correlation = crossCorrelate(orders, template, { range })
  if (correlation.significance < SIGNIFICANT.template) {
    const faint = `the correlation with the template stands out by ${correlation.significance.toFixed(1)} sigma only`
    if (guess === undefined) throw new NoVelocity(faint)
    notes.push(faint)
  }
  const from = guess === undefined ? correlation.z : guess / LIGHT_SPEED
  const velocity = fitVelocity(orders, template, from, { degree, clip })
  const off = Math.abs(velocity.velocity - LIGHT_SPEED * from)
  if (!velocity.converged) throw new NoVelocity('the fit did not converge')
  if (guess === undefined && off > correlation.width) {
    const [there, here] = [velocity.velocity, correlation.peak].map((one) => (one / 1000).toFixed(1))
    throw new NoVelocity(`the fit went to ${there} km/s, but the correlation is highest at ${here}`)
  }
  if (velocity.response < 1) {
    notes.push(
      'the lines of the star are wider than those of the template: RVERR is larger by that, and the velocity of its kind only',
    )
  }
  const second = secondLines(orders, template, correlation)
  if (second) {
    const [there, part] = [(second.velocity / 1000).toFixed(0), (100 * second.part).toFixed(0)]
    notes.push(
      `a second set of lines at ${there} km/s as seen, ${part} % as high: a double star, or other light; the velocity is drawn by more than RVERR`,
    )
  }
  const width = orders[0]!.flux.length
  return { correlation, second, velocity, blocks: blockVelocities(velocity, width, blocks) }
}

/** The velocity at which the lines of the mask are darkest; undefined where no line stands out. */
function findByMask(orders: readonly OrderSpectrum[], { mask, search }: MeasureOptions): number | undefined {
  const about = { centre: 0, range: search, step: 1000, search: true }
  const { velocity, value, lines } = maskCorrelation(orders, mask, about)
  if (lines === 0) return undefined
  let at = 0
  for (let k = 1; k < value.length; k++) if (value[k]! < value[at]!) at = k
  const level = medianOf(value)
  const depths = value.map((one) => level - one)
  const { significance } = peakOf(velocity, depths)
  const asked = SIGNIFICANT.mask * (1 + FEW_LINES / lines)
  if (!(significance > asked)) {
    const told = `the mean line of the mask stands out by ${significance.toFixed(1)} sigma only`
    throw new NoVelocity(`${told}, where ${lines} lines must by ${asked.toFixed(1)}`)
  }
  const halves = [0, 1].map((k) => standsOut(maskCorrelation(orders, everySecond(mask, k), about), at))
  const lesser = Math.min(...halves)
  if (!(lesser > HALF_SIGNIFICANT)) {
    throw new NoVelocity(
      `in one half of the lines of the mask the mean line stands out by ${lesser.toFixed(1)} sigma only`,
    )
  }
  return velocity[at]!
}

const everySecond = ({ wavelength, weight }: LineMask, from: number): LineMask => ({
  wavelength: wavelength.filter((_, k) => k % 2 === from),
  weight: weight.filter((_, k) => k % 2 === from),
})

/** Velocities further than this from a place do not belong to the line there, m/s. */
const ELSEWHERE = 60e3

/** By how much a mean line is darker at a place than elsewhere, in units of the scatter there. */
function standsOut({ velocity, value }: MaskCorrelation, at: number): number {
  const rest = value.filter((_, k) => Math.abs(velocity[k]! - velocity[at]!) > ELSEWHERE)
  const mean = rest.reduce((sum, one) => sum + one, 0) / rest.length
  const scatter = Math.sqrt(rest.reduce((sum, one) => sum + (one - mean) ** 2, 0) / rest.length)
  return (mean - value[at]!) / scatter
}

/** The mean line about a velocity, twice: the second time about its own centre. */
function meanLine(
  orders: readonly OrderSpectrum[],
  guess: number,
  { mask, range }: MeasureOptions,
): MaskCorrelation | undefined {
  const first = maskCorrelation(orders, mask, { centre: guess, range, step: 500 })
  if (!first.fit) return first.lines > 0 ? first : undefined
  const wide = Math.max(range, 1.5 * first.fit.fwhm)
  return maskCorrelation(orders, mask, { centre: first.fit.centre, range: wide, step: 250 })
}

/** The error of the mean that eight groups of orders show. */
function scatterOfGroups(orders: readonly OrderSpectrum[], centre: number, { mask, range }: MeasureOptions): number {
  const groups = Array.from({ length: 8 }, (_, k) => orders.filter((_, n) => n % 8 === k))
  const found = groups.flatMap((part) => {
    const fit = maskCorrelation(part, mask, { centre, range, step: 500 }).fit
    return fit && fit.centreError > 0 ? [[fit.centre, 1 / fit.centreError ** 2] as const] : []
  })
  if (found.length < 4) return 0
  const weight = found.reduce((sum, [, w]) => sum + w, 0)
  const mean = found.reduce((sum, [v, w]) => sum + v * w, 0) / weight
  const spread = found.reduce((sum, [v, w]) => sum + w * (v - mean) ** 2, 0) / weight
  return Math.sqrt(spread / (found.length - 1))
}
