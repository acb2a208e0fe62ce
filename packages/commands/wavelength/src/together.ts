import { LIGHT_SPEED, solve } from '@nightpipe/math'
import {
  diffractionOrder,
  type Measurements,
  type WavelengthPolynomial,
  wanderRate,
  wanderShares,
  wavelengthEvaluator,
  zeroPointError,
} from '@nightpipe/spectra'
import type { Arc } from './arcs.js'
import type { ArcShare } from './choose-arcs.js'
import type { CommonArc } from './common-arcs.js'

/** Arcs so close in time (days) differ by their noise alone. */
const SAME = 0.5
/** Columns and orders at which arcs are compared. */
const NODES = 9

/**
 * The shares of arcs of several nights in the wavelengths of a fibre beside the lamp's. What the drift does not tell is how the fibre lies
 * beside the lamp's, and how the wavelengths of the lamp's bend; both are compared from arc to arc, and taken to wander as they do.
 */
export function togetherShares(
  mjd: number,
  arcs: readonly Arc[],
  some: readonly number[],
  fibre: number,
  lamp: readonly number[],
): ArcShare[] {
  const order = [...some].sort((a, b) => arcs[a]!.mjd - arcs[b]!.mjd || a - b)
  const times = order.map((k) => arcs[k]!.mjd)
  const shares = wanderShares(
    times,
    wanderRate(
      measured(
        order.map((k) => arcs[k]!),
        fibre,
        lamp,
      ),
    ),
    mjd,
  )
  return order.map((arc, k) => ({ arc, share: shares[k]! })).sort((a, b) => a.arc - b.arc)
}

/** How the fibre lies beside the lamp's (mean, along x, over the orders), and how the wavelengths of this bend; m/s. */
function measured(arcs: readonly Arc[], fibre: number, lamp: readonly number[]): Measurements {
  const of = (arc: Arc, wanted: number) => arc.solutions.find((one) => one.fibre === wanted)!
  const reference = lamp.find((one) => one !== fibre) ?? lamp[0]!
  const frame = of(arcs[0]!, reference).polynomial
  const rows = arcs.map((arc) => describe(frame, of(arc, fibre).polynomial, of(arc, reference).polynomial))
  const times = arcs.map(({ mjd }) => mjd)
  const errorOf = (arc: Arc | CommonArc, one: number) =>
    ('common' in arc ? arc.common.get(one)?.error : undefined) ?? zeroPointError(of(arc, one))
  const zero = (arc: Arc) => Math.hypot(errorOf(arc, fibre), errorOf(arc, reference))
  const typical = Math.sqrt(arcs.reduce((sum, arc) => sum + zero(arc) ** 2, 0) / arcs.length)
  const values = TERMS.map((_, q) => rows.map((row) => row[q]!))
  return {
    times,
    values,
    errors: values.map((one, q) => Math.max(typical * TERMS[q]!.norm, scatterOfNights(times, one))),
  }
}

/** One sigma of a measurement by what those of the same nights differ. */
function scatterOfNights(times: readonly number[], values: readonly number[]): number {
  let [sum, n] = [0, 0]
  for (let k = 1; k < times.length; k++) {
    if (times[k]! - times[k - 1]! > SAME) continue
    sum += (values[k]! - values[k - 1]!) ** 2 / 2
    n++
  }
  return n > 0 ? Math.sqrt(sum / n) : 0
}

const second = (t: number) => (3 * t * t - 1) / 2
/** What is compared: of the fibre beside the lamp's, or of the lamp's alone; and the error of its amplitude over that of a mean. */
const TERMS = [
  { beside: true, term: 0, norm: 1 },
  { beside: true, term: 1, norm: Math.sqrt(3) },
  { beside: true, term: 2, norm: Math.sqrt(3) },
  { beside: false, term: 3, norm: Math.sqrt(5) },
  { beside: false, term: 4, norm: 3 },
  { beside: false, term: 5, norm: Math.sqrt(5) },
] as const

/** The amplitudes of the terms, by least squares on a grid of columns and orders. */
function describe(frame: WavelengthPolynomial, own: WavelengthPolynomial, lamp: WavelengthPolynomial): number[] {
  const [ownAt, lampAt] = [wavelengthEvaluator(own), wavelengthEvaluator(lamp)]
  const ends = [frame.lowOrder, frame.highOrder].map((order) => (order - frame.firstOrder) / frame.orderStep)
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const normal = new Float64Array(36)
  const [beside, alone] = [new Float64Array(6), new Float64Array(6)]
  for (const index of new Set(grid(low, high, NODES).map(Math.round))) {
    const v = high > low ? (2 * (index - low)) / (high - low) - 1 : 0
    for (const x of grid(0, frame.width - 1, NODES)) {
      const u = (2 * x) / (frame.width - 1) - 1
      const terms = [1, u, v, second(u), u * v, second(v)]
      const lambda = lampAt(index, x)
      for (let i = 0; i < 6; i++) {
        beside[i]! += terms[i]! * LIGHT_SPEED * Math.log(ownAt(index, x) / lambda)
        alone[i]! += terms[i]! * LIGHT_SPEED * Math.log(lambda * diffractionOrder(frame, index))
        for (let j = 0; j < 6; j++) normal[6 * i + j]! += terms[i]! * terms[j]!
      }
    }
  }
  for (let i = 0; i < 6; i++) normal[7 * i]! *= 1 + 1e-9 // fewer than three orders do not tell how they bend
  const [ofBeside, ofLamp] = [solve(normal, beside), solve(normal, alone)]
  return TERMS.map((one) => (one.beside ? ofBeside : ofLamp)[one.term]!)
}

const grid = (from: number, to: number, nodes: number) =>
  Array.from({ length: nodes }, (_, k) => from + ((to - from) * k) / (nodes - 1))
