import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import { readWcs } from '@nightpipe/sky'

/** The plate solution of a file, if it has one that is no mere guess. */
function wcsOf(path: string) {
  const file = openFits(path)
  try {
    const lookup = cardLookup(imageHdu(file))
    return lookup('WCSSEED') === true ? undefined : readWcs(lookup)
  } finally {
    file.close()
  }
}

export const hasWcs = (path: string): boolean => wcsOf(path) !== undefined

/** From a pixel of the one file to the pixel of the other that shows the same place of the sky. */
export function wcsMap(reference: string, frame: string): (x: number, y: number) => [number, number] {
  const [from, to] = [wcsOf(reference), wcsOf(frame)]
  if (!from || !to) throw new RangeError('a plate solution is missing')
  return (x, y) => to.toPixel(...from.toSky(x, y)) ?? [Number.NaN, Number.NaN]
}
