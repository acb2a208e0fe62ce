import { kernels } from '@nightpipe/kernels'
import { power } from '@nightpipe/math'

/**
 * An elliptical Moffat profile (Moffat 1969, A&A 3, 455): peak (1 + xx dx² + xy dx dy + yy dy²)^-beta, of unit flux over
 * the whole plane. Pixels.
 */
export interface PointSpread {
  xx: number
  xy: number
  yy: number
  beta: number
  peak: number
  /** the smaller and the larger core radius */
  core: number
  wide: number
}

/** From the full width at half maximum of a round profile of the same area, before pixels spread it. */
export function pointSpread(fwhm: number, beta: number, ellipticity: number, angle: number): PointSpread {
  const alpha = fwhm / (2 * Math.sqrt(power(2, 1 / beta) - 1))
  const [wide, core] = [alpha / Math.sqrt(1 - ellipticity), alpha * Math.sqrt(1 - ellipticity)]
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  return {
    xx: (c / wide) ** 2 + (s / core) ** 2,
    yy: (s / wide) ** 2 + (c / core) ** 2,
    xy: 2 * c * s * (1 / wide ** 2 - 1 / core ** 2),
    peak: (beta - 1) / (Math.PI * alpha ** 2),
    ...{ beta, core, wide },
  }
}

/** Two ellipticities with their directions added as the components of a spin-2 quantity. */
export function addEllipticity(e1: number, angle1: number, e2: number, angle2: number): [number, number] {
  const x = e1 * Math.cos(2 * angle1) + e2 * Math.cos(2 * angle2)
  const y = e1 * Math.sin(2 * angle1) + e2 * Math.sin(2 * angle2)
  return [Math.min(0.95, Math.hypot(x, y)), Math.atan2(y, x) / 2]
}

/** The part of the flux further than `radius` from the centre of a round profile. */
export const fluxBeyond = ({ beta, wide }: PointSpread, radius: number) => power(1 + (radius / wide) ** 2, 1 - beta)

/** The radius to which a star must be drawn: a part of 1e-4 of its flux, and any light above `least`, are inside. */
export function drawingRadius(spread: PointSpread, flux: number, least: number): number {
  const { beta, wide, peak } = spread
  const conserving = wide * Math.sqrt(power(1e-4, 1 / (1 - beta)) - 1)
  const visible = wide * Math.sqrt(Math.max(0, power((peak * flux) / least, 1 / beta) - 1))
  return Math.min(600, Math.ceil(Math.max(conserving, visible)) + 2)
}

/** An image in kernel memory. */
export interface Canvas {
  pixels: Float32Array
  width: number
  height: number
}

/** Adds a star of `flux` at (x, y), integrated over every pixel within `radius`; what lies outside the image is lost. */
export function addStar(
  { pixels, width, height }: Canvas,
  x: number,
  y: number,
  flux: number,
  radius: number,
  spread: PointSpread,
) {
  const x0 = Math.max(0, Math.floor(x - radius))
  const x1 = Math.min(width, Math.ceil(x + radius) + 1)
  const y0 = Math.max(0, Math.floor(y - radius))
  const y1 = Math.min(height, Math.ceil(y + radius) + 1)
  if (x0 >= x1 || y0 >= y1) return
  const { xx, xy, yy, beta, peak, core } = spread
  kernels().simulateMoffat(pixels.byteOffset, width, x0, x1, y0, y1, x, y, radius, xx, xy, yy, beta, peak * flux, core)
}

/** A star that moves evenly by (dx, dy) during the exposure, with its middle at (x, y): Gauss-Legendre along the way. */
export function addTrailedStar(
  canvas: Canvas,
  x: number,
  y: number,
  dx: number,
  dy: number,
  flux: number,
  radius: number,
  spread: PointSpread,
) {
  const length = Math.hypot(dx, dy)
  if (length < 0.02 * spread.core) {
    addStar(canvas, x, y, flux, radius, spread)
    return
  }
  const pieces = Math.ceil(length / spread.core)
  for (let k = 0; k < pieces; k++) {
    for (const node of [-0.5 / Math.sqrt(3), 0.5 / Math.sqrt(3)]) {
      const at = (k + 0.5 + node) / pieces - 0.5
      addStar(canvas, x + at * dx, y + at * dy, flux / (2 * pieces), radius, spread)
    }
  }
}
