/** The area that a circle of this radius about (0, 0) shares with the rectangle from (x0, y0) to (x1, y1). */
export function circleOverlap(x0: number, y0: number, x1: number, y1: number, radius: number): number {
  // The area is a sum over quadrants: each corner (x, y) stands for the part of the disc left of and below it.
  return quadrant(x1, y1, radius) - quadrant(x0, y1, radius) - quadrant(x1, y0, radius) + quadrant(x0, y0, radius)
}

/** Area of the disc within 0 … x and 0 … y, with the signs of x and y. */
function quadrant(x: number, y: number, radius: number): number {
  const sign = x < 0 === y < 0 ? 1 : -1
  const u = Math.min(Math.abs(x), radius)
  const v = Math.min(Math.abs(y), radius)
  const r2 = radius * radius
  if (u * u + v * v <= r2) return sign * u * v
  // up to `a` the side y bounds the area, from there to u the circle does
  const a = Math.sqrt(r2 - v * v)
  return sign * (v * a + segment(u, radius) - segment(a, radius))
}

/** The integral of sqrt(r² - t²) from 0 to t. */
function segment(t: number, radius: number): number {
  const s = Math.min(1, t / radius)
  return (t * Math.sqrt(Math.max(0, radius * radius - t * t)) + radius * radius * Math.asin(s)) / 2
}
