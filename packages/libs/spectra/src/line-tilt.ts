import { power, solve, solver } from '@nightpipe/math'
import type { Extraction } from './extract.js'
import type { NoiseModel, SpectralFrame } from './group-work.js'
import { type ProfileTable, reachOf, sampleProfile } from './profile-table.js'

/**
 * How lines lean: light that lies u rows above the centre of its order is found slope · u + curve · u² columns further right.
 * The slope changes linearly with the column and with the order.
 */
export interface LineTilt {
  /** in the middle, columns per row; how it changes from there to the right edge, and to the last order */
  slope: readonly [number, number, number]
  /** columns per row² */
  curve: number
  /** one sigma of the slope in the middle, and of the curve */
  error: number
  curveError: number
}

/** The slope at a place, of `orders` orders and `width` columns. */
export const tiltAt = ({ slope }: LineTilt, x: number, width: number, order: number, orders: number): number =>
  slope[0] + slope[1] * placeOf(x, width) + slope[2] * placeOf(order, orders)

const placeOf = (k: number, n: number): number => (n > 1 ? (2 * k) / (n - 1) - 1 : 0)

/** Columns that are looked at, about. */
const COLUMNS = 20000
/** Flanks less steep than so many errors from column to column tell nothing but noise. */
const STEEP = 8
/** How well profiles are known: bright lines must not outvote all others. */
const ACCURACY = 0.01
const TERMS = 4
/** Columns that disagree by more than so many of their own errors hold more than lines: what a cosmic ray left. */
const CLIP = 5
const CLIP_ROUNDS = 4

/** What columns say of the tilt, each by itself: Σ b b W of slope and of curve and both, Σ b r W of either, place along and across. */
interface Columns {
  count: number
  values: Float64Array
}
const VALUES = 7

/** What all columns together say: normal equations of slope (three terms) and curve. */
interface Sums {
  matrix: Float64Array
  right: Float64Array
}

/**
 * The tilt of lines, from the frame itself: on the flanks of lines, what the profile leaves over is compared with what a shift of
 * each row along the dispersion would leave, their fluxes having been fitted. Undefined where there are no lines to tell.
 */
export function measureTilt(
  frame: SpectralFrame,
  extraction: Extraction,
  profiles: ProfileTable,
  fibres: number,
  noise: NoiseModel,
): LineTilt | undefined {
  const { traces, orders, width } = extraction
  const all = profiles.traces / fibres
  const step = Math.max(1, Math.round((traces.length * width) / COLUMNS))
  const columns = { count: 0, values: new Float64Array(VALUES * traces.length * Math.ceil(width / step)) }
  const share = new Float64Array(2 * reachOf(profiles) + 1)
  traces.forEach(({ trace, result }, k) => {
    const { flux, uncertainty, mask } = orders[k]!
    const own = trace.order * fibres + trace.fibre
    for (let x = trace.first + 3; x <= trace.last - 3; x += step) {
      if (mask[x] !== 0 || result.hits[x]! > 0) continue
      const flank = (8 * (flux[x + 1]! - flux[x - 1]!) - flux[x + 2]! + flux[x - 2]!) / 12
      if (!(Math.abs(flank) > STEEP * uncertainty[x]!)) continue
      const first = Math.round(trace.y[x]!) - reachOf(profiles)
      sampleProfile(profiles, own, x, trace.y[x]!, first, share.length, share, 0)
      columns.values[VALUES * columns.count + 5] = placeOf(x, width)
      columns.values[VALUES * columns.count + 6] = placeOf(trace.order, all)
      addColumn(frame, noise, x, trace.y[x]! - first, first, share, flux[x]!, flank, columns)
    }
  })
  return robustTilt(columns)
}

/** The tilt that columns agree on, without those that are far from it. */
function robustTilt(columns: Columns): LineTilt | undefined {
  const used = new Uint8Array(columns.count).fill(1)
  let found = solveTilt(sumsOf(columns, used))
  for (let round = 0; found && round < CLIP_ROUNDS; round++) {
    if (!setAside(columns, found, used)) break
    found = solveTilt(sumsOf(columns, used))
  }
  return found
}

function sumsOf({ count, values }: Columns, used: Uint8Array): Sums {
  const [matrix, right] = [new Float64Array(TERMS * TERMS), new Float64Array(TERMS)]
  const terms = [1, 0, 0]
  for (let c = 0; c < count; c++) {
    if (used[c] === 0) continue
    const [s11, s12, s22, along, curved, x, order] = values.subarray(VALUES * c, VALUES * (c + 1))
    terms[1] = x!
    terms[2] = order!
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) matrix[i * TERMS + j]! += s11! * terms[i]! * terms[j]!
      matrix[i * TERMS + 3]! += s12! * terms[i]!
      matrix[3 * TERMS + i]! += s12! * terms[i]!
      right[i]! += along! * terms[i]!
    }
    matrix[3 * TERMS + 3]! += s22!
    right[3]! += curved!
  }
  return { matrix, right }
}

