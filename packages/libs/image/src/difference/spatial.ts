import { power } from '@nightpipe/math'

/** How something changes over an image: a polynomial in place, with both coordinates from -1 to 1 across it. */
export interface Field {
  width: number
  height: number
}

/** Powers of x and y of total degree up to `order`: (0, 0) first, then in order of their degree. */
export function spatialPowers(order: number): [number, number][] {
  const powers: [number, number][] = []
  for (let degree = 0; degree <= order; degree++) {
    for (let j = 0; j <= degree; j++) powers.push([degree - j, j])
  }
  return powers
}

/** The terms of the polynomial at a pixel. */
export function spatialTerms(powers: readonly [number, number][], x: number, y: number, field: Field): number[] {
  const u = scaled(x, field.width)
  const v = scaled(y, field.height)
  return powers.map(([i, j]) => power(u, i) * power(v, j))
}

/** -1 at the first pixel of `n`, 1 at the last. */
export const scaled = (x: number, n: number): number => (n > 1 ? (2 * x) / (n - 1) - 1 : 0)
