import { median } from '@nightpipe/math'
import type { FlatImage } from './light-of-trace.js'
import { faintestLight, lightAlong, lightOnTrace, reachOfLook, type SeenLight } from './seen-light.js'
import { hasTrace, type Traces, traceY } from './traces.js'

/** Traces that are not those of a flat: refining them would give other orders, or other fibres, their names. */
export class ForeignTraces extends RangeError {}

/** Light this far from where it is looked for, rows, is another's. */
const BESIDE = 2.5
/** Of the traces with light near them at least this part must lie on it; and that many tell something. */
const ON_LIGHT = 0.7
const FEWEST = 4
/** A fibre is lit when more than this part of its traces is, and it has this part of the light of the brightest. */
const LIT = 0.6
const BRIGHT = 0.3

/** Why flats cannot be those of these traces: nothing is returned where they can. */
export function requireOwnTraces(
  images: readonly FlatImage[],
  lit: readonly (readonly number[])[],
  traces: Traces,
  moved: number,
): void {
  requireSequence(traces)
  const reach = reachOfLook(lit, traces)
  images.forEach((image, k) => {
    const seen = Array.from({ length: traces.fibres }, (_, fibre) =>
      Array.from({ length: traces.orders }, (_, order): SeenLight | undefined =>
        hasTrace(traces, order, fibre) ? lightOnTrace(image, traces, order, fibre, moved, reach) : undefined,
      ),
    )
    requireFibres(seen, lit[k]!)
    for (const fibre of lit[k]!) requireOnLight(seen[fibre] ?? [], fibre)
    for (const fibre of lit[k]!) requireAllOrders(image, seen[fibre] ?? [], traces, fibre, moved, reach)
  })
}

/** Orders follow one another upwards, and none is missing between two. */
function requireSequence(traces: Traces): void {
  const middle = traces.width >> 1
  for (let fibre = 0; fibre < traces.fibres; fibre++) {
    const orders = ordersOf(traces, fibre)
    const steps = orders.slice(1).map((order, k) => ({
      ...{ order, step: order - orders[k]! },
      rows: traceY(traces, order, fibre, middle) - traceY(traces, orders[k]!, fibre, middle),
    }))
    const down = steps.find(({ rows }) => !(rows > 0))
    if (down) throw new ForeignTraces(`order ${down.order} of fibre ${fibre} does not lie above the one before it`)
    steps.forEach(({ order, step, rows }, k) => {
      const near = [steps[k - 1], steps[k + 1]].flatMap((one) => (one ? [one.rows / one.step] : []))
      const even = near.length > 0 ? Math.min(...near) * step : rows
      if (near.length > 0 && rows > GAP * even)
        throw new ForeignTraces(
          `between orders ${order - step} and ${order} of fibre ${fibre} there is room for another`,
        )
    })
  }
}

/** The distance of two orders over that of the next ones, at most. */
const GAP = 1.7

const ordersOf = (traces: Traces, fibre: number) =>
  Array.from({ length: traces.orders }, (_, order) => order).filter((order) => hasTrace(traces, order, fibre))

const onLight = (one: SeenLight | undefined) => one !== undefined && one.lit > 0.5 && Math.abs(one.offset) <= BESIDE

const partOf = (seen: readonly (SeenLight | undefined)[]) => {
  const there = seen.filter((one) => one !== undefined && !Number.isNaN(one.lit))
  return there.length < FEWEST ? Number.NaN : there.filter(onLight).length / there.length
}

const brightness = (seen: readonly (SeenLight | undefined)[]) => {
  const heights = seen.filter(onLight).map((one) => one!.height)
  return heights.length > 0 ? median(heights) : 0
}

/** The fibres that the header calls lit are, and the others are not. */
function requireFibres(seen: readonly (readonly (SeenLight | undefined)[])[], lit: readonly number[]): void {
  const light = seen.map(brightness)
  const most = Math.max(...light)
  const real = light.flatMap((own, fibre) => (partOf(seen[fibre]!) > LIT && own > BRIGHT * most ? [fibre] : []))
  if (real.every((fibre) => lit.includes(fibre))) return
  const said = lit.join(', ')
  throw new ForeignTraces(
    `its header lights fibres ${said}, and its light is on fibres ${real.join(', ')} of the traces`,
  )
}

function requireOnLight(seen: readonly (SeenLight | undefined)[], fibre: number): void {
  const bright = seen.filter((one) => one !== undefined && one.lit > 0.5)
  const beside = bright.filter((one) => !onLight(one))
  if (bright.length < FEWEST || bright.length - beside.length >= ON_LIGHT * bright.length) return
  throw new ForeignTraces(`${beside.length} of ${bright.length} orders of fibre ${fibre} lie beside the light`)
}

/** The light next to the last trace is an order if it has this part of the light of that. */
const ANOTHER = 0.3
/** Where orders fade out, the next one would have less than this many times the faintest light that is seen. */
const FADED = 3

/** Where one end of the orders has light that no trace has, and the other a trace that has no light, all are off by one. */
function requireAllOrders(
  image: FlatImage,
  seen: readonly (SeenLight | undefined)[],
  traces: Traces,
  fibre: number,
  moved: number,
  reach: number,
): void {
  const orders = ordersOf(traces, fibre)
  if (orders.length < FEWEST) return
  for (const [inward, end] of [
    [orders, 'lowest'],
    [orders.toReversed(), 'highest'],
  ] as const) {
    const [a, b, c] = inward as [number, number, number]
    // the distances of orders change evenly
    const beyond = (x: number) => {
      const [ya, yb, yc] = [a, b, c].map((order) => traceY(traces, order, fibre, x)) as [number, number, number]
      return 3 * ya - 3 * yb + yc + moved
    }
    const more = lightAlong(image, beyond, reach)
    if (!onLight(seen[a]) || !onLight(more) || more.height < ANOTHER * seen[a]!.height) continue
    const last = inward.findLastIndex((order) => onLight(seen[order]))
    const empty = inward.slice(last + 1).filter((order) => seen[order]!.lit === 0)
    const [bright, before] = [seen[inward[last]!]!.height, seen[inward[last - 1]!]?.height ?? Number.NaN]
    if (empty.length === 0 || !(bright * Math.min(1, bright / before) > FADED * faintestLight(image))) continue
    throw new ForeignTraces(
      `beside the ${end} order of fibre ${fibre} there is light of one more, and ${empty.length} at the other end are dark: off by an order`,
    )
  }
}
