import type { Stamp } from './scene.js'

/** Only what is brighter than this part of the highest pixel tells the width. */
const FROM = 0.2

/**
 * Full width at half maximum of the light about (x, y): the logarithm of the pixels is fitted by a parabola in r², as
 * photon noise weighs them, and read off at half of its value in the centre. NaN when the light does not fall outwards.
 */
export function fullWidth(stamp: Stamp, x: number, y: number, reach: number): number {
  const { size, value, variance } = stamp
  const [cx, cy] = [x - stamp.x0, y - stamp.y0]
  const [x0, x1] = [Math.max(0, Math.ceil(cx - reach)), Math.min(size - 1, Math.floor(cx + reach))]
  const [y0, y1] = [Math.max(0, Math.ceil(cy - reach)), Math.min(size - 1, Math.floor(cy + reach))]
  let peak = 0
  for (let row = y0; row <= y1; row++) {
    for (let column = x0; column <= x1; column++) peak = Math.max(peak, value[row * size + column])
  }
  // normal equations of ln I = c0 + c1 r² + c2 r⁴
  const [s, t] = [new Float64Array(5), new Float64Array(3)]
  let count = 0
  for (let row = y0; row <= y1; row++) {
    for (let column = x0, k = row * size + x0; column <= x1; column++, k++) {
      const r2 = (column - cx) ** 2 + (row - cy) ** 2
      if (value[k] < FROM * peak || !(variance[k] > 0) || r2 > reach * reach) continue
      const weight = (value[k] * value[k]) / variance[k]
      const log = Math.log(value[k] / peak)
      count++
      for (let i = 0, power = weight; i < 5; i++, power *= r2) {
        s[i] += power
        if (i < 3) t[i] += power * log
      }
    }
  }
  return count < 3 ? Number.NaN : halfMaximum(s, t, count)
}

/** From the sums of r²ⁿ and of r²ⁿ ln I: twice the radius where the fit is ln 2 below its centre. */
function halfMaximum(s: Float64Array, t: Float64Array, count: number): number {
  const straight = s[0] * s[2] - s[1] * s[1]
  const slope = (s[0] * t[1] - s[1] * t[0]) / straight
  const line = slope < 0 ? 2 * Math.sqrt(-Math.LN2 / slope) : Number.NaN
  if (count < 8) return line
  // Gauss elimination of c0, then of c1
  const [a, b, c] = [s[2] - (s[1] * s[1]) / s[0], s[3] - (s[1] * s[2]) / s[0], s[4] - (s[2] * s[2]) / s[0]]
  const [u, v] = [t[1] - (s[1] * t[0]) / s[0], t[2] - (s[2] * t[0]) / s[0]]
  const c2 = (a * v - b * u) / (a * c - b * b)
  const c1 = (u - b * c2) / a
  // c1 q + c2 q² = -ln 2, q being r²: the smaller root, where the fit comes down
  const under = c1 * c1 - 4 * c2 * Math.LN2
  const q = under >= 0 && c1 < 0 ? (2 * Math.LN2) / (-c1 + Math.sqrt(under)) : Number.NaN
  return q > 0 ? 2 * Math.sqrt(q) : line
}
