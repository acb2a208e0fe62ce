import { select } from '@nightpipe/math'
import { followOrders } from './follow-orders.js'
import { groupOrders, type OrderGroup } from './order-comb.js'
import { pathPeaks } from './order-peaks.js'
import { type OrderImage, type OrderScale, orderScale, type Slices, sliceFrame, standingOut } from './order-slices.js'
import { closestPeriod, orderWarp } from './order-warp.js'
import { emptyTraces, setColumnsOnDetector, type Traces } from './traces.js'

/** A frame with light in the orders, and the fibres that it lights. */
export interface LitFrame extends OrderImage {
  /** which fibres have light, in any order: [0, 1] */
  lit: readonly number[]
}

export interface FindOptions {
  /** fibres side by side in each order */
  fibres: number
  /** y of the fibres with their number */
  fibreOrder: 'rises' | 'falls'
  /** orders on the detector where that is known; 0: as many as are found */
  orders: number
  /** rows that extraction takes; 0: from the width of the orders */
  rows: number
  /** terms of the polynomials */
  terms: number
}

export interface FoundOrders {
  traces: Traces
  /** [order][fibre]: how sure the light is, in sigma; 0 for a trace that is foretold by its neighbours only */
  strength: Float64Array
  /** [order][fibre]: scatter of the centres, px; NaN where none was measured */
  rms: Float64Array
  scale: OrderScale
}

/**
 * Finds the orders of one or several frames of the same spectrograph without knowing anything of it but how many fibres
 * each frame lights. The frames are cut into narrow strips; how each strip lies on the next gives the slope of the orders
 * everywhere; along it the frames are straightened, and each order is then a peak of the mean of all strips, however faint
 * it is in any one.
 */
export function findOrders(frames: readonly LitFrame[], options: FindOptions): FoundOrders {
  const [first] = frames
  if (!first) throw new RangeError('no frame to find orders on')
  const sliced = frames.map((frame) => sliceFrame(frame))
  const together = sliced.length === 1 ? sliced[0]! : sumOf(sliced)
  const scale = orderScale(together)
  const room = ROOM * closestPeriod(together, lightOf(together, scale, TOP, 0), scale)
  const whole = Math.max(TOP, Math.min(WHOLE, room / scale.fwhm))
  const warp = orderWarp(together, lightOf(together, scale, whole, 0, WINGS), scale)
  const middle = { bottom: warp.start, top: warp.start + warp.paths }
  const perFrame = sliced.map((slices, k) => {
    const lit = sortedByY(frames[k]!.lit, options.fibreOrder)
    const peaks = pathPeaks(slices, lightOf(slices, scale, TOP, 0.02), warp, scale)
    const groups = groupOrders(peaks, lit.length, middle.bottom, middle.top)
    const rows = groups.flatMap((group) => group.rows)
    const followed = followOrders(rows, slices, warp, first.width, scale.fwhm, options.terms)
    return { lit, groups, followed }
  })
  return assemble(perFrame, first, scale, options)
}

type PerFrame = { lit: number[]; groups: OrderGroup[]; followed: ReturnType<typeof followOrders> }

/** Fibres from the bottom of the detector. */
const sortedByY = (lit: readonly number[], fibreOrder: FindOptions['fibreOrder']) =>
  [...lit].sort((a, b) => (fibreOrder === 'rises' ? a - b : b - a))

function sumOf(all: readonly Slices[]): Slices {
  const [first] = all as [Slices]
  const cuts = first.cuts.map((_, p) => all.reduce((sum, { cuts }) => sum + cuts[p]!, 0))
  return { ...first, cuts, noise: first.noise.map((_, k) => Math.hypot(...all.map(({ noise }) => noise[k]!))) }
}

/** Of what stands out of its surroundings, the height in widths of an order: for its place only the top counts. */
const TOP = 1.5
/** For the slope all of its profile does, or the rows of its pixels would be seen instead: but not what is between orders. */
const WHOLE = 2.5
/** Of the distance of the closest orders. */
const ROOM = 0.9
/** Of the light of a strip that a tenth of the rows exceed: less is wings and ghosts, in which deep flats drown the shape of the orders. */
const WINGS = 0.003

/**
 * How much each row of each strip stands out, strong light held down so that it does not speak for the faint: it counts `beyond`.
 * What is below `floor` times the light of a strip is taken for noise.
 */
function lightOf(
  { count, height, cuts, noise }: Slices,
  { fwhm }: OrderScale,
  size: number,
  beyond: number,
  floor = 0,
): Float32Array {
  const light = new Float32Array(cuts.length)
  for (let k = 0; k < count; k++) {
    const out = standingOut(cuts.subarray(k * height, (k + 1) * height), size * fwhm)
    // not the highest: in an arc that is one line
    const high = floor > 0 ? select(out.slice(), Math.floor(0.9 * (height - 1))) : 0
    const sigma = Math.max(noise[k]!, floor * high)
    for (let y = 0; y < height; y++) {
      const value = Math.asinh(Math.max(0, out[y]! - 1.5 * sigma) / (3 * sigma))
      light[k * height + y] = value < 4 ? value : 4 + beyond * (value - 4)
    }
  }
  return light
}

