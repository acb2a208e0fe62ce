import type { PlateModel } from './sky-lens.js'
import type { Plate, PlatePairs } from './sky-plate.js'
import { residualsOf } from './sky-residuals.js'

/** Which pairs count, and their errors, pixels. */
export interface Weighed {
  used: Uint8Array
  sigma: Float64Array
}

/** Fits a model to the pairs that count. */
export type FitModel = (model: PlateModel, weighed: Weighed) => Plate

/** Pairs are left out in so many turns. */
const TURNS = 8
/** A model of more numbers must bring the squares at left-out stars down to this part. */
const PART = 0.8

/**
 * Of models in the order of their numbers the one that tells best where stars are that had no part in the fit (Stone 1974,
 * J. R. Stat. Soc. B 36, 111). Unlike chi-square this does not trust the errors, nor the few stars of the smallest.
 */
export function bestAtLeftOut(models: readonly PlateModel[], pairs: PlatePairs, weighed: Weighed, fit: FitModel) {
  let best = models[0]
  if (models.length === 1) return best
  const errors = evenedOut(weighed)
  let least = squaresAtLeftOut(best, pairs, weighed, errors, fit)
  for (const model of models.slice(1)) {
    const squares = squaresAtLeftOut(model, pairs, weighed, errors, fit)
    if (!(squares < PART * least)) continue
    least = squares
    best = model
  }
  return best
}

function squaresAtLeftOut(
  model: PlateModel,
  pairs: PlatePairs,
  { used, sigma }: Weighed,
  errors: Float64Array,
  fit: FitModel,
): number {
  let sum = 0
  for (let turn = 0; turn < TURNS; turn++) {
    // stars come in the order of their light: every turn leaves out bright and faint ones
    const plate = fit(model, { used: used.map((value, k) => (k % TURNS === turn ? 0 : value)), sigma })
    const { dx, dy } = residualsOf(plate, pairs)
    for (let k = turn; k < dx.length; k += TURNS) if (used[k]) sum += (dx[k] ** 2 + dy[k] ** 2) / errors[k] ** 2
  }
  return sum
}

/** Errors with that of a middling star added, so that no star is worth many others. */
function evenedOut({ used, sigma }: Weighed): Float64Array {
  const sorted = sigma.filter((_, k) => used[k] === 1).sort()
  const middling = sorted[sorted.length >> 1]
  return sigma.map((value) => Math.hypot(value, middling))
}
