import { power } from '@nightpipe/math'
import type { Random } from '../random.js'
import type { Settings } from './schema.js'

/** The charge that one particle left, pixel by pixel (unbinned, by index). */
export interface Hit {
  kind: 'muon' | 'worm' | 'point'
  pixels: Map<number, number>
}

/** What particles meet. */
export interface Silicon {
  detector: Pick<Settings['detector'], 'width' | 'height' | 'readout' | 'pixel size'>
  'cosmic rays': Settings['cosmic rays']
}

/** A minimum-ionising particle leaves about 80 electrons in a micrometre of silicon. */
const ELECTRONS_PER_UM = 80
/** Charge spreads on its way to the gates: standard deviation in pixels. */
const DIFFUSION = 0.3
const STEP = 0.2

/**
 * The particles of one frame. Muons go straight through, steeply or flat, their loss per length fluctuating upwards as
 * Landau's distribution does; Compton electrons stop in crooked tracks ('worms'); X rays and alphas leave points. See
 * Groom 2002, Exp. Astron. 14, 45.
 */
export function cosmicsOf(random: Random, settings: Silicon, seconds: number): Hit[] {
  const { detector, 'cosmic rays': rays } = settings
  const { width, height, readout } = detector
  const pixel = detector['pixel size']
  const area = width * height * (pixel * 1e-4) ** 2
  // Pixels wait half of the readout for their turn.
  const count = random.poisson((rays.rate * area * (seconds + readout / 2)) / 60)
  return Array.from({ length: count }, (): Hit => {
    const [x, y] = [random.between(-0.5, width - 0.5), random.between(-0.5, height - 0.5)]
    const lot = random.uniform()
    const pixels = new Map<number, number>()
    const put = (px: number, py: number, electrons: number) => {
      const [i, j] = [Math.round(px + DIFFUSION * random.normal()), Math.round(py + DIFFUSION * random.normal())]
      if (i < 0 || j < 0 || i >= width || j >= height) return
      pixels.set(j * width + i, (pixels.get(j * width + i) ?? 0) + electrons)
    }
    const kind = lot < rays.muons ? 'muon' : lot < rays.muons + rays.worms ? 'worm' : 'point'
    if (kind === 'muon') muon(random, x, y, rays.thickness, pixel, put)
    else if (kind === 'worm') worm(random, x, y, pixel, put)
    else point(random, x, y, put)
    for (const [p, electrons] of pixels) {
      if (Math.round(electrons) > 0) pixels.set(p, Math.round(electrons))
      else pixels.delete(p)
    }
    return { kind, pixels }
  })
}

type Put = (x: number, y: number, electrons: number) => void

/** Straight: intensity goes as the square of the cosine of the zenith angle, and the silicon may stand upright. */
function muon(random: Random, x: number, y: number, thickness: number, pixel: number, put: Put): void {
  const slope = Math.min(40, Math.tan(Math.acos(Math.max(0.025, power(random.uniform(), 1 / 3)))))
  const angle = random.between(0, 2 * Math.PI)
  const length = (thickness * slope) / pixel
  const steps = Math.max(1, Math.ceil(length / STEP))
  const way = (thickness * Math.hypot(1, slope)) / steps
  for (let k = 0; k < steps * 4; k++) {
    const at = ((k + 0.5) / (4 * steps)) * length
    // Rare close collisions knock electrons free: the tail of Landau's distribution.
    const loss = ELECTRONS_PER_UM * (0.85 + 0.15 * random.exponential()) * (random.uniform() < 0.004 ? 6 : 1)
    put(x + at * Math.cos(angle), y + at * Math.sin(angle), (loss * way) / 4)
  }
}

/** An electron that is scattered more and more as it slows down, and leaves most of its energy at the end. */
function worm(random: Random, x: number, y: number, pixel: number, put: Put): void {
  const total = 4000 + 25000 * random.exponential()
  let left = Math.min(120000, total)
  let angle = random.between(0, 2 * Math.PI)
  for (let [px, py] = [x, y]; left > 0; ) {
    const loss = Math.min(left, (STEP * pixel * ELECTRONS_PER_UM * (1 + 8000 / (left + 1500))) / 1.5)
    for (let k = 0; k < 4; k++) put(px, py, loss / 4)
    left -= loss
    angle += random.normal() * (0.18 + 1500 / (left + 2500))
    px += STEP * Math.cos(angle)
    py += STEP * Math.sin(angle)
  }
}

function point(random: Random, x: number, y: number, put: Put): void {
  const total = 300 + 2500 * random.exponential()
  for (let k = 0; k < 40; k++) put(x, y, total / 40)
}