/** The orders of all frames under common numbers, from the bottom; fibres that no frame lights from their neighbours. */
function assemble(
  perFrame: PerFrame[],
  { width, height }: OrderImage,
  scale: OrderScale,
  options: FindOptions,
): FoundOrders {
  const shifts = commonNumbers(perFrame, options.fibreOrder)
  const lowest = Math.min(...perFrame.map((_, k) => shifts[k]!))
  const highest = Math.max(...perFrame.map(({ groups }, k) => shifts[k]! + groups.length))
  const range = kept(perFrame, shifts, lowest, highest, options.orders)
  const { fibres, terms } = options
  const rows = options.rows || Math.max(3, Math.ceil(2.2 * scale.fwhm))
  const traces = emptyTraces({
    width,
    height,
    orders: Math.max(0, range.to - range.from),
    fibres,
    terms,
    rows,
    blocks: 0,
  })
  const strength = new Float64Array(traces.orders * fibres)
  const rms = new Float64Array(traces.orders * fibres).fill(Number.NaN)
  perFrame.forEach(({ lit, groups, followed }, k) => {
    groups.forEach((group, g) => {
      const order = g + shifts[k]! - range.from
      if (order < 0 || order >= traces.orders) return
      lit.forEach((fibre, f) => {
        const at = order * fibres + fibre
        const sure = group.seen[f]?.strength ?? 0
        // of two frames that light the fibre, the one that shows it better
        if (fibre >= fibres || (Number.isFinite(traces.coefficients[at * terms]) && sure <= strength[at]!)) return
        const own = followed[g * lit.length + f]!
        traces.coefficients.set(own.coefficients, at * terms)
        strength[at] = sure
        rms[at] = own.rms
      })
    })
  })
  fillFibres(traces)
  for (let order = 0; order < traces.orders; order++) {
    for (let fibre = 0; fibre < fibres; fibre++) setColumnsOnDetector(traces, order, fibre)
  }
  return { traces, strength, rms, scale }
}

/** The number of the first group of each frame, so that a fibre that two frames light lies at one place. */
function commonNumbers(perFrame: PerFrame[], fibreOrder: FindOptions['fibreOrder']): number[] {
  const [first, ...others] = perFrame as [PerFrame, ...PerFrame[]]
  const numbers = others.map((other) => {
    const shared = other.lit.find((fibre) => first.lit.includes(fibre))
    const rowsOf = ({ lit, groups }: PerFrame, fibre: number) => groups.map(({ rows }) => rows[lit.indexOf(fibre)]!)
    const fixed = rowsOf(first, shared ?? first.lit[0]!)
    const own = rowsOf(other, shared ?? other.lit[0]!)
    const up = fibreOrder === 'rises' ? other.lit[0]! > first.lit[0]! : other.lit[0]! < first.lit[0]!
    const votes = new Map<number, number>()
    own.forEach((row, g) => {
      // fibres that are not shared lie above or below that of the same order, nearer than the next order
      const near = fixed
        .map((one, k) => ({ k, off: row - one }))
        .filter(({ off }) => shared !== undefined || off > 0 === up)
      const best = near.sort((a, b) => Math.abs(a.off) - Math.abs(b.off))[0]
      if (best) votes.set(best.k - g, (votes.get(best.k - g) ?? 0) + 1)
    })
    return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0
  })
  return [0, ...numbers]
}

/** Of more orders than there are, those next to one another with the most light on the detector. */
function kept(perFrame: PerFrame[], shifts: number[], lowest: number, highest: number, orders: number) {
  if (orders === 0 || highest - lowest <= orders) return { from: lowest, to: highest }
  const light = (order: number) =>
    perFrame.reduce((sum, { groups }, k) => {
      const seen = groups[order - shifts[k]!]?.seen ?? []
      return sum + seen.reduce((own, peak) => own + (peak ? peak.strength * peak.strips : 0), 0)
    }, 0)
  let best = { from: lowest, sum: Number.NEGATIVE_INFINITY }
  for (let from = lowest; from + orders <= highest; from++) {
    let sum = 0
    for (let order = from; order < from + orders; order++) sum += light(order)
    if (sum > best.sum) best = { from, sum }
  }
  return { from: best.from, to: best.from + orders }
}

/** A fibre that no frame lights lies as far from its neighbour as that from the next. */
function fillFibres({ orders, fibres, terms, coefficients }: Traces): void {
  const at = (order: number, fibre: number) => (order * fibres + fibre) * terms
  for (let order = 0; order < orders; order++) {
    const known = Array.from({ length: fibres }, (_, f) => f).filter((f) => Number.isFinite(coefficients[at(order, f)]))
    if (known.length < 2) continue
    for (let fibre = 0; fibre < fibres; fibre++) {
      if (known.includes(fibre)) continue
      const [a, b] = [...known].sort((p, q) => Math.abs(p - fibre) - Math.abs(q - fibre)) as [number, number]
      for (let t = 0; t < terms; t++) {
        const [ya, yb] = [coefficients[at(order, a) + t]!, coefficients[at(order, b) + t]!]
        coefficients[at(order, fibre) + t] = ya + ((fibre - a) * (yb - ya)) / (b - a)
      }
    }
  }
}