/** Marks columns by what a tilt leaves of them; whether any mark changed. */
function setAside({ count, values }: Columns, { slope, curve }: LineTilt, used: Uint8Array): boolean {
  let changed = false
  for (let c = 0; c < count; c++) {
    const [s11, s12, s22, along, curved, x, order] = values.subarray(VALUES * c, VALUES * (c + 1))
    const tilt = slope[0] + slope[1] * x! + slope[2] * order!
    const [a, b] = [along! - s11! * tilt - s12! * curve, curved! - s12! * tilt - s22! * curve]
    const keep = a * a <= CLIP * CLIP * s11! && b * b <= CLIP * CLIP * s22! ? 1 : 0
    if (used[c] !== keep) changed = true
    used[c] = keep
  }
  return changed
}

/** One column, where there is enough of it: Σ b b W and Σ b r W for b = P f′ u and P f′ u², less what a change of the flux can do. */
function addColumn(
  { width, height, pixels, mask }: SpectralFrame,
  { readVariance, perElectron }: NoiseModel,
  x: number,
  centre: number,
  first: number,
  share: Float64Array,
  flux: number,
  flank: number,
  columns: Columns,
): void {
  let [w0, w1, w2, w3, w4, r0, r1, r2] = [0, 0, 0, 0, 0, 0, 0, 0]
  for (let r = 0; r < share.length; r++) {
    const row = first + r
    const p = share[r]!
    if (p <= 0 || row < 0 || row >= height) continue
    const at = row * width + x
    if (mask?.[at] || !Number.isFinite(pixels[at]!)) return
    const light = flux * p
    const weight = 1 / (readVariance + perElectron * Math.max(0, light) + (ACCURACY * light) ** 2)
    const u = r - centre
    const rest = pixels[at]! - light
    const pp = p * p * weight
    w0 += pp
    w1 += pp * u
    w2 += pp * u * u
    w3 += pp * u * u * u
    w4 += pp * u * u * u * u
    r0 += p * weight * rest
    r1 += p * weight * rest * u
    r2 += p * weight * rest * u * u
  }
  if (!(w0 > 0)) return
  const square = flank * flank
  const s11 = square * (w2 - (w1 * w1) / w0)
  const s12 = square * (w3 - (w1 * w2) / w0)
  const s22 = square * (w4 - (w2 * w2) / w0)
  const along = -flank * (r1 - (w1 / w0) * r0)
  const curved = -flank * (r2 - (w2 / w0) * r0)
  columns.values.set([s11, s12, s22, along, curved], VALUES * columns.count++)
}

/** What slopes and curves are like, where little tells them: columns per row, and per row². */
const LIKELY = { slope: 0.3, change: 0.02, curve: 0.003 }
/** A term known worse than so many sigma is left out. */
const SIGNIFICANT = 4

/** Terms that are not significant are 0, and the others fitted without them. */
function solveTilt({ matrix, right }: Sums): LineTilt | undefined {
  if (!(matrix[0]! > 0)) return undefined
  const likely = [LIKELY.slope, LIKELY.change, LIKELY.change, LIKELY.curve]
  const held = (kept: readonly number[]) =>
    Float64Array.from(matrix, (value, k) => {
      const [row, column] = [Math.floor(k / TERMS), k % TERMS]
      return row === column ? value + (kept[row]! > 0 ? power(likely[row]!, -2) : value * NOTHING + 1e9) : value
    })
  const all = solver(held([1, 1, 1, 1]), TERMS)
  const unit = (k: number) => Float64Array.from({ length: TERMS }, (_, i) => (i === k ? 1 : 0))
  const errors = likely.map((_, k) => Math.sqrt(all(unit(k))[k]!))
  const first = all(right)
  const kept = errors.map((error, k) => (k === 0 || Math.abs(first[k]!) > SIGNIFICANT * error ? 1 : 0))
  const [t0, t1, t2, curve] = solve(held(kept), right) as unknown as number[]
  return {
    slope: [t0!, t1! * kept[1]!, t2! * kept[2]!],
    curve: curve! * kept[3]!,
    error: errors[0]!,
    curveError: errors[3]!,
  }
}

/** What holds a term at 0, over what tells it. */
const NOTHING = 1e9
