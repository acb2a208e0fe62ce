import { directionOf, tangentAxes } from './sky-vectors.js'

export interface Cap {
  ra: number
  dec: number
  /** Degrees. */
  radius: number
}

/** Circles no larger than `most` degrees that together cover the circle about a direction, the nearest to it first. */
export function* coverCap(ra: number, dec: number, radius: number, most: number): Generator<Cap> {
  if (radius <= most) {
    yield { ra, dec, radius }
    return
  }
  const step = Math.SQRT2 * most // squares of this side lie within the circles
  const axes = tangentAxes(ra, dec)
  for (let ring = 0; ring * step <= Math.min(180, radius) + step / 2; ring++) {
    const angle = Math.min(180, ring * step) * (Math.PI / 180)
    const count = Math.max(1, Math.ceil((360 * Math.sin(angle)) / step))
    for (let k = 0; k < count; k++) {
      const turn = (2 * Math.PI * k) / count
      const [e, n, o] = [Math.sin(angle) * Math.sin(turn), Math.sin(angle) * Math.cos(turn), Math.cos(angle)]
      const at = (i: number) => e * axes[i] + n * axes[3 + i] + o * axes[6 + i]
      const [capRa, capDec] = directionOf(at(0), at(1), at(2))
      yield { ra: capRa, dec: capDec, radius: most }
    }
  }
}
