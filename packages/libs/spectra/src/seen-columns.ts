import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'

/** What a template leaves of one exposure, column by column. */
export interface Leftovers {
  /** what brings its wavelengths to rest, as a logarithm */
  toRest: number
  /** that the exposure was divided by; 0 where there is none */
  response: Float64Array
  /** exposure over template, less 1 */
  ratio: Float64Array
  /** 1 / sigma squared of that; 0 where there is none */
  weight: Float64Array
}

/** Exposures whose lines are further apart than so many columns have other columns under their lines. */
const APART = 4
/** Columns that stand out by so many times the scatter do not tell what the others differ by. */
const CLIP = 4
/** Fewest columns that tell it. */
const LEAST = 100
/** Halves agree when they do so beyond this many sigma of chance. */
const SURE = 3
/** Rounds in which weights and what they lead to are found. */
const ROUNDS = 5

/**
 * The response of columns as the light of a star shows it: what stays where it is while the star moves over the detector is the
 * detector's. Exposures go by their velocities to two halves, none of whose velocities is in the other; what both agree in
 * is believed, the rest (photons, and what a template does not follow of the star) is not: of the mean of both that part is
 * taken which their covariance explains. `step` is a column, as a logarithm of wavelength. Undefined where the
 * exposures have one velocity, or do not agree in anything.
 */
export function seenColumns(exposures: readonly Leftovers[], step: number): Float64Array | undefined {
  const halves = halvesOf(exposures, step)
  if (halves.length < 2) return undefined
  const [a, b] = halves.map(meanOf) as [Mean, Mean]
  const all = meanOf(exposures)
  const part = believed(a, b, all)
  return part && meanResponse(exposures).map((value, x) => value * (1 + part[x]! * all.value[x]!))
}

/** Exposures in order of their velocity; a new group where it is a line away. */
export function velocityGroups<T extends { toRest: number }>(exposures: readonly T[], step: number): T[][] {
  const groups: T[][] = []
  let start = Number.NEGATIVE_INFINITY
  for (const one of exposures.toSorted((p, q) => p.toRest - q.toRest)) {
    if (one.toRest - start > APART * step) {
      groups.push([])
      start = one.toRest
    }
    groups.at(-1)!.push(one)
  }
  return groups
}

/** Every second group in each half. */
const halvesOf = (exposures: readonly Leftovers[], step: number): Leftovers[][] => {
  const groups = velocityGroups(exposures, step)
  return [0, 1].map((half) => groups.filter((_, k) => k % 2 === half).flat()).filter((half) => half.length > 0)
}

interface Mean {
  value: Float64Array
  weight: Float64Array
}

function meanOf(exposures: readonly Leftovers[]): Mean {
  const n = exposures[0]!.ratio.length
  const [value, total] = [new Float64Array(n), new Float64Array(n)]
  for (const { ratio, weight } of exposures) {
    for (let x = 0; x < n; x++) {
      value[x]! += weight[x]! * ratio[x]!
      total[x]! += weight[x]!
    }
  }
  for (let x = 0; x < n; x++) if (total[x]! > 0) value[x]! /= total[x]!
  return { value, weight: total }
}

/**
 * The part of the mean that the detector explains, 0 to 1, column by column: what columns differ by over that and the noise of
 * this one. Undefined while chance may explain that the halves agree.
 */
function believed(a: Mean, b: Mean, all: Mean): Float64Array | undefined {
  const told = toldColumns(a, b, all)
  if (told.length < LEAST) return undefined
  let [real, noise] = [0, 1]
  for (let round = 0; round < ROUNDS; round++) {
    let [both, chance, square, photons, total] = [0, 0, 0, 0, 0]
    for (const x of told) {
      const weight = 1 / (real + noise / all.weight[x]!) ** 2
      const product = weight * a.value[x]! * b.value[x]!
      both += product
      chance += product ** 2
      square += weight * all.value[x]! ** 2
      photons += weight / all.weight[x]!
      total += weight
    }
    if (!(both > SURE * Math.sqrt(chance))) return undefined
    real = both / total
    noise = Math.max(0, square - both) / photons
  }
  return all.weight.map((weight) => (weight > 0 ? real / (real + noise / weight) : 0))
}

/** Columns that both halves have, without those that stand out. */
function toldColumns(a: Mean, b: Mean, all: Mean): number[] {
  const common = Array.from(all.value.keys()).filter((x) => a.weight[x]! > 0 && b.weight[x]! > 0)
  const pull = ({ value, weight }: Mean, x: number) => Math.abs(value[x]!) * Math.sqrt(weight[x]!)
  const means = [a, b, all]
  const limits = means.map((mean) => CLIP * MAD_TO_SIGMA * medianOf(Float64Array.from(common, (x) => pull(mean, x))))
  return common.filter((x) => means.every((mean, k) => pull(mean, x) <= limits[k]!))
}

function meanResponse(exposures: readonly Leftovers[]): Float64Array {
  const n = exposures[0]!.response.length
  const [sum, count] = [new Float64Array(n), new Float64Array(n)]
  for (const { response } of exposures) {
    for (let x = 0; x < n; x++) {
      if (!(response[x]! > 0)) continue
      sum[x]! += response[x]!
      count[x]!++
    }
  }
  return sum.map((value, x) => (count[x]! > 0 ? value / count[x]! : 0))
}
