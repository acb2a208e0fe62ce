import { medianOf } from '@nightpipe/math'
import { StarFlag } from '@nightpipe/stars'
import { instrumental, MAG } from './calibrate.js'
import { type Ensemble, type Magnitudes, solveEnsemble } from './ensemble.js'
import { scintillation } from './frame-facts.js'
import { type Indices, indicesOf, restlessness } from './indices.js'
import type { Linked } from './link-stars.js'
import { type FrameFluxes, readFrameFluxes, type SeriesFrame } from './read-product.js'
import type { Config } from './schema.js'
import { removeTrends } from './sysrem.js'

/** The light curves of one filter. */
export interface Curves {
  filter: string
  /** Numbers of its frames in the series, in the order of time. */
  frames: number[]
  value: Float32Array
  error: Float32Array
  /** What was measured before the ensemble. */
  raw: Float32Array
  ensemble: Ensemble
  indices: Indices[]
  restlessness: number[]
  /** True where magnitudes are those of the catalogue. */
  calibrated: boolean
  /** What was added to bring them there, or 0. */
  offset: number
  /** Which flux each star has: number of the circle, or `psf`, `total`. */
  source: string[]
}

/** Stars with these flags do not compare. */
const UNSTEADY = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay | StarFlag.neighbours

export function lightCurves(
  all: readonly SeriesFrame[],
  linked: Linked,
  config: Config,
  memoryBytes: number,
): Curves[] {
  const filters = [...new Set(all.map(({ filter }) => filter))].sort()
  const lost = new Set(linked.lost.map(({ frame }) => frame))
  return filters.flatMap((filter) => {
    const frames = Array.from(all.keys()).filter((k) => all[k]!.filter === filter && !lost.has(k))
    frames.sort((a, b) => (all[a]!.mjd || 0) - (all[b]!.mjd || 0) || a - b)
    return frames.length < 2 ? [] : [curvesOf(filter, frames, all, linked, config, memoryBytes)]
  })
}

function curvesOf(
  filter: string,
  frames: number[],
  all: readonly SeriesFrame[],
  linked: Linked,
  config: Config,
  memoryBytes: number,
): Curves {
  const fluxes = gather(frames, all, linked, config, memoryBytes)
  const candidates = candidatesOf(fluxes.main, frames, all, linked, config)
  const { width, height } = all[linked.reference]!
  const options = {
    ...{ candidates, most: config.series.comparisons, order: config.series.order },
    place: { width, height, x: linked.x, y: linked.y },
  }
  const solved = [...fluxes.sets].map(([name, data]) => ({ name, data, ensemble: solveEnsemble(data, options) }))
  for (const { data, ensemble } of solved) {
    if (config.series.effects > 0)
      removeTrends(ensemble.value, ensemble.error, data.stars, data.frames, config.series.effects)
  }
  const choice = chooseSource(solved, linked.count, frames.length)
  const { offset, calibrated } = anchor(solved, fluxes.calibrated, frames.length)
  const n = linked.count * frames.length
  const [value, error, raw] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)]
  for (let j = 0; j < linked.count; j++) {
    const { data, ensemble } = solved[choice[j]!]!
    for (let p = j * frames.length; p < (j + 1) * frames.length; p++) {
      value[p] = ensemble.value[p]! + offset[choice[j]!]!
      error[p] = ensemble.error[p]!
      raw[p] = data.value[p]!
    }
  }
  const rows = (array: Float32Array, j: number) => array.subarray(j * frames.length, (j + 1) * frames.length)
  const indices = Array.from({ length: linked.count }, (_, j) => indicesOf(rows(value, j), rows(error, j)))
  const main = solved.find(({ name }) => name === fluxes.mainName)!
  return {
    ...{ filter, frames, value, error, raw, indices, calibrated, ensemble: main.ensemble },
    ...{ restlessness: restlessness(indices), offset: offset[solved.indexOf(main)]! },
    source: Array.from(choice, (k) => solved[k]!.name),
  }
}

/** Magnitudes of all linked stars in the frames of a filter, for each kind of flux that is tried. */
function gather(
  frames: readonly number[],
  all: readonly SeriesFrame[],
  linked: Linked,
  { series, noise }: Config,
  memoryBytes: number,
) {
  const first = readFrameFluxes(all[frames[0]!]!.path)
  const wanted = kindsOf(first, series.flux)
  const bytes = 8 * linked.count * frames.length
  // what does not fit is not tried
  const kinds = wanted.slice(0, Math.max(1, Math.min(wanted.length, Math.floor(memoryBytes / 4 / Math.max(1, bytes)))))
  const blank = () => new Float32Array(linked.count * frames.length).fill(Number.NaN)
  const sets = new Map<string, Magnitudes>(
    kinds.map((kind) => [kind, { stars: linked.count, frames: frames.length, value: blank(), error: blank() }]),
  )
  const calibrated = blank()
  frames.forEach((k, i) => {
    const fluxes = k === frames[0] ? first : readFrameFluxes(all[k]!.path)
    const { exposure, airmass } = all[k]!
    const twinkle = scintillation(noise.diameter, noise.altitude, exposure, airmass >= 1 ? airmass : 1)
    for (const [kind, set] of sets) {
      const source = fluxOf(fluxes, kind)
      if (!source) continue
      linked.rows[k]!.forEach((row, j) => {
        if (row < 0 || !(source.flux[row]! > 0)) return
        set.value[j * frames.length + i] = instrumental(source.flux[row]!, exposure)
        set.error[j * frames.length + i] = Math.hypot((MAG * source.error[row]!) / source.flux[row]!, twinkle)
      })
    }
    if (fluxes.calibrated) {
      linked.rows[k]!.forEach((row, j) => {
        if (row >= 0) calibrated[j * frames.length + i] = fluxes.calibrated![row]!
      })
    }
  })
  return { sets, calibrated, main: sets.get(kinds[0]!)!, mainName: kinds[0]! }
}

