import { basename } from 'node:path'
import { DataError, stemOf } from '@nightpipe/files'
import { cardValue, type Header, imageHdu, readFrame, withFits } from '@nightpipe/fits'
import { type Figure, pictureFigure, zscale } from '@nightpipe/plot'
import type { Candidate, Results } from '@nightpipe/products'
import { readWcs } from '@nightpipe/sky'

/** Side of the chart, arcmin on the sky or the whole frame where that is smaller. */
const SIDE = 900

/**
 * Of the frames, by their headers, the one that the finding chart is cut from: that which shows a candidate first, else
 * any with a WCS that has one on it.
 */
export function chartFrame(frames: readonly string[], { candidates, observations }: Results): string | undefined {
  const first = observations.find(({ detected, imageId }) => detected && imageId !== undefined)?.imageId
  const shows = (frame: string) => first !== undefined && stemOf(basename(frame)) === stemOf(first)
  return [...frames.filter(shows), ...frames.filter((one) => !shows(one))].find((path) =>
    withFits(path, (file) => {
      const { header, axes } = imageHdu(file)
      return placesOn(header, axes as [number, number], candidates)?.centre !== undefined
    }),
  )
}

interface Place {
  label: string
  x: number
  y: number
}

/** Where candidates lie, in pixels, and the first of them that is on the frame; undefined without a WCS. */
function placesOn(header: Header, [width, height]: readonly [number, number], candidates: readonly Candidate[]) {
  const wcs = readWcs((keyword) => cardValue(header, keyword))
  if (!wcs) return undefined
  const places = candidates.flatMap(({ name, ra, dec }): Place[] => {
    const at = wcs.toPixel(ra, dec)
    return at ? [{ label: name, x: at[0], y: at[1] }] : []
  })
  const centre = places.find(({ x, y }) => x >= 0 && y >= 0 && x < width && y < height)
  return { places, centre, scaleArcsec: wcs.scaleArcsec }
}

/** Where the candidates are: a cut-out of the frame about the first of them that it shows, and a mark at each. */
export function findingChart(path: string, candidates: readonly Candidate[], arcmin: number, title: string): Figure {
  const frame = readFrame(path)
  const { places, centre, scaleArcsec } = placesOn(frame.header, [frame.width, frame.height], candidates) ?? {}
  if (!places || !centre || !scaleArcsec) throw new DataError(`${basename(path)} shows no candidate any more`)
  const half = Math.max(20, Math.round((arcmin * 30) / scaleArcsec))
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
