import type { Hdu, Onlooker } from '@nightpipe/fits'
import { SEEN, typicalError } from './dark.js'
import { hotOnly } from './hot-pixels.js'
import type { ReductionJob } from './plan.js'
import { type AlignedReader, alignedReader } from './planes.js'
import type { ReductionConfig } from './schema.js'

/** The pattern of a bias must have this much of the variance of its noise to be worth that noise. */
const WORTH = 1

/**
 * A master bias of few frames without its noise: the smooth level, its columns, and the pixels that stand out. Undefined
 * where the master is taken pixel by pixel: by wish, because its noise is not seen beside that of a frame, or because it has
 * a pattern, and that is more than its noise.
 */
export function quietBias(
  { image, error, see }: { image: Hdu; error?: Hdu; see?: Onlooker },
  { frame, bias }: ReductionJob,
  { calibration }: ReductionConfig,
  width: number,
): { pixels: AlignedReader; error?: AlignedReader } | undefined {
  const said = calibration['bias pixels']
  if (said === 'all' || !error) return undefined
  const { gain = 1, readNoise } = frame.facts
  const unlit = bias?.readNoisesAdu?.[0] ?? (readNoise === undefined ? undefined : readNoise / gain)
  const noise = typicalError(bias!.path, error)
  if (said === 'auto' && !(unlit !== undefined && noise > SEEN * unlit)) return undefined
  const read = alignedReader(image, frame, width, see)
  const quiet = hotOnly({ path: bias!.path, read, withColumns: true }, error, frame, width)
  const pattern = quiet.variance - noise * noise
  if (said === 'auto' && pattern > WORTH * noise * noise) return undefined
  return quiet
}
