import {
  countPartners,
  fitField,
  isSolved,
  type Plate,
  type SkyFailure,
  type SkyPoints,
  solveField,
  wcsOfPlate,
} from '@nightpipe/registration'
import { angularSeparation, type Wcs } from '@nightpipe/sky'
import { type Field, fieldOf } from './frame-stars.js'
import type { FrameJob } from './plan.js'
import { catalogueOf, skySource } from './reference.js'
import type { AstrometryConfig } from './schema.js'
import { solveByAstrometryNet } from './solve-field.js'

/** A frame that is solved: plain data, so that it travels between threads. */
export interface Solved {
  plate: Plate
  /** Partners: where the frame has them, where the sky has them, what is left (sky minus frame, pixels), 1 if in the fit. */
  x: Float64Array
  y: Float64Array
  ra: Float64Array
  dec: Float64Array
  error: Float64Array
  dx: Float64Array
  dy: Float64Array
  used: Uint8Array
  rms: number
  extra: number
  stars: number
  references: number
  matched: number
  logFalse: number
  hypotheses: number
  /** Degrees from where the frame was said to be. */
  offset: number
  width: number
  height: number
}

export interface Unsolved {
  reason: string
}

/** Distances beyond which a rough solution is looked for again by the final fit, pixels. */
const FIRST_REACH = 3
/** More references than this make a fit slower, not better. */
const MOST_REFERENCES = 20_000

/** The plate solution of a frame, or why there is none. */
export async function solveFrame(job: FrameJob, field: Field, config: AstrometryConfig): Promise<Solved | Unsolved> {
  if (field.x.length < 4) return { reason: `no solution: ${field.x.length} stars on the frame, 4 needed at least` }
  const size = { width: field.width, height: field.height }
  const source = config.catalogue.folder ? skySource(config, job.epoch) : undefined
  const start = await firstSolution(job, field, config)
  if ('reason' in start) return start
  const middle = start.wcs.toSky((size.width - 1) / 2, (size.height - 1) / 2)
  const corner = start.wcs.toSky(-0.5, -0.5)
  const reach = Math.min(90, angularSeparation(middle, corner) * 1.1)
  const sky = source ? source(middle[0], middle[1], reach, MOST_REFERENCES) : start.sky
  const first = { ...start, radius: Math.max(FIRST_REACH, start.radius) }
  const chosen = trusted(field, (k) => {
    const some = { x: Float64Array.from(k, (i) => field.x[i]!), y: Float64Array.from(k, (i) => field.y[i]!) }
    return countPartners(some, size, sky, first)
  })
  const pick = (values: Float64Array) => Float64Array.from(chosen, (k) => values[k]!)
  const stars = { x: pick(field.x), y: pick(field.y) }
  const error = pick(field.error)
  const order = config.fit.distortion === 'none' ? 1 : config.fit.order || undefined
  const fit = fitField(stars, size, sky, first, {
    ...{ kind: config.fit.distortion === 'tpv' ? 'TPV' : 'SIP', clip: config.fit.clip, order },
    error: error.some((value) => value > 0) ? error : undefined,
  })
  if (!agree(fit.wcs, start.wcs, size)) return { reason: LEFT }
  const of = (index: Int32Array, values: ArrayLike<number>) => Float64Array.from(index, (k) => values[k]!)
  return {
    plate: fit.plate,
    ...{ x: of(fit.star, stars.x), y: of(fit.star, stars.y), ra: of(fit.sky, sky.ra), dec: of(fit.sky, sky.dec) },
    ...{ error: of(fit.star, error), dx: fit.dx, dy: fit.dy, used: fit.used, rms: fit.rms, extra: fit.extra },
    ...{ stars: field.x.length, references: sky.ra.length, matched: fit.count, ...size },
    ...{ logFalse: start.logFalse, hypotheses: start.hypotheses },
    offset: angularSeparation(middle, [job.ra, job.dec]),
  }
}

const LEFT =
  'no solution: the fit of all stars left the match that was found (a deeper catalogue has more of the stars)'
/** Of the diagonal: how far the middle of a frame may move between the match and the fit of all stars. */
const SAME = 0.05

/** Whether two solutions show the same field: chance has been reckoned with for the match, not for what the fit makes of it. */
function agree(fit: Wcs, match: Wcs, { width, height }: { width: number; height: number }): boolean {
  const middle: [number, number] = [(width - 1) / 2, (height - 1) / 2]
  const at = match.toPixel(...fit.toSky(...middle))
  const [a, b] = [fit, match].map(({ linear: { matrix: m } }) => Math.sqrt(Math.abs(m[0] * m[3] - m[1] * m[2])))
  const away = at ? Math.hypot(at[0] - middle[0], at[1] - middle[1]) : Number.POSITIVE_INFINITY
  return away <= SAME * Math.hypot(width, height) && Math.abs(a! / b! - 1) <= SAME
}

/**
 * The stars that the plate is fitted to: lonely ones where enough of them are in the catalogue, for blends lie where no star
 * is. A catalogue of bright stars may know none but those that are saturated.
 */
function trusted({ clean }: Field, partners: (chosen: number[]) => number): number[] {
  const all = [...clean.keys()]
  for (const [least, enough] of [
    [2, 16],
    [1, 12],
  ] as const) {
    const chosen = all.filter((k) => clean[k]! >= least)
    if (chosen.length >= enough && partners(chosen) >= enough) return chosen
  }
  return all
}

export interface First {
  plate: Plate
  wcs: Wcs
  radius: number
  logFalse: number
  hypotheses: number
  sky: SkyPoints
}

async function firstSolution(job: FrameJob, field: Field, config: AstrometryConfig): Promise<First | Unsolved> {
  if (config.solver.method === 'astrometry.net') return solveByAstrometryNet(job, field, config)
  const result = solveField(field, field, skySource(config, job.epoch), {
    ...{ ra: job.ra, dec: job.dec, radius: job.radius, scale: job.scale },
    ...{ hand: config.pointing.hand, falseMatch: config.match['false match'] },
  })
  return isSolved(result) ? result : { reason: whyNot(result, job, field, config) }
}

/** One line from which a person can tell what to change. */
function whyNot({ hypotheses, best }: SkyFailure, job: FrameJob, field: Field, config: AstrometryConfig): string {
  const known = skySource(config, job.epoch)(job.ra, job.dec, Math.min(180, job.radius), 100_000).ra.length
  const [low, high] = job.scale.map((value) => Number(value.toPrecision(3)))
  const where = `within ${job.radius} deg of ${job.ra.toFixed(3)} ${job.dec >= 0 ? '+' : ''}${job.dec.toFixed(3)}, ${low} to ${high} arcsec/px`
  const tried = `${field.x.length} stars, ${known === 100_000 ? 'over 100000' : known} of ${catalogueOf(config).name}, ${where}`
  if (known < 5) return `no solution: ${tried} (the catalogue does not reach here, or not deep enough)`
  const nearly = best ? `; the best of ${hypotheses} matched ${best.matched} of ${best.offered}, as chance may` : ''
  return `no solution: ${tried}${nearly} (widen [pointing] radius or scale, or take a deeper catalogue)`
}

/** The plate as it is written, from plain data. */
export const wcsOf = (
  { plate, width, height }: Pick<Solved, 'plate' | 'width' | 'height'>,
  config: AstrometryConfig,
): Wcs => wcsOfPlate(plate, config.fit.distortion === 'tpv' ? 'TPV' : 'SIP', { width, height })

export { fieldOf }
