/**
 * The image of a sharp line as the pixels of an order see it: what a pixel collects of a line of unit light, by how far it lies from the
 * line. A Gaussian times Hermite polynomials (van der Marel & Franx 1993, ApJ 407, 525), whose coefficients change over the detector as
 * `shapes` says. Wings die out as the Gaussian does: faint lines that nobody knows lie there, and would draw the centre of gravity.
 */
export interface LineImage {
  /** of the Gaussian, px */
  sigma: number
  /** [shape][term] */
  coefficients: Float64Array
  /** 1: the same everywhere; 2: it changes along the orders; 3: and from order to order */
  shapes: number
  width: number
  lowIndex: number
  highIndex: number
  /** one sigma of the centre of gravity, px */
  centreError: number
}

/** Terms: Hermite polynomials of degree 0 to 9. */
export const IMAGE_TERMS = 10
/** Places on the detector from −1 to 1: along the orders, and over them. */
export const placeOf = ({ width, lowIndex, highIndex }: LineImage, index: number, x: number): [number, number] => [
  (2 * x) / (width - 1) - 1,
  highIndex > lowIndex ? (2 * (index - lowIndex)) / (highIndex - lowIndex) - 1 : 0,
]

/**
 * The image at a place of the detector, of unit light: coefficients of powers of t = x / σ, that the Gaussian multiplies. Returns its centre
 * of gravity, px from the line.
 */
export function imageAt(image: LineImage, index: number, x: number, out: Float64Array): number {
  const { shapes, coefficients, sigma } = image
  const [u, v] = placeOf(image, index, x)
  const at = (n: number) =>
    coefficients[n]! +
    (shapes > 1 ? u * coefficients[IMAGE_TERMS + n]! : 0) +
    (shapes > 2 ? v * coefficients[2 * IMAGE_TERMS + n]! : 0)
  const light = at(0)
  const norm = 1 / (light * sigma * Math.sqrt(2 * Math.PI))
  out.fill(0)
  for (let n = 0; n < IMAGE_TERMS; n++) {
    const value = at(n) * norm
    for (let k = 0; k <= n; k++) out[k]! += value * POWERS[n]![k]!
  }
  return (at(1) / light) * sigma
}

/** Hermite polynomials as powers: He_n = Σ POWERS[n][k] t^k. */
const POWERS: readonly number[][] = hermitePowers(IMAGE_TERMS)

function hermitePowers(count: number): number[][] {
  const out = [[1], [0, 1]]
  for (let n = 1; n + 1 < count; n++) {
    out.push(Array.from({ length: n + 2 }, (_, k) => (out[n]![k - 1] ?? 0) - n * (out[n - 1]![k] ?? 0)))
  }
  return out
}

/** Light of a pixel `from` px beyond a line, and how it changes with that distance. */
export function imageValue(sigma: number, powers: Float64Array, from: number, out: Float64Array): void {
  const t = from / sigma
  if (Math.abs(t) > 7) {
    out[0] = 0
    out[1] = 0
    return
  }
  let [value, slope] = [0, 0]
  for (let k = IMAGE_TERMS - 1; k >= 0; k--) {
    slope = slope * t + value
    value = value * t + powers[k]!
  }
  const gauss = Math.exp(-0.5 * t * t)
  out[0] = value * gauss
  out[1] = ((slope - t * value) * gauss) / sigma
}
