import { power } from '@nightpipe/math'
import type { SipDistortion } from '@nightpipe/sky'
import { randomOf } from '../random.js'
import type { Settings } from './schema.js'

/** How wrong the header is about a frame: factor of the pixel scale, and degrees of rotation. */
export function headerErrors({ random, telescope }: Settings, name: string): { scale: number; rotation: number } {
  const lots = randomOf(random.seed, 'header errors', name)
  const scale = 1 + telescope['scale error'] * lots.between(-1, 1)
  return { scale, rotation: telescope['rotation error'] * lots.between(-1, 1) }
}

/**
 * What the optics do to places, as SIP in binned pixels: a cubic radial term that moves stars in the corners by
 * [telescope] distortion, and a fifth of it as a tilt towards a direction of its own.
 */
export function distortionOf(settings: Settings, binning: number): SipDistortion | undefined {
  const { detector, telescope } = settings
  const corner = telescope.distortion / binning
  if (corner === 0) return undefined
  const reach = Math.hypot(detector.width, detector.height) / 2 / binning
  const angle = randomOf(0, 'optics', telescope.telescope, telescope.instrument).between(0, 2 * Math.PI)
  const cubic = corner / power(reach, 3)
  const [tiltU, tiltV] = [0.2 * corner * Math.cos(angle), 0.2 * corner * Math.sin(angle)].map((t) => t / reach ** 2)
  const a = [[0, 0, 0, 0], [0, tiltV!, cubic], [tiltU!, 0], [cubic]]
  const b = [[0, 0, tiltV!, cubic], [0, tiltU!, 0], [0, cubic], [0]]
  return { kind: 'SIP', a, b }
}
