import { power } from '@nightpipe/math'
import { smoothOf } from '../random.js'
import type { Settings } from './schema.js'

/** Places along an order at which its profile is made; between them it changes linearly. */
const PLACES = 9
/** Steps of a table in a pixel. */
const STEPS = 64

/** The profile of a fibre across an order: the part of the light below an offset from the centre, in tables. */
export interface Profile {
  reach: number
  /** one for each place: the cumulative light from -reach to reach */
  tables: Float64Array[]
}

/**
 * A core with two sides and Moffat wings, with its centroid at zero and a sum of 1 from -reach to reach. Core and skew
 * change smoothly over the detector and a little from place to place.
 */
export function profileOf(settings: Settings, index: number, fibre: number): Profile {
  const { profile, optics, random } = settings
  const o = optics.orders > 1 ? (2 * index) / (optics.orders - 1) - 1 : 0
  const wave = smoothOf(random.seed, 'profile', fibre)
  const tables = Array.from({ length: PLACES }, (_, k) => {
    const x = (2 * k) / (PLACES - 1) - 1
    const wander = profile.ripple * wave(index * 31 + 1.7 * k)
    const sigma = profile.sigma * (1 + profile.change * (0.5 * x + 0.3 * o - 0.3 * x * o + 0.4 * x * x) + wander)
    const skew = profile.skew * (1 + 0.5 * x - 0.3 * o) + wander
    return tableOf(settings, sigma, skew)
  })
  return { reach: profile.reach, tables }
}

/** Cumulative light in steps of 1/64 pixel, of the shape shifted so that its centroid is zero. */
function tableOf({ profile }: Settings, sigma: number, skew: number): Float64Array {
  const n = Math.round(2 * profile.reach * STEPS)
  const density = (t: number) => {
    const side = sigma * (t < 0 ? 1 - skew : 1 + skew)
    const core = Math.exp(-0.5 * (t / side) ** 2)
    const wing = power(1 + (t / (2.2 * sigma)) ** 2, -profile.beta)
    return (1 - profile.wings) * core + 0.55 * profile.wings * wing
  }
  let shift = 0
  // The window moves with the shape: a few steps settle it.
  for (let pass = 0; pass < 6; pass++) {
    let [sum, first] = [0, 0]
    for (let k = 0; k < n; k++) {
      const t = (k + 0.5) / STEPS - profile.reach
      const d = density(t + shift)
      sum += d
      first += d * t
    }
    shift += first / sum
  }
  const table = new Float64Array(n + 1)
  for (let k = 0; k < n; k++) table[k + 1] = table[k]! + density((k + 0.5) / STEPS - profile.reach + shift)
  const total = table[n]!
  for (let k = 0; k <= n; k++) table[k]! /= total
  return table
}

/** The part of the light below an offset. */
function below(table: Float64Array, reach: number, offset: number): number {
  const at = (offset + reach) * STEPS
  if (at <= 0) return 0
  if (at >= table.length - 1) return 1
  const k = Math.floor(at)
  return table[k]! + (at - k) * (table[k + 1]! - table[k]!)
}

/**
 * The parts of the light in the rows from `first` on at a pixel along the order, for a centre at `centre`; into `rows`.
 * Returns how many rows there are.
 */
export function rowsAt(
  { reach, tables }: Profile,
  along: number,
  pixel: number,
  centre: number,
  first: number,
  rows: Float64Array,
): number {
  const last = Math.floor(centre + reach + 0.5)
  const place = Math.min(Math.max((pixel / along) * (PLACES - 1), 0), PLACES - 1.000001)
  const k = Math.floor(place)
  const u = place - k
  const [a, b] = [tables[k]!, tables[k + 1]!]
  let before = 0
  for (let y = first; y <= last; y++) {
    const t = y + 0.5 - centre
    const now = (1 - u) * below(a, reach, t) + u * below(b, reach, t)
    rows[y - first] = now - before
    before = now
  }
  return last - first + 1
}

/** The first row that a profile centred there reaches. */
export const firstRow = ({ reach }: Profile, centre: number) => Math.floor(centre - reach + 0.5)
