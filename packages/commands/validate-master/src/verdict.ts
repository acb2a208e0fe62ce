import type { CalibrationRow } from '@nightpipe/calibrations'
import { mostSpecific } from '@nightpipe/config'
import type { Comparison } from './compare.js'
import type { Limits } from './schema.js'

/** Why a candidate is not accepted: a word for machines, and a sentence. */
export interface Reason {
  code:
    | 'TYPE'
    | 'INSTRUMENT'
    | 'CAMERA'
    | 'FILTER'
    | 'BINNING'
    | 'READMODE'
    | 'SIZE'
    | 'MEAN'
    | 'RMS'
    | 'DEVIATING'
    | 'NO_PIXEL'
    | 'NO_REFERENCE'
  text: string
}

/** What must be the same in the headers of candidate and reference; what either does not say is not compared. */
export function headerReasons(candidate: CalibrationRow, reference: CalibrationRow): Reason[] {
  const keys = ['type', 'instrument', 'camera', 'filter', 'binning', 'readmode'] as const
  const reasons: Reason[] = []
  for (const key of keys) {
    const [has, wants] = [candidate[key], reference[key]]
    if (key === 'filter' && candidate.type !== 'flat') continue
    if (has === undefined || wants === undefined || has === wants) continue
    reasons.push({ code: key.toUpperCase() as Reason['code'], text: `${key} is ${has}, in force is ${wants}` })
  }
  const size = (row: CalibrationRow) => `${row.width_px}x${row.height_px}`
  if (size(candidate) !== size(reference)) {
    reasons.push({ code: 'SIZE', text: `is ${size(candidate)}, in force is ${size(reference)}` })
  }
  return reasons
}

/** The limits for this kind of master: those of type, instrument and filter before those of type before the general ones. */
export function limitsFor(limits: Record<string, Limits>, { type, instrument, filter = '' }: CalibrationRow): Limits {
  const found = mostSpecific(limits, [type, instrument, filter])
  if (!found) throw new RangeError('no [limits] at all')
  return found
}

export function comparisonReasons(comparison: Comparison, limits: Limits): Reason[] {
  const { mean, rms, deviating, count } = comparison
  if (count === 0) return [{ code: 'NO_PIXEL', text: 'no pixel is good in both' }]
  const reasons: Reason[] = []
  const outside = (value: number, low: number, high: number) => !(value >= low && value <= high)
  if (outside(mean, limits.mean_min, limits.mean_max)) {
    reasons.push({
      code: 'MEAN',
      text: `mean of the ${limits.mode} is ${show(mean)}, allowed ${limits.mean_min} to ${limits.mean_max}`,
    })
  }
  if (outside(rms, limits.rms_min, limits.rms_max)) {
    reasons.push({
      code: 'RMS',
      text: `rms of the ${limits.mode} is ${show(rms)}, allowed ${limits.rms_min} to ${limits.rms_max}`,
    })
  }
  if (deviating > limits.deviating_max) {
    reasons.push({
      code: 'DEVIATING',
      text: `${show(100 * deviating)} % of the pixels deviate, allowed ${show(100 * limits.deviating_max)} %`,
    })
  }
  return reasons
}

const show = (value: number) => String(Number(value.toPrecision(4)))
