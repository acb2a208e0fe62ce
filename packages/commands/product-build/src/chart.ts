import { cardValue, readFrame } from '@nightpipe/fits'
import { type Figure, pictureFigure, zscale } from '@nightpipe/plot'
import type { Candidate } from '@nightpipe/products'
import { readWcs } from '@nightpipe/sky'

/** Side of the chart, arcmin on the sky or the whole frame where that is smaller. */
const SIDE = 900

/** Where the candidates are: a cut-out of the frame about the first of them that it shows, and a mark at each. */
export function findingChart(
  path: string,
  candidates: readonly Candidate[],
  arcmin: number,
  title: string,
): Figure | undefined {
  const frame = readFrame(path)
  const wcs = readWcs((keyword) => cardValue(frame.header, keyword))
  if (!wcs) return undefined
  const places = candidates.flatMap(({ name, ra, dec }) => {
    const at = wcs.toPixel(ra, dec)
    return at ? [{ label: name, x: at[0], y: at[1] }] : []
  })
  const centre = places.find(({ x, y }) => x >= 0 && y >= 0 && x < frame.width && y < frame.height)
  if (!centre) return undefined
  const half = Math.max(20, Math.round((arcmin * 30) / wcs.scaleArcsec))
  const x0 = Math.max(0, Math.round(centre.x) - half)
  const y0 = Math.max(0, Math.round(centre.y) - half)
  const width = Math.min(frame.width, Math.round(centre.x) + half) - x0
  const height = Math.min(frame.height, Math.round(centre.y) + half) - y0
  const pixels = new Float32Array(width * height)
  for (let y = 0; y < height; y++)
    pixels.set(frame.pixels.subarray((y0 + y) * frame.width + x0, (y0 + y) * frame.width + x0 + width), y * width)
  const marks = places
    .map(({ label, x, y }) => ({ label, x: x - x0, y: y - y0 }))
    .filter(({ x, y }) => x >= 0 && y >= 0 && x < width && y < height)
  const cuts = zscale(pixels)
  return pictureFigure({ title, pixels, width, height, cuts, stretch: 'linear', unit: '', side: SIDE, marks })
}
