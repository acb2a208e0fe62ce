/** Below this radius the circle bends too much within a pixel for five points. */
const SMALL = 1.2
/** Points and weights of Gauss-Legendre integration over -1/2 … 1/2. */
const POINTS = [-0.453089922969332, -0.2692346550528415, 0, 0.2692346550528415, 0.453089922969332]
const WEIGHTS = [0.1184634425280945, 0.2393143352496833, 0.2844444444444444, 0.2393143352496833, 0.1184634425280945]

/**
 * The part of the pixel about (dx, dy) that lies within a circle of this radius about (0, 0). Exact for small circles;
 * for others the arc within the pixel is integrated by five points.
 */
export function pixelInCircle(dx: number, dy: number, radius: number): number {
  const [u, v] = [Math.abs(dx), Math.abs(dy)]
  const far2 = (u + 0.5) * (u + 0.5) + (v + 0.5) * (v + 0.5)
  const r2 = radius * radius
  if (far2 <= r2) return 1
  if (radius < SMALL) return circleOverlap(u - 0.5, v - 0.5, u + 0.5, v + 0.5, radius)
  // along the axis on which the arc is flat
  const x = u < v ? u : v
  const y = u < v ? v : u
  const low = y - 0.5
  if (low >= radius) return 0
  const inner = y + 0.5 < radius ? Math.sqrt(r2 - (y + 0.5) * (y + 0.5)) : 0
  const outer = low > 0 ? Math.sqrt(r2 - low * low) : radius
  if (x >= 0.5) return underArc(x - 0.5, x + 0.5, inner, outer, low, r2)
  return underArc(0, x + 0.5, inner, outer, low, r2) + underArc(0, 0.5 - x, inner, outer, low, r2)
}

/** Area over x0 … x1 between `low` and the circle, at most 1 high: full up to `inner`, nothing from `outer` on. */
function underArc(x0: number, x1: number, inner: number, outer: number, low: number, r2: number): number {
  const full = Math.min(x1, Math.max(x0, inner)) - x0
  const a = x0 + full
  const b = Math.min(x1, outer)
  if (b <= a) return full
  const middle = (a + b) / 2
  let mean = 0
  for (let k = 0; k < 5; k++) mean += WEIGHTS[k] * Math.sqrt(Math.max(0, r2 - (middle + (b - a) * POINTS[k]) ** 2))
  return full + (b - a) * (mean - low)
}

/** The area that a circle of this radius about (0, 0) shares with the rectangle from (x0, y0) to (x1, y1). */
export function circleOverlap(x0: number, y0: number, x1: number, y1: number, radius: number): number {
  return quadrant(x1, y1, radius) - quadrant(x0, y1, radius) - quadrant(x1, y0, radius) + quadrant(x0, y0, radius)
}

/** Area of the disc between the axes and the lines x and y, with the signs of x and y. */
function quadrant(x: number, y: number, radius: number): number {
  const sign = x < 0 === y < 0 ? 1 : -1
  const u = Math.min(Math.abs(x), radius)
  const v = Math.min(Math.abs(y), radius)
  const r2 = radius * radius
  if (u * u + v * v <= r2) return sign * u * v
  // up to `a` the line y bounds the area, from there to u the circle does
  const a = Math.sqrt(r2 - v * v)
  return sign * (v * a + segment(u, radius) - segment(a, radius))
}

/** The integral of sqrt(r² - t²) from 0 to t. */
function segment(t: number, radius: number): number {
  const s = Math.min(1, t / radius)
  return (t * Math.sqrt(Math.max(0, radius * radius - t * t)) + radius * radius * Math.asin(s)) / 2
}
