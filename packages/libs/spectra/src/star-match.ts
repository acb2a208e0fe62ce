import { MAD_TO_SIGMA, medianOf, type Scattered, type ScatteredKind, scattered } from '@nightpipe/math'
import { type Axis, placesOf } from './star-axes.js'
import { errorsOf, type StarErrors } from './star-errors.js'
import { fitStar, type StarFit, type Surroundings } from './star-fit.js'
import type { SetMember } from './star-set.js'
import { type RoughFit, type StarOrder, turnOf } from './star-start.js'

/** A fit that has converged, and how well it is known. */
export interface MatchedStar {
  fit: StarFit
  around: Surroundings
  errors: StarErrors
}

/** Ways of mixing, the smoothest first; which of them serves is seen by members that are left out. */
const KINDS: readonly ScatteredKind[] = [
  { power: 5, degree: 2 },
  { power: 3, degree: 2 },
  { power: 3, degree: 1 },
]

/** The fit of the star, from the likeliest member; from the second rotation, too, where that is about as likely. */
export function matchStar(
  orders: readonly StarOrder[],
  members: readonly SetMember[],
  axes: readonly Axis[],
  rough: readonly RoughFit[],
  shift: number,
): MatchedStar {
  const { step } = orders[0]!.stretch
  const places = members.map((member) => placesOf(member, axes))
  const starts = [rough[0]!, rough.find(({ vsini }) => vsini !== rough[0]!.vsini)].filter(
    (one): one is RoughFit => one !== undefined && one.chiSquare < 1.3 * rough[0]!.chiSquare,
  )
  const fitted = starts.map(({ member, vsini }) => {
    const around = surroundings(places, member, places[member]!, KINDS)
    const place = around.low.length > 0 ? places[member]! : new Float64Array(0)
    const added = Math.max(0, turnOf(vsini, step) - turnOf(members[member]!.vsini, step))
    return { around, fit: fitStar(orders, around, { place, turn: added, shift }) }
  })
  const likeliest = fitted.reduce((a, b) => (b.fit.chiSquare < a.fit.chiSquare ? b : a))
  let { fit, around } = likeliest
  clipPixels(orders, fit)
  around = surroundings(places, rough[0]!.member, fit.place, KINDS)
  fit = fitStar(orders, around, fit)
  return { fit, around, errors: errorsOf(orders, around, fit) }
}

/** How far a fit may go beyond the ends of the set, in its steps: stars at an end are scattered to both sides of it by noise. */
const BEYOND = 0.15

/** Members that are mixed at once. */
const MIXED = 64

/** The members around a place, mixed in the first way that they allow; only the nearest one where they allow none. */
function surroundings(
  places: readonly Float64Array[],
  nearest: number,
  place: Float64Array,
  kinds: readonly ScatteredKind[],
): Surroundings {
  const axes = place.length
  const distance = places.map((one) => one.reduce((sum, at, k) => sum + (at - place[k]!) ** 2, 0))
  const members = [...places.keys()].sort((a, b) => distance[a]! - distance[b]! || a - b).slice(0, MIXED)
  const own = members.map((k) => places[k]!)
  const extreme = (of: (...values: number[]) => number, more: number) =>
    Float64Array.from({ length: axes }, (_, k) => more + places.reduce((end, one) => of(end, one[k]!), places[0]![k]!))
  const [low, high] = [extreme(Math.min, -BEYOND), extreme(Math.max, BEYOND)]
  for (const kind of axes > 0 ? kinds : []) {
    try {
      const mixing = scattered(own, kind)
      return { members, places: own, low, high, mixing }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  const none = new Float64Array(0)
  return { members: [nearest], places: [none], low: none, high: none, mixing: alone() }
}

/** One member by itself. */
const alone = (): Scattered => ({
  at: () => ({ weights: Float64Array.of(1), slopes: [], variance: 0 }),
  leftOut: () => Float64Array.of(0),
  leftOutVariance: Float64Array.of(1),
})

/** Sets pixels aside that no star explains, such as cosmic rays, with their neighbours; more freely where the whole fit is bad. */
function clipPixels(orders: readonly StarOrder[], { orders: fits }: StarFit): void {
  orders.forEach(({ data }, k) => {
    const pulls = data.flux.map((flux, i) =>
      data.used[i] === 1 ? Math.abs(flux - fits[k]!.fitted[i]!) * data.root[i]! : Number.NaN,
    )
    const limit = 6 * Math.max(1, MAD_TO_SIGMA * medianOf(pulls.slice()))
    pulls.forEach((pull, i) => {
      if (pull > limit) for (const p of [i - 1, i, i + 1]) if (data.used[p] === 1) data.used[p] = 0
    })
  })
}
