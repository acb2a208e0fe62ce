/** A flat, with what belongs to no order taken off, and what is left of it when the light of all orders is taken off too. */
export interface FlatImage {
  width: number
  height: number
  /** all of the light; and what of it the traces so far do not explain */
  all: Float32Array
  rest: Float32Array
  /** 1 where a pixel is not used */
  bad: Uint8Array
  /** variance without light, and for each unit of light */
  dark: number
  perLight: number
  /** light that is everywhere, for the variance */
  background: number
}

/** One order of one fibre, and what is known of it. */
export interface FittedTrace {
  order: number
  fibre: number
  /** columns that are fitted, inclusive */
  first: number
  last: number
  /** centre in every column */
  y: Float64Array
  /** of each flat that lights it */
  images: { image: FlatImage; flux: Float64Array }[]
  /** fine profiles of the blocks, one after the other; and their slopes, per row */
  profiles: Float32Array
  slopes: Float32Array
  /** of each block: the light beyond the profile and its first moment, px, per light inside */
  wings: { light: number; moment: number }[]
  /** its pixels are also those of neighbours */
  crowded: boolean
}

export interface ProfileGrid {
  width: number
  blocks: number
  perRow: number
  samples: number
  /** rows of a column that the profile can reach */
  rows: number
}

/** First row that the profile reaches in a column. */
export const firstRowOf = ({ samples, perRow }: ProfileGrid, y: number): number =>
  Math.ceil(y - (samples - 1) / 2 / perRow)

/** Adds the light of a trace to the rest of a flat (`sign` 1), or takes it off (−1). */
export function addLight(trace: FittedTrace, k: number, grid: ProfileGrid, sign: 1 | -1): void {
  const { image, flux } = trace.images[k]!
  const profile = new Float64Array(grid.rows)
  for (let x = trace.first; x <= trace.last; x++) {
    const f = sign * flux[x]!
    if (f === 0) continue
    const first = firstRowOf(grid, trace.y[x]!)
    columnProfile(trace, grid, x, first - trace.y[x]!, profile)
    for (let r = Math.max(0, -first); r < grid.rows && first + r < image.height; r++) {
      image.rest[(first + r) * image.width + x]! += f * profile[r]!
    }
  }
}

/** The profile in the rows of a column, the first of which lies `offset` above the centre; and its slope, where asked. */
export function columnProfile(
  { profiles, slopes }: Pick<FittedTrace, 'profiles' | 'slopes'>,
  { width, blocks, samples, perRow, rows }: ProfileGrid,
  x: number,
  offset: number,
  out: Float64Array,
  slope?: Float64Array,
): void {
  // as blocksAt, without an object for every column
  const place = Math.min(Math.max(((x + 0.5) * blocks) / width - 0.5, 0), blocks - 1)
  const low = Math.min(Math.floor(place), Math.max(0, blocks - 2))
  const weight = place - low
  const start = offset * perRow + (samples - 1) / 2
  let k = Math.floor(start)
  const t = start - k
  const next = blocks > 1 ? samples : 0
  const p = (1 - weight) * (1 - t)
  const q = (1 - weight) * t
  const r = weight * (1 - t)
  const s = weight * t
  const end = samples - 1
  for (let row = 0; row < rows; row++, k += perRow) {
    if (k < 0 || k >= end) {
      out[row] = 0
      if (slope) slope[row] = 0
      continue
    }
    const a = low * samples + k
    const b = a + next
    out[row] = p * profiles[a]! + q * profiles[a + 1]! + r * profiles[b]! + s * profiles[b + 1]!
    if (slope) slope[row] = p * slopes[a]! + q * slopes[a + 1]! + r * slopes[b]! + s * slopes[b + 1]!
  }
}

/** What one column tells of a trace. */
export interface ColumnLight {
  flux: number
  /** the light lies so far above the centre, rows; and the inverse of its variance */
  offset: number
  weight: number
  /** the inverse of the variance of its first moment: what is known where the profile is measured on the same light */
  momentWeight: number
}

