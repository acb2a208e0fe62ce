import { inverse, type Scattered } from '@nightpipe/math'
import { rotationTaps } from './rotation.js'
import { LIMB_DARKENING, type StarFit, type Surroundings } from './star-fit.js'
import { convolved, splinesAt } from './star-order.js'
import type { StarOrder } from './star-start.js'

/** Covariances of axes, turn and shift; rows of unknowns that are held at an end are 0. */
export interface StarErrors {
  /** of the noise, larger where the fit is worse than it allows */
  noise: Float64Array
  /** of mixing: axes and turn only */
  mixing: Float64Array
}

/** The covariances of a fit: of its noise, and of how well members are guessed from one another. */
export function errorsOf(orders: readonly StarOrder[], around: Surroundings, fit: StarFit): StarErrors {
  const size = fit.place.length + 2
  const free = Array.from({ length: size }, (_, k) => k).filter((k) => fit.ends[k] === undefined)
  const own = inverse(
    free.flatMap((k) => free.map((j) => fit.matrix[k * size + j]! * (k === j ? 1 + 1e-9 : 1))),
    free.length,
  )
  const covariance = new Float64Array(size * size)
  free.forEach((k, n) => {
    free.forEach((j, m) => {
      covariance[k * size + j] = own[n * free.length + m]!
    })
  })
  const worse = Math.max(1, fit.chiSquare / Math.max(1, fit.pixels - size))
  const told = whatMembersTell(orders, around, fit, covariance)
  return { noise: covariance.map((one) => worse * one), mixing: mixingErrors(around.mixing, around, fit, told) }
}

/**
 * For each axis and the rotation, what each member adds to it where it is mixed in: the estimate is linear in the spectra, and
 * this is its adjoint, taken to the samples of the set once instead of each member to the pixels.
 */
export function whatMembersTell(
  orders: readonly StarOrder[],
  { members }: Surroundings,
  fit: StarFit,
  covariance: Float64Array,
): Float64Array[] {
  const size = fit.place.length + 2
  const taps = rotationTaps(fit.turn, LIMB_DARKENING)
  const pad = taps.length - 1
  const told = Array.from({ length: size - 1 }, () => new Float64Array(members.length))
  const splines = new Float64Array(8)
  orders.forEach(({ data, stretch }, o) => {
    const { columns, level } = fit.orders[o]!
    const n = stretch.flux[0]!.length
    told.forEach((sums, wanted) => {
      const samples = new Float64Array(n + 2 * pad)
      for (let i = 0; i < data.u.length; i++) {
        if (!(level[i] !== 0)) continue
        const at = splinesAt((data.u[i]! - fit.shift - stretch.first) / stretch.step, n, splines)
        if (at < 0) continue
        let gain = 0
        for (let k = 0; k < size; k++) gain += covariance[wanted * size + k]! * columns[k]![i]!
        for (let s = 0; s < 4; s++) samples[pad + at + s]! += splines[s]! * gain * level[i]!
      }
      const spread = convolved(samples, taps)
      members.forEach((member, m) => {
        const flux = stretch.flux[member]!
        let sum = 0
        for (let k = 0; k < n; k++) sum += spread[k]! * flux[k]!
        sums[m]! += sum
      })
    })
  })
  return told
}

/** How near members must be to say how well they are guessed, in steps of the set. */
const NEAR = 2.3

/**
 * The error of a mix: what every member near the star would be told wrong, guessed from the others, over the deviation that such a
 * guess has by the distances alone; times that of the place of the star.
 */
function mixingErrors(
  mixing: Scattered,
  { places }: Surroundings,
  fit: StarFit,
  told: readonly Float64Array[],
): Float64Array {
  const size = told.length
  const out = new Float64Array(size * size)
  const wrong = told.map((values) => mixing.leftOut(values))
  const { variance } = mixing.at(fit.place)
  let number = 0
  places.forEach((place, i) => {
    const distance = Math.sqrt(place.reduce((sum, one, k) => sum + (one - fit.place[k]!) ** 2, 0))
    if (distance > NEAR || mixing.leftOutVariance[i]! > 1e6) return
    number++
    for (let k = 0; k < size; k++)
      for (let j = 0; j < size; j++) out[k * size + j]! += (wrong[k]![i]! * wrong[j]![i]!) / mixing.leftOutVariance[i]!
  })
  if (number >= 3) return out.map((one) => (one * variance) / number)
  // too few to be tried on themselves: anywhere within half a step
  out.fill(0)
  for (let k = 0; k < size - 1; k++) out[k * size + k] = 1 / 12
  return out
}
