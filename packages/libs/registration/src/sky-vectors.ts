const RADIANS = Math.PI / 180

/** Unit vectors of directions in degrees, three numbers for each. */
export function unitVectors(ra: ArrayLike<number>, dec: ArrayLike<number>): Float64Array {
  const out = new Float64Array(3 * ra.length)
  for (let k = 0; k < ra.length; k++) {
    const cosine = Math.cos(dec[k] * RADIANS)
    out[3 * k] = cosine * Math.cos(ra[k] * RADIANS)
    out[3 * k + 1] = cosine * Math.sin(ra[k] * RADIANS)
    out[3 * k + 2] = Math.sin(dec[k] * RADIANS)
  }
  return out
}

/** Right ascension and declination in degrees of a vector of any length. */
export function directionOf(x: number, y: number, z: number): [ra: number, dec: number] {
  const ra = Math.atan2(y, x) / RADIANS
  return [ra < 0 ? ra + 360 : ra, Math.atan2(z, Math.hypot(x, y)) / RADIANS]
}

/** East, north and outward at a direction, nine numbers: the axes of the plane that touches the sky there. */
export function tangentAxes(raDeg: number, decDeg: number): Float64Array {
  const [sa, ca] = [Math.sin(raDeg * RADIANS), Math.cos(raDeg * RADIANS)]
  const [sd, cd] = [Math.sin(decDeg * RADIANS), Math.cos(decDeg * RADIANS)]
  return Float64Array.of(-sa, ca, 0, -sd * ca, -sd * sa, cd, cd * ca, cd * sa, sd)
}

/**
 * Where vectors (three numbers each) lie on the plane with these axes, in units of its distance (radians near the middle):
 * x to the east, y to the north; NaN for what is behind the plane.
 */
export function onPlane(axes: Float64Array, vectors: Float64Array): { x: Float64Array; y: Float64Array } {
  const n = vectors.length / 3
  const [x, y] = [new Float64Array(n).fill(Number.NaN), new Float64Array(n).fill(Number.NaN)]
  for (let k = 0; k < n; k++) {
    const [u, v, w] = [vectors[3 * k], vectors[3 * k + 1], vectors[3 * k + 2]]
    const depth = axes[6] * u + axes[7] * v + axes[8] * w
    if (!(depth > 0)) continue
    x[k] = (axes[0] * u + axes[1] * v + axes[2] * w) / depth
    y[k] = (axes[3] * u + axes[4] * v + axes[5] * w) / depth
  }
  return { x, y }
}

/**
 * What a camera sees: pixels from the middle of the frame, times `scale` (radians per pixel), as unit vectors in its own
 * axes (x, y, forward). A mirrored camera has its x turned round, so that both kinds see the sky with one hand.
 */
export function cameraVectors(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  centre: readonly [number, number],
  scale: number,
  hand: 1 | -1,
): Float64Array {
  const out = new Float64Array(3 * x.length)
  for (let k = 0; k < x.length; k++) {
    const [p, q] = [hand * scale * (x[k] - centre[0]), scale * (y[k] - centre[1])]
    const length = Math.sqrt(p * p + q * q + 1)
    out[3 * k] = p / length
    out[3 * k + 1] = q / length
    out[3 * k + 2] = 1 / length
  }
  return out
}
