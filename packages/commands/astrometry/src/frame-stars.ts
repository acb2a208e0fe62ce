import { existsSync } from 'node:fs'
import { type CatStars, readCat } from '@nightpipe/catalogues'
import { DataError } from '@nightpipe/command'
import { companion, frameHdu, openFits, readIntegers, readPixels } from '@nightpipe/fits'
import { allocate, scoped } from '@nightpipe/kernels'
import { findStars, StarFlag, type Stars } from '@nightpipe/stars'
import type { FrameJob } from './plan.js'
import type { AstrometryConfig } from './schema.js'

/** The stars of a frame as the solver wants them: brightest first, with their errors. */
export interface Field {
  x: Float64Array
  y: Float64Array
  /** One-sigma error along an axis, pixels. */
  error: Float64Array
  /** 2 for stars whose centroid can be trusted; 1 for those with close neighbours; 0 for saturated, cut off and masked ones. */
  clean: Uint8Array
  width: number
  height: number
}

/** Bits with which a star serves to recognise the field, but not to measure it. */
const DOUBTFUL = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay

/** Bits of stars that others shine into. */
const CROWDED = StarFlag.neighbours | StarFlag.deblended

/** Stars found on the frame, or read from its table. */
export function fieldOf(job: FrameJob, config: AstrometryConfig): Field {
  if (job.kind === 'stars') return sorted(stars(job.path), job, config)
  if (job.catalogue) {
    if (existsSync(job.catalogue)) return sorted(stars(job.catalogue), job, config)
    throw new DataError(`${job.catalogue} is not there`, 'run findstars, or leave [stars] catalogues empty')
  }
  return starsOfFrame(job, config)
}

/** The planes are read to where the kernels work on them; what is left of them is the table of stars. */
function starsOfFrame(job: FrameJob, config: AstrometryConfig): Field {
  const { threshold } = config.stars
  const file = openFits(job.path)
  try {
    const image = frameHdu(file)
    const [error, mask] = [companion(file, image, 'ERR'), companion(file, image, 'MASK')]
    const n = job.width * job.height
    return scoped(() => {
      const pixels = readPixels(image, { plane: 0, into: allocate(Float32Array, n) })
      const found = findStars(
        {
          ...{ name: job.stem, width: job.width, height: job.height, pixels },
          ...(error && { error: readPixels(error, { plane: 0, into: allocate(Float32Array, n) }) }),
          ...(mask && { mask: readIntegers(mask, { plane: 0, into: allocate(Int16Array, n) }) as Int16Array }),
        },
        {
          ...{ threshold, isophote: Math.min(2.5, threshold), gain: job.gain, saturation: job.saturation },
          apertures: [], // sums in circles are not needed here
          net: pixels,
        },
      )
      return sorted(found.stars, job, config)
    })
  } finally {
    file.close()
  }
}

function stars(path: string): CatStars {
  const found = readCat(path)
  if (found.x.some(Number.isFinite)) return found
  throw new DataError(`${path} has no positions of stars (columns X and Y)`)
}

function sorted(
  { count, x, y, xError, yError, flux, flags }: Stars,
  job: FrameJob,
  { stars: { most } }: AstrometryConfig,
): Field {
  const bright = (k: number) => (Number.isFinite(flux[k]) ? flux[k]! : Number.NEGATIVE_INFINITY)
  const order = Array.from({ length: count }, (_, k) => k)
    .filter((k) => Number.isFinite(x[k]! + y[k]!) && !(flags[k]! & StarFlag.cosmicRay))
    .sort((a, b) => bright(b) - bright(a) || a - b)
    .slice(0, most)
  const take = (values: ArrayLike<number>) => Float64Array.from(order, (k) => values[k]!)
  const field = { x: take(x), y: take(y), error: order.map((k) => Math.hypot(xError[k]!, yError[k]!) / Math.SQRT2) }
  return {
    ...field,
    error: Float64Array.from(field.error, (value) => (value > 0 ? value : 0)),
    clean: Uint8Array.from(order, (k) => (flags[k]! & DOUBTFUL ? 0 : flags[k]! & CROWDED ? 1 : 2)),
    // a table that does not tell the size of its frame: what its stars span
    width: job.width || Math.ceil(Math.max(1, ...field.x)) + 1,
    height: job.height || Math.ceil(Math.max(1, ...field.y)) + 1,
  }
}
