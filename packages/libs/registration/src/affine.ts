/** x' = a x + b y + c, y' = d x + e y + f: [a, b, c, d, e, f]. Pixels count from 0. */
export type Affine = readonly [number, number, number, number, number, number]

export const IDENTITY: Affine = [1, 0, 0, 0, 1, 0]

/** Where a point of the one frame lies in the other. */
export function transform([a, b, c, d, e, f]: Affine, x: number, y: number): [x: number, y: number] {
  return [a * x + b * y + c, d * x + e * y + f]
}

/** The way back. */
export function invert([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d
  if (!(Math.abs(determinant) > 1e-12)) throw new RangeError('a transformation that flattens the frame has no inverse')
  const [p, q, r, s] = [e / determinant, -b / determinant, -d / determinant, a / determinant]
  return [p, q, -(p * c + q * f), r, s, -(r * c + s * f)]
}

/** First `inner`, then `outer`. */
export function compose(outer: Affine, inner: Affine): Affine {
  const [a, b, c, d, e, f] = outer
  const [p, q, r, s, t, u] = inner
  return [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f]
}

/** An affine transformation as people say it. */
export interface AffineParts {
  /** Geometric mean of the two axes' scales. */
  scale: number
  /** Degrees, from +x to +y. */
  rotation: number
  /** Mirrored: the parity changes. */
  mirrored: boolean
  /** What keeps it from being a similarity: the largest stretch over the smallest, minus 1. */
  shear: number
}

export function partsOf([a, b, , d, e]: Affine): AffineParts {
  const determinant = a * e - b * d
  const mirrored = determinant < 0
  // of a mirrored one the rotation that follows the reversal of x
  const rotation = (Math.atan2(mirrored ? -d : d, mirrored ? -a : a) * 180) / Math.PI
  const half = (a * a + b * b + d * d + e * e) / 2
  const difference = Math.sqrt(Math.max(0, half * half - determinant * determinant))
  const shear = Math.sqrt((half + difference) / Math.max(half - difference, 1e-300)) - 1
  return { scale: Math.sqrt(Math.abs(determinant)), rotation, mirrored, shear }
}
