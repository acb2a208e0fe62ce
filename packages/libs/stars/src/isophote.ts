/** A source by its pixels above the isophote. Positions in pixels from 0, moments as SExtractor defines them. */
export interface Isophote {
  pixels: Int32Array
  x: number
  y: number
  /** Semi-axes, one sigma, and the position angle of the longer one, radians. */
  a: number
  b: number
  theta: number
  /** Ellipse: xx dx² + yy dy² + xy dx dy = r², r in semi-axes. */
  xx: number
  yy: number
  xy: number
  /** Sum of the net pixels, and of the filtered ones. */
  flux: number
  filteredFlux: number
  /** Highest net pixel and highest filtered pixel, and where that is. */
  peak: number
  filteredPeak: number
  peakAt: number
  x0: number
  x1: number
  y0: number
  y1: number
  flags: number
}

/**
 * First and second moments of the filtered image within the isophote (Bertin & Arnouts 1996). One pixel wide sources get
 * the variance of a pixel, 1/12.
 */
export function measureIsophote(
  pixels: Int32Array,
  net: Float32Array,
  filtered: Float32Array,
  width: number,
): Isophote {
  const x0 = pixels[0] % width
  const y0 = Math.floor(pixels[0] / width)
  let [sum, sx, sy, sxx, syy, sxy, flux] = [0, 0, 0, 0, 0, 0, 0]
  let [peak, filteredPeak] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let peakAt = pixels[0]
  let [left, right, top, bottom] = [0, 0, 0, 0]
  for (let k = 0; k < pixels.length; k++) {
    const p = pixels[k]
    const row = Math.floor(p / width)
    const y = row - y0
    const x = p - row * width - x0
    const value = filtered[p]
    const raw = net[p]
    sum += value
    sx += value * x
    sy += value * y
    sxx += value * x * x
    syy += value * y * y
    sxy += value * x * y
    if (!Number.isNaN(raw)) flux += raw // NaN: masked
    if (raw > peak) peak = raw
    if (value > filteredPeak) {
      filteredPeak = value
      peakAt = p
    }
    if (x < left) left = x
    if (x > right) right = x
    if (y < top) top = y
    if (y > bottom) bottom = y
  }
  const [x, y] = [sx / sum, sy / sum]
  return {
    ...{ pixels, x: x + x0, y: y + y0, flux, filteredFlux: sum, peak, filteredPeak, peakAt, flags: 0 },
    ...{ x0: x0 + left, x1: x0 + right, y0: y0 + top, y1: y0 + bottom },
    ...ellipseOf(sxx / sum - x * x, syy / sum - y * y, sxy / sum - x * y),
  }
}

export function ellipseOf(varianceX: number, varianceY: number, mixed: number) {
  let [vx, vy] = [varianceX, varianceY]
  if (!(vx * vy - mixed * mixed >= 0.00694)) {
    vx += 1 / 12
    vy += 1 / 12
  }
  const determinant = Math.max(vx * vy - mixed * mixed, 1e-6)
  const mean = (vx + vy) / 2
  const half = Math.hypot((vx - vy) / 2, mixed)
  return {
    a: Math.sqrt(mean + half),
    b: Math.sqrt(Math.max(mean - half, 0)),
    theta: mixed === 0 && vx >= vy ? 0 : Math.atan2(2 * mixed, vx - vy) / 2,
    ...{ xx: vy / determinant, yy: vx / determinant, xy: (-2 * mixed) / determinant },
  }
}
