import { type Direction, RADIANS } from '../sphere.js'

/** Turns native unit vectors into celestial ones: nine numbers, row by row. Its transpose turns them back. */
export type Rotation = Float64Array

/**
 * The rotation from the native sphere of a projection to the sky (Calabretta & Greisen 2002, section 2.4). `sky` is the
 * reference point (CRVAL), native latitude `theta0`; the poles are LONPOLE and LATPOLE in degrees.
 * Undefined where no such rotation exists.
 */
export function nativeToSky(sky: Direction, theta0: 90 | 0, lonPole?: number, latPole = 90): Rotation | undefined {
  const phiP = lonPole ?? (sky[1] >= theta0 ? 0 : 180)
  const pole = theta0 === 90 ? sky : poleOfSky(sky, phiP, latPole)
  if (!pole) return undefined
  const [sa, ca] = [Math.sin(pole[0] * RADIANS), Math.cos(pole[0] * RADIANS)]
  const [sd, cd] = [Math.sin(pole[1] * RADIANS), Math.cos(pole[1] * RADIANS)]
  const [sp, cp] = [Math.sin(phiP * RADIANS), Math.cos(phiP * RADIANS)]
  return Float64Array.of(
    -sa * sp - ca * cp * sd,
    sa * cp - ca * sp * sd,
    ca * cd,
    ca * sp - sa * cp * sd,
    -ca * cp - sa * sp * sd,
    sa * cd,
    cp * cd,
    sp * cd,
    sd,
  )
}

/** The celestial coordinates of the native pole when the reference point lies on the native equator (eqs. 8 to 10). */
function poleOfSky([ra, dec]: Direction, phiP: number, latPole: number): Direction | undefined {
  const [sinP, cosP] = [Math.sin(phiP * RADIANS), Math.cos(phiP * RADIANS)]
  let latitude = latPole
  if (Math.abs(cosP) < 1e-12) {
    if (Math.abs(dec) > 1e-9) return undefined
  } else {
    const ratio = Math.sin(dec * RADIANS) / Math.abs(cosP)
    if (Math.abs(ratio) > 1 + 1e-12) return undefined
    const middle = cosP < 0 ? 180 : 0
    const spread = Math.acos(Math.min(1, Math.max(-1, ratio))) / RADIANS
    const candidates = [middle + spread, middle - spread].map((angle) => angle - 360 * Math.round(angle / 360))
    const possible = candidates.filter((angle) => Math.abs(angle) <= 90 + 1e-9)
    if (possible.length === 0) return undefined
    // Two poles may do: LATPOLE says which is wanted, by being nearer to it.
    possible.sort((a, b) => Math.abs(a - latPole) - Math.abs(b - latPole))
    latitude = possible[0]
  }
  if (Math.abs(latitude) > 90 - 1e-12) return [latitude > 0 ? ra + phiP - 180 : ra - phiP, Math.sign(latitude) * 90]
  if (Math.abs(dec) > 90 - 1e-12) return [ra, latitude]
  const cosine = -Math.tan(latitude * RADIANS) * Math.tan(dec * RADIANS)
  return [ra - Math.atan2(sinP / Math.cos(dec * RADIANS), cosine) / RADIANS, latitude]
}
