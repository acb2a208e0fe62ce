import { companion, imageHdu, openFits, readIntegers, readPixels } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'

type Place = readonly [number, number]

/** Where a frame could have shown a star. */
export interface SeenPlaces {
  /** Whether all pixels within `edge` of a place are on the frame, and were exposed. */
  clear(place: Place, edge: number): boolean
  /** Whether most pixels within `edge` of a place can be used: no cosmic ray and no bad column hides what is there. */
  open(place: Place, edge: number): boolean
}

const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData
/** More of them than this hide a star. */
const MOST_HIDDEN = 0.2

/** Of a frame of this size; its mask is read when a place well inside it is first asked for. */
export function seenPlaces({ source, width, height }: { source: string; width: number; height: number }): SeenPlaces {
  let bits: ((p: number) => number) | undefined
  const share = ([x, y]: Place, edge: number, wanted: number) => {
    bits ??= bitsOf(source)
    let [all, hit] = [0, 0]
    for (let v = Math.ceil(y - edge); v <= y + edge; v++) {
      const reach = Math.sqrt(edge * edge - (v - y) ** 2)
      for (let u = Math.ceil(x - reach); u <= x + reach; u++) {
        all++
        if (u < 0 || v < 0 || u >= width || v >= height || (bits(v * width + u) & wanted) !== 0) hit++
      }
    }
    return all > 0 ? hit / all : 0
  }
  return {
    clear: (place, edge) => {
      const [x, y] = place
      const inside = x > edge && y > edge && x < width - 1 - edge && y < height - 1 - edge
      return inside && share(place, edge, MaskBit.noData) === 0
    },
    open: (place, edge) => share(place, edge, UNUSABLE) <= MOST_HIDDEN,
  }
}

/** Bits of the mask of a frame; one without a mask shows what was not exposed by pixels without a value. */
function bitsOf(source: string): (p: number) => number {
  const file = openFits(source)
  try {
    const image = imageHdu(file)
    const mask = companion(file, image, 'MASK')
    if (mask) {
      const bits = readIntegers(mask, { plane: 0, into: new Int16Array(mask.axes[0]! * mask.axes[1]!) })
      return (p) => bits[p]!
    }
    const pixels = readPixels(image, { plane: 0 })
    return (p) => (Number.isNaN(pixels[p]!) ? MaskBit.noData : 0)
  } finally {
    file.close()
  }
}
