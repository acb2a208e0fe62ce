import { type Hdu, readPixels64 } from '@nightpipe/fits'
import { close, type Difference, show, type Tolerances } from './difference.js'

/** Values held at once: strips of this many keep the memory small whatever the size of the image. */
const STRIP = 1 << 20

/** Pixel by pixel over all planes, in physical values; NaN equals NaN. One line for the whole image. */
export function comparePixels(hdu: string, a: Hdu, b: Hdu, tolerances: Tolerances): Difference[] {
  const [width = 0, height = 1, ...more] = a.axes
  const planes = more.reduce((product, n) => product * n, 1)
  const rows = Math.max(1, Math.floor(STRIP / Math.max(1, width)))
  const found = { count: 0, largest: 0, at: '', a: Number.NaN, b: Number.NaN }
  for (let plane = 0; plane < planes; plane++) {
    for (let firstRow = 0; firstRow < height; firstRow += rows) {
      const range = { plane, firstRow, rows: Math.min(rows, height - firstRow) }
      const [left, right] = [readPixels64(a, range), readPixels64(b, range)]
      for (let p = 0; p < left.length; p++) {
        if (close(left[p], right[p], tolerances)) continue
        found.count++
        const distance = Math.abs(left[p] - right[p])
        if (found.count > 1 && !(distance > found.largest)) continue
        found.largest = Number.isNaN(distance) ? found.largest : distance
        found.at = place(p, width, firstRow, more.length > 0 ? plane : undefined)
        found.a = left[p]
        found.b = right[p]
      }
    }
  }
  if (found.count === 0) return []
  const note = `${found.count} of ${width * height * planes} pixels differ, by ${show(found.largest)} at most`
  return [{ hdu, kind: 'pixels', where: found.at, a: show(found.a), b: show(found.b), note }]
}

/** Where a pixel is, counted from 1 as FITS and viewers do. */
function place(p: number, width: number, firstRow: number, plane?: number): string {
  const spot = [(p % width) + 1, Math.floor(p / width) + firstRow + 1, ...(plane === undefined ? [] : [plane + 1])]
  return `(${spot.join(',')})`
}
