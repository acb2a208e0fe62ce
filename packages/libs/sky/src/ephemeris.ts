import { EARTH_SPANS, EPHEMERIS, SUN_SPANS } from './ephemeris-table.js'

/** Barycentric position (km) and velocity (km/s) on the axes of the ICRS: x, y, z of each. */
export type State = Float64Array

const VELOCITY_UNIT = 5e-8
const POSITION_UNIT = 1e-3
const tables = new Map<string, Float64Array>()

/** The integers of a table, seven bits a byte, the lowest first, the sign in the lowest bit of the whole. */
function decoded(text: string): Float64Array {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const out: number[] = []
  let value = 0
  let weight = 1
  for (const byte of bytes) {
    value += (byte & 127) * weight
    weight *= 128
    if (byte > 127) continue
    out.push(value % 2 === 0 ? value / 2 : -(value + 1) / 2)
    value = 0
    weight = 1
  }
  return Float64Array.from(out)
}

/**
 * Where the centre of the Earth or of the Sun is, and how it moves, at a time in TDB (MJD; TT will do). Chebyshev
 * polynomials fitted to DE405: 0.3 km and 1.5 mm/s at worst, from 1989-12-12 to 2060-01-14. RangeError outside.
 */
export function barycentricState(body: 'earth' | 'sun', mjdTdb: number): State {
  const at = (mjdTdb - EPHEMERIS.first) / EPHEMERIS.span
  if (!(at >= 0 && at < EPHEMERIS.count)) {
    const last = EPHEMERIS.first + EPHEMERIS.span * EPHEMERIS.count
    throw new RangeError(
      `the ephemeris serves MJD ${EPHEMERIS.first} (1989-12-12) to ${last} (2060-01-14), not ${mjdTdb}`,
    )
  }
  const table = tables.get(body) ?? decoded(body === 'earth' ? EARTH_SPANS : SUN_SPANS)
  tables.set(body, table)
  const terms = EPHEMERIS[body]
  const span = Math.floor(at)
  const x = 2 * (at - span) - 1
  const state = new Float64Array(6)
  for (let axis = 0; axis < 3; axis++) along(table, (span * 3 + axis) * (terms + 1), terms, x, state, axis)
  return state
}

/** One axis of a span: the sum of the polynomials, and their integral from the middle of the span. */
function along(table: Float64Array, first: number, terms: number, x: number, state: State, axis: number): void {
  let velocity = 0
  let path = 0
  for (let k = 0; k < terms; k++) {
    const c = table[first + 1 + k]!
    velocity += c * chebyshev(k, x)
    path += c * (integral(k, x) - integral(k, 0))
  }
  const seconds = (EPHEMERIS.span / 2) * 86400
  state[axis] = table[first]! * POSITION_UNIT + path * VELOCITY_UNIT * seconds
  state[axis + 3] = velocity * VELOCITY_UNIT
}

const chebyshev = (k: number, x: number) => Math.cos(k * Math.acos(x))

function integral(k: number, x: number): number {
  if (k === 0) return x
  if (k === 1) return (x * x) / 2
  return (chebyshev(k + 1, x) / (k + 1) - chebyshev(k - 1, x) / (k - 1)) / 2
}