/** What is tried, the one that candidates are judged by first. */
function kindsOf(first: FrameFluxes, wanted: string): string[] {
  if (wanted === 'psf') return [first.psf ? 'psf' : 'total']
  if (wanted === 'aperture') return ['total']
  const circles = first.circles.map((_, k) => `circle ${k + 1}`)
  return ['total', ...circles, ...(first.psf ? ['psf'] : [])]
}

function fluxOf(fluxes: FrameFluxes, kind: string) {
  if (kind === 'total') return fluxes.total
  if (kind === 'psf') return fluxes.psf
  return fluxes.circles[Number(kind.slice(7)) - 1]
}

/** Stars that may compare: seen in nearly all frames, bright, with nothing wrong. */
function candidatesOf(
  data: Magnitudes,
  frames: readonly number[],
  all: readonly SeriesFrame[],
  linked: Linked,
  config: Config,
): number[] {
  const judged = Array.from({ length: linked.count }, (_, j) => {
    let [seen, clean] = [0, 0]
    const errors: number[] = []
    frames.forEach((k, i) => {
      if (!Number.isFinite(data.value[j * frames.length + i]!)) return
      seen++
      errors.push(data.error[j * frames.length + i]!)
      if ((all[k]!.flags[linked.rows[k]![j]!]! & UNSTEADY) === 0) clean++
    })
    return {
      j,
      seen: seen / frames.length,
      clean: clean / frames.length,
      error: errors.length > 0 ? medianOf(errors) : Number.POSITIVE_INFINITY,
    }
  })
  const limit = MAG / config.series['comparison signal']
  const pick = (seen: number, clean: number, error: number) =>
    judged.filter((star) => star.seen >= seen && star.clean >= clean && star.error <= error).map(({ j }) => j)
  // the best there are, where the field has few
  for (const [seen, clean, error] of [
    [0.9, 0.9, limit],
    [0.9, 0.5, limit],
    [0.7, 0, 3 * limit],
  ] as const) {
    const found = pick(seen, clean, error)
    if (found.length >= 5) return found
  }
  return pick(0.5, 0, Number.POSITIVE_INFINITY)
}

interface Solved {
  name: string
  data: Magnitudes
  ensemble: Ensemble
}

/** For each star the flux with the least scatter among the stars about as bright: no star chooses for itself. */
function chooseSource(solved: readonly Solved[], stars: number, frames: number): Int32Array {
  const choice = new Int32Array(stars)
  if (solved.length === 1) return choice
  const mean = solved[0]!.ensemble.mean
  const scatter = solved.map(({ ensemble }) =>
    Array.from({ length: stars }, (_, j) => {
      const row = (array: Float32Array) => array.subarray(j * frames, (j + 1) * frames)
      const { scatter: found, points } = indicesOf(row(ensemble.value), row(ensemble.error))
      return points >= 0.5 * frames && found > 0 ? Math.log(found) : Number.NaN
    }),
  )
  const order = Array.from({ length: stars }, (_, j) => j).filter((j) => Number.isFinite(mean[j]!))
  order.sort((a, b) => mean[a]! - mean[b]! || a - b)
  order.forEach((j, k) => {
    const near = order.slice(Math.max(0, k - 15), k + 16)
    let least = Number.POSITIVE_INFINITY
    scatter.forEach((of, s) => {
      const known = near.map((other) => of[other]!).filter(Number.isFinite)
      if (known.length < 0.6 * near.length || known.length === 0) return
      const typical = medianOf(known)
      if (typical >= least - 1e-6) return
      least = typical
      choice[j] = s
    })
  })
  return choice
}

/** Brings each kind of flux to the magnitudes of the catalogue, by the comparison stars; or leaves them instrumental. */
function anchor(solved: readonly Solved[], calibrated: Float32Array, frames: number) {
  const offset = solved.map(({ ensemble }) => {
    const differences: number[] = []
    ensemble.comparison.forEach((is, j) => {
      if (!is) return
      for (let p = j * frames; p < (j + 1) * frames; p++) {
        const difference = calibrated[p]! - ensemble.value[p]!
        if (Number.isFinite(difference)) differences.push(difference)
      }
    })
    return differences.length > 0 ? medianOf(differences) : Number.NaN
  })
  if (offset.every(Number.isFinite)) return { offset, calibrated: true }
  // instrumental: all on the scale of the first
  const reference = solved[0]!.ensemble
  const shifts = solved.map(({ ensemble }) => {
    const differences: number[] = []
    reference.comparison.forEach((is, j) => {
      if (is && Number.isFinite(ensemble.mean[j]!)) differences.push(reference.mean[j]! - ensemble.mean[j]!)
    })
    return differences.length > 0 ? medianOf(differences) : 0
  })
  return { offset: shifts, calibrated: false }
}
