/** A pixel with what it has over its error, and what the point spread that was fitted has of that. */
export interface Signal {
  x: number
  y: number
  value: number
  expected: number
}

/** Each number that is fitted to a track must explain more than one of so many does by chance, 2 ln 80. */
const CHANCE = 9
/** A few per cent of what the point spread explains count as known. */
const KNOWN = 1.05
/**
 * A track explains 0.5 of what the point spread does of a faint star, and 0.3 more in one of a hundred: of sources fainter
 * than this, sigma, those are none that it explains so well. Most tracks that a reduction has not seen are fainter.
 */
const FAINT = 12
const UNLIKELY = 0.3
const LEAST = 0.88

/**
 * Whether the path of a particle explains the light better than the point spread, which explains so much of chi-square, or
 * nearly as well where the light of a faint star would not: a few bright pixels each for itself, or a straight line as
 * narrow as a pixel.
 */
export function isTrack(pixels: readonly Signal[], centre: Place, explained: number): boolean {
  const share = byTrack(pixels, centre) / explained
  if (explained >= FAINT * FAINT) return share > KNOWN
  const ofStar = byTrack(pixels.map(asExpected), centre) / explained
  return share > Math.min(KNOWN, Math.max(LEAST, ofStar + UNLIKELY))
}

interface Place {
  readonly x: number
  readonly y: number
}

const asExpected = ({ x, y, expected }: Signal): Signal => ({ x, y, value: expected, expected })

const byTrack = (pixels: readonly Signal[], centre: Place) => Math.max(bySinglePixels(pixels), byLine(pixels, centre))

/** Pixels that are looked at singly. */
const FEW = 6

function bySinglePixels(pixels: readonly Signal[]): number {
  const gains = pixels
    .filter(({ value }) => value > 0 && value ** 2 > CHANCE)
    .map(({ value }) => value ** 2 - CHANCE)
    .sort((a, b) => b - a)
  return gains.slice(0, FEW).reduce((sum, gain) => sum + gain, 0)
}

/** Lines are tried every so many degrees, off the centre by these, px, and as long as these parts of what is seen. */
const STEP = 15
const OFFSETS = [-1, -0.5, 0, 0.5, 1]
const PARTS = [0.5, 0.75, 1]

/** The best line, of the same brightness all along. */
function byLine(pixels: readonly Signal[], centre: Place): number {
  const reach = Math.max(...pixels.map(({ x, y }) => Math.hypot(x - centre.x, y - centre.y)))
  let most = 0
  for (let angle = 0; angle < 180; angle += STEP) {
    const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]
    const placed = pixels.map(({ x, y, value }) => {
      const [u, v] = [x - centre.x, y - centre.y]
      return { along: Math.abs(c * v - s * u), across: c * u + s * v, value }
    })
    for (const offset of OFFSETS) {
      for (const part of PARTS) most = Math.max(most, byStrip(placed, offset, part * reach))
    }
  }
  return most - CHANCE
}

function byStrip(pixels: readonly { along: number; across: number; value: number }[], offset: number, half: number) {
  let [signal, squares] = [0, 0]
  for (const { along, across, value } of pixels) {
    const weight = 1 - Math.abs(across - offset)
    if (weight <= 0 || along > half) continue
    signal += weight * value
    squares += weight * weight
  }
  return signal > 0 ? (signal * signal) / squares : 0
}