/** Scratch for the rows of a column. */
export interface ColumnScratch {
  profile: Float64Array
  slope: Float64Array
  data: Float64Array
  weight: Float64Array
}

export const columnScratch = ({ rows }: ProfileGrid): ColumnScratch => ({
  profile: new Float64Array(rows),
  slope: new Float64Array(rows),
  data: new Float64Array(rows),
  weight: new Float64Array(rows),
})

/** Noise of the model as part of the light: pixels differ, and so do profiles from what is known of them. */
const UNEVEN = 0.006

/**
 * Flux and offset of a trace in a column, by weighted least squares over its rows (the light of its neighbours taken off
 * before): d = f P − f δ P′. Only rows within `core` of the centre count. A pixel further than `clip` sigma off, the profile being good to `tolerance` of its peak, is marked bad.
 */
export function lookAtColumn(
  trace: FittedTrace,
  k: number,
  x: number,
  grid: ProfileGrid,
  scratch: ColumnScratch,
  { clip, tolerance, core }: { clip: number; tolerance: number; core: number },
  out: ColumnLight,
): boolean {
  const { image } = trace.images[k]!
  const { profile, slope, data, weight } = scratch
  const first = firstRowOf(grid, trace.y[x]!)
  const offset = first - trace.y[x]!
  columnProfile(trace, grid, x, offset, profile, slope)
  let f = 0
  let seen = 0
  let peak = 0
  let whole = 0
  for (let r = 0; r < grid.rows; r++) {
    const row = first + r
    const p = row * image.width + x
    const inside = Math.abs(offset + r) <= core
    const use = inside && row >= 0 && row < image.height && image.bad[p] === 0
    data[r] = use ? image.rest[p]! : 0
    weight[r] = use ? 1 : 0
    peak = Math.max(peak, profile[r]!)
    if (inside) whole += profile[r]!
    if (use) {
      f += data[r]!
      seen += profile[r]!
    }
  }
  if (!(seen > 0.5 * whole)) return false
  f = Math.max(0, f / seen)
  const floor = image.dark + image.perLight * image.background
  for (let round = 0; round < 6; round++) {
    let a = 0
    let c = 0
    for (let r = 0; r < grid.rows; r++) {
      if (weight[r] === 0) continue
      const p = profile[r]!
      const light = f * p
      const w = light > 0 ? 1 / (floor + light * (image.perLight + UNEVEN * UNEVEN * light)) : 1 / floor
      weight[r] = w
      a += w * p * p
      c += w * p * data[r]!
    }
    if (!(a > 0)) return false
    f = c / a
    if (clip === Number.POSITIVE_INFINITY) break
    let worst = clip * clip
    let at = -1
    const doubt = (tolerance * f * peak) ** 2
    for (let r = 0; r < grid.rows; r++) {
      const w = weight[r]!
      const off = (w * (data[r]! - f * profile[r]!) ** 2) / (1 + w * doubt)
      if (off > worst) {
        worst = off
        at = r
      }
    }
    if (at < 0) break
    weight[at] = 0
    image.bad[(first + at) * image.width + x] = 1
    seen -= profile[at]!
    if (!(seen > 0.6 * whole)) return false
  }
  let a = 0
  let c = 0
  let s = 0
  let e = 0
  let g = 0
  let moment = 0
  for (let r = 0; r < grid.rows; r++) {
    const w = weight[r]!
    if (w > 0) moment += (offset + r) ** 2 / w
    const p = profile[r]!
    const q = slope[r]!
    a += w * p * p
    c += w * p * q
    s += w * q * q
    e += w * p * data[r]!
    g += w * q * data[r]!
  }
  const determinant = a * s - c * c
  if (!(determinant > 0)) return false
  out.flux = (e * s - g * c) / determinant
  const moved = (g * a - e * c) / determinant // −f δ
  out.offset = -moved / out.flux
  out.weight = (out.flux * out.flux * determinant) / a
  out.momentWeight = (out.flux * out.flux) / moment
  return out.flux > 0
}
