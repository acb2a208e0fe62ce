import type { Stamp } from './scene.js'

export interface Centroid {
  x: number
  y: number
  xError: number
  yError: number
  /** False when it wandered off or found no light. */
  good: boolean
}

const ITERATIONS = 16
const CONVERGED = 2e-4
/** The window is cut at so many sigma. */
const REACH = 4

/**
 * The centroid under a round Gaussian window that follows it (XWIN of SExtractor): as precise as a fit of the profile.
 * `sigma` is that of the window, best 0.42 of the width at half maximum of the star.
 */
export function windowedCentroid(stamp: Stamp, x: number, y: number, sigma: number, scratch: Float64Array): Centroid {
  const { size } = stamp
  const [startX, startY] = [x - stamp.x0, y - stamp.y0]
  let [cx, cy] = [startX, startY]
  let converged = false
  for (let i = 0; i < ITERATIONS && !converged; i++) {
    const { light, alongX, alongY } = moments(stamp, cx, cy, sigma, scratch)
    if (!(light > 0)) break
    const [dx, dy] = [(2 * alongX) / light, (2 * alongY) / light]
    cx += dx
    cy += dy
    converged = dx * dx + dy * dy < CONVERGED * CONVERGED
    if (!(Math.hypot(cx - startX, cy - startY) < Math.max(2, 2 * sigma))) break
    if (cx < 0 || cy < 0 || cx > size - 1 || cy > size - 1) break
  }
  const good = converged
  if (!good) [cx, cy] = [startX, startY]
  const { light, noise, shape } = noiseMoments(stamp, cx, cy, sigma, scratch)
  // the balance follows a move of the star by 1 less the second moment of its light under the window over that of the
  // window, along each of the axes of that light
  const [xx, xy, yy] = shape.map((moment) => moment / light / sigma ** 2)
  const follows = Math.min(0.8, Math.max(0.4, 1 - (xx + yy) / 2))
  const longer = Math.min(follows - 0.2, Math.hypot((xx - yy) / 2, xy))
  const angle = Math.atan2(2 * xy, xx - yy) / 2
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const [nxx, nxy, nyy] = noise
  const along = (c * c * nxx + 2 * c * s * nxy + s * s * nyy) / (follows - longer) ** 2
  const across = (s * s * nxx - 2 * c * s * nxy + c * c * nyy) / (follows + longer) ** 2
  const both = (c * s * (nyy - nxx) + (c * c - s * s) * nxy) / (follows ** 2 - longer ** 2)
  return {
    ...{ x: cx + stamp.x0, y: cy + stamp.y0, good },
    xError: light > 0 ? Math.sqrt(c * c * along - 2 * c * s * both + s * s * across) / light : Number.NaN,
    yError: light > 0 ? Math.sqrt(s * s * along + 2 * c * s * both + c * c * across) / light : Number.NaN,
  }
}

/** The window along one axis: the Gaussian of two axes is a product. Gives the first and last pixel within reach. */
function windowLine(centre: number, sigma: number, size: number, line: Float64Array, offset: number): [number, number] {
  const first = Math.max(0, Math.ceil(centre - REACH * sigma))
  const last = Math.min(size - 1, Math.floor(centre + REACH * sigma))
  const scale = -0.5 / (sigma * sigma)
  for (let i = first; i <= last; i++) line[offset + i] = Math.exp(scale * (i - centre) * (i - centre))
  return [first, last]
}

function moments(stamp: Stamp, cx: number, cy: number, sigma: number, line: Float64Array) {
  const { size, value } = stamp
  const [x0, x1] = windowLine(cx, sigma, size, line, 0)
  const [y0, y1] = windowLine(cy, sigma, size, line, size)
  let [light, alongX, alongY] = [0, 0, 0]
  for (let row = y0; row <= y1; row++) {
    let [sum, first] = [0, 0]
    for (let column = x0, k = row * size + x0; column <= x1; column++, k++) {
      const weighted = line[column] * value[k]
      sum += weighted
      first += weighted * (column - cx)
    }
    const weight = line[size + row]
    light += weight * sum
    alongX += weight * first
    alongY += weight * sum * (row - cy)
  }
  return { light, alongX, alongY }
}

/** Propagates the variance of the pixels to the centroid. */
function noiseMoments(stamp: Stamp, cx: number, cy: number, sigma: number, line: Float64Array) {
  const { size, value, variance } = stamp
  const [x0, x1] = windowLine(cx, sigma, size, line, 0)
  const [y0, y1] = windowLine(cy, sigma, size, line, size)
  let light = 0
  const [noise, shape] = [
    [0, 0, 0],
    [0, 0, 0],
  ]
  for (let row = y0; row <= y1; row++) {
    for (let column = x0, k = row * size + x0; column <= x1; column++, k++) {
      const weight = line[column] * line[size + row]
      const [dx, dy] = [column - cx, row - cy]
      light += weight * value[k]
      ;[dx * dx, dx * dy, dy * dy].forEach((product, i) => {
        noise[i] += weight * weight * variance[k] * product
        shape[i] += weight * value[k] * product
      })
    }
  }
  return { light, noise, shape }
}
