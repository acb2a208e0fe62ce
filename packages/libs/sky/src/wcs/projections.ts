import { RADIANS } from '../sphere.js'

/** The projections that real frames use, by the code in CTYPE. */
export type ProjectionCode = 'TAN' | 'SIN' | 'NCP' | 'ARC' | 'ZEA' | 'STG' | 'ZPN' | 'CAR'

/**
 * A projection of the native sphere on the plane (Calabretta & Greisen 2002, A&A 395, 1077). The plane is in degrees, the
 * sphere in unit vectors whose third axis is the native pole. False where the plane or the sphere has no such point.
 */
export interface Projection {
  /** Native latitude of the reference point: 90 for the zenithal ones, 0 for the cylindrical. */
  theta0: 90 | 0
  toSphere(x: number, y: number, out: Float64Array): boolean
  toPlane(vector: Float64Array, out: Float64Array): boolean
}

/** `parameters` are PVi_0, PVi_1, … of the latitude axis: the slant of SIN, the polynomial of ZPN. */
export function projection(code: ProjectionCode, parameters: readonly number[] = []): Projection {
  switch (code) {
    case 'TAN':
      return gnomonic
    case 'SIN':
    case 'NCP':
      return orthographic(parameters[1] ?? 0, parameters[2] ?? 0)
    case 'ARC':
      return zenithal(
        (r) => (r <= Math.PI ? r : Number.NaN),
        (z) => z,
      )
    case 'ZEA':
      return zenithal(
        (r) => 2 * Math.asin(r / 2),
        (z) => 2 * Math.sin(z / 2),
      )
    case 'STG':
      return zenithal(
        (r) => 2 * Math.atan(r / 2),
        (z) => (z < Math.PI ? 2 * Math.tan(z / 2) : Number.NaN),
      )
    case 'ZPN':
      return zenithalPolynomial(parameters)
    case 'CAR':
      return plateCarree
  }
}

const gnomonic: Projection = {
  theta0: 90,
  toSphere(x, y, out) {
    const [p, q] = [x * RADIANS, y * RADIANS]
    const length = Math.sqrt(1 + p * p + q * q)
    out[0] = -q / length
    out[1] = p / length
    out[2] = 1 / length
    return true
  },
  toPlane(vector, out) {
    if (!(vector[2] > 0)) return false // the far side of the sky
    out[0] = vector[1] / vector[2] / RADIANS
    out[1] = -vector[0] / vector[2] / RADIANS
    return true
  },
}

/** A zenithal projection by its radius: angle from the native pole ↔ radius on the plane, both in radians; NaN is nowhere. */
function zenithal(toAngle: (radius: number) => number, toRadius: (angle: number) => number): Projection {
  return {
    theta0: 90,
    toSphere(x, y, out) {
      const r = Math.hypot(x, y) * RADIANS
      const z = toAngle(r)
      if (Number.isNaN(z)) return false
      const scale = r > 0 ? (Math.sin(z) / r) * RADIANS : 0
      out[0] = -y * scale
      out[1] = x * scale
      out[2] = Math.cos(z)
      return true
    },
    toPlane(vector, out) {
      const h = Math.hypot(vector[0], vector[1])
      const r = toRadius(Math.atan2(h, vector[2]))
      if (Number.isNaN(r)) return false
      const scale = h > 0 ? r / h / RADIANS : 0
      out[0] = vector[1] * scale
      out[1] = -vector[0] * scale
      return true
    },
  }
}

/** SIN with the slant of synthesis arrays (xi, eta); NCP is the case that touches the celestial pole (section 5.1.5). */
function orthographic(xi: number, eta: number): Projection {
  const a = xi * xi + eta * eta + 1
  return {
    theta0: 90,
    toSphere(x, y, out) {
      const [p, q] = [x * RADIANS, y * RADIANS]
      const b = xi * (p - xi) + eta * (q - eta)
      const c = (p - xi) ** 2 + (q - eta) ** 2 - 1
      const root = b * b - a * c
      if (root < 0) return false
      let sine = (Math.sqrt(root) - b) / a
      if (sine > 1) sine = (-b - Math.sqrt(root)) / a
      if (!(sine >= -1)) return false
      // Without slant the cosine from the radius keeps the digits that 1 - sine would lose near the pole.
      const rest = xi === 0 && eta === 0 ? 0 : 1 - sine
      out[0] = -(q - eta * rest)
      out[1] = p - xi * rest
      out[2] = sine
      return true
    },
    toPlane(vector, out) {
      const [vx, vy, vz] = vector
      if (vz < (xi === 0 && eta === 0 ? 0 : xi * vy - eta * -vx)) return false
      const rest = (vx * vx + vy * vy) / (1 + vz)
      out[0] = (vy + xi * rest) / RADIANS
      out[1] = (-vx + eta * rest) / RADIANS
      return true
    },
  }
}

/** Radius as a polynomial of the angle: wide fields and Schmidt plates (section 5.1.7). */
function zenithalPolynomial(coefficients: readonly number[]): Projection {
  const c = coefficients.length > 0 ? coefficients : [0, 1]
  const radius = (z: number) => c.reduceRight((sum, value) => sum * z + value, 0)
  const slope = (z: number) => c.reduceRight((sum, value, k) => (k > 0 ? sum * z + k * value : sum), 0)
  // Beyond the first angle at which the radius stops growing, two directions would share a point.
  let limit = Math.PI
  for (let k = 1; k <= 1000; k++) {
    if (slope((k * Math.PI) / 1000) <= 0) {
      limit = ((k - 1) * Math.PI) / 1000
      break
    }
  }
  const toAngle = (r: number): number => {
    let [low, high] = [0, limit]
    if (r < radius(low) - 1e-15 || r > radius(high)) return Number.NaN
    let z = Math.min(Math.max(slope(0) > 0 ? (r - radius(0)) / slope(0) : limit / 2, low), high)
    for (let step = 0; step < 100; step++) {
      const miss = radius(z) - r
      if (miss > 0) high = z
      else low = z
      const next = z - miss / slope(z)
      const safe = next > low && next < high ? next : (low + high) / 2
      if (Math.abs(safe - z) <= 1e-15) return safe
      z = safe
    }
    return z
  }
  return zenithal(toAngle, (z) => (z <= limit ? radius(z) : Number.NaN))
}

const plateCarree: Projection = {
  theta0: 0,
  toSphere(x, y, out) {
    if (Math.abs(y) > 90) return false
    const [phi, theta] = [x * RADIANS, y * RADIANS]
    out[0] = Math.cos(theta) * Math.cos(phi)
    out[1] = Math.cos(theta) * Math.sin(phi)
    out[2] = Math.sin(theta)
    return true
  },
  toPlane(vector, out) {
    out[0] = Math.atan2(vector[1], vector[0]) / RADIANS
    out[1] = Math.atan2(vector[2], Math.hypot(vector[0], vector[1])) / RADIANS
    return true
  },
}
