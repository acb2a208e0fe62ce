import { type Psf, type PsfHere, samplePsf } from './psf-model.js'

/** What was subtracted of a star: its flux, and its light (of a flux of 1) in the pixels from (x0, y0) on. */
export interface SubtractedLight {
  flux: number
  x0: number
  y0: number
  columns: number
  rows: number
  light: Float32Array
}

/** A star is subtracted as far as its light is this part of the noise of a pixel of the sky, all light of a bright one. */
const SEEN = 0.01

/** The light of a star of this flux in a frame of `width` x `height`, whose sky has the noise `skySigma`; `room` may serve. */
export function lightOf(
  psf: Psf,
  { width, height }: { width: number; height: number },
  skySigma: number,
  x: number,
  y: number,
  flux: number,
  room?: Float32Array,
): SubtractedLight | undefined {
  const here = psf.at(x, y)
  const reach = reachOf(psf, here, Math.abs(flux), skySigma)
  const [x0, x1] = [Math.max(0, Math.round(x) - reach), Math.min(width - 1, Math.round(x) + reach)]
  const [y0, y1] = [Math.max(0, Math.round(y) - reach), Math.min(height - 1, Math.round(y) + reach)]
  const [columns, rows] = [x1 - x0 + 1, y1 - y0 + 1]
  if (!(columns > 0 && rows > 0)) return undefined
  const light = room?.length === columns * rows ? room : new Float32Array(columns * rows)
  samplePsf(here, x, y, x0, y0, columns, rows, light)
  return { flux, x0, y0, columns, rows, light }
}

/** Half side of the square in which a star is subtracted: as far as its wings are seen, within reason. */
function reachOf(psf: Psf, here: PsfHere, flux: number, skySigma: number): number {
  const { qxx, qxy, qyy, beta, scale } = here
  const rise = (flux * scale) / (SEEN * skySigma)
  const least = Math.min(psf.half, Math.ceil(0.55 * psf.half))
  if (!(rise > 1)) return least
  // r² of the profile at which it has fallen that far, along the long axis
  const u = Math.exp(Math.log(rise) / beta) - 1
  const middle = (qxx + qyy) / 2
  const flattest = middle - Math.sqrt(((qxx - qyy) / 2) ** 2 + qxy * qxy)
  return Math.max(least, Math.min(4 * psf.half, Math.ceil(Math.sqrt(u / Math.max(flattest, 1e-9)))))
}

/** Adds `flux` times the light of a star to an image. */
export function addLight(
  image: Float32Array,
  width: number,
  { x0, y0, columns, rows, light }: SubtractedLight,
  flux: number,
): void {
  for (let row = 0, k = 0; row < rows; row++) {
    for (let column = 0, p = (y0 + row) * width + x0; column < columns; column++, k++, p++) image[p] += flux * light[k]
  }
}
