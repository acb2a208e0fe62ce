import { medianOf } from '@nightpipe/math'
import { velocityGroups } from './seen-columns.js'
import type { UniformSpline } from './spline-fit.js'
import type { Samples } from './template-samples.js'

/**
 * One sigma of a template at a place where it has a value: of the samples that one knot has around it, and of their response.
 * Exposures of one velocity have the same columns there, whose flat is wrong in all of them alike. Undefined where the
 * samples have less than the part `least` of their typical weight.
 */
export function templateErrors(
  series: readonly Samples[],
  kept: readonly Float64Array[],
  scales: readonly Float64Array[],
  { first, step, coefficients }: UniformSpline,
  least: number,
): (u: number, value: number) => number | undefined {
  // Samples share their weight between the middles of the two knot intervals around them: none jumps from one to the next.
  const placeOf = (u: number) => (u - first) / step + 0.5
  const length = coefficients.length + 1
  const shared = (k: number, factor: Float64Array | undefined, out: Float64Array) => {
    const { u } = series[k]!
    for (let i = 0; i < u.length; i++) {
      const place = placeOf(u[i]!)
      const bin = Math.floor(place)
      const weight = kept[k]![i]! * scales[k]![i]! ** 2 * (factor ? factor[i]! ** 2 : 1)
      out[bin]! += weight * (1 - place + bin)
      out[bin + 1]! += weight * (place - bin)
    }
  }
  const [weightAt, flatAt] = [new Float64Array(length), new Float64Array(length)]
  for (const group of velocityGroups(
    [...series.entries()].map(([k, { toRest }]) => ({ k, toRest })),
    step,
  )) {
    const [own, wrong] = [new Float64Array(length), new Float64Array(length)]
    for (const { k } of group) {
      shared(k, undefined, own)
      if (series[k]!.flatError) shared(k, series[k]!.flatError, wrong)
    }
    for (let bin = 0; bin < length; bin++) {
      weightAt[bin]! += own[bin]!
      flatAt[bin]! += own[bin]! * wrong[bin]!
    }
  }
  const enough = least * medianOf(weightAt.filter((one) => one > 0))
  return (u, value) => {
    const place = placeOf(u)
    const bin = Math.floor(place)
    const between = (sums: Float64Array) => (1 - place + bin) * sums[bin]! + (place - bin) * sums[bin + 1]!
    const near = between(weightAt)
    if (!(near > enough)) return undefined
    return Math.sqrt(1 + (between(flatAt) * (value * value)) / near) / Math.sqrt(near)
  }
}
