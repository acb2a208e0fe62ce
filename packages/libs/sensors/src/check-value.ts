import { power } from '@nightpipe/math'
import { corrected, parseModel } from './correction.js'
import { numberOf, type SensorRecord } from './record.js'

/** A record whose value is that of its correction model, and what was odd about it. */
export interface Checked {
  record: SensorRecord
  notes: string[]
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Digits behind the point of a written number. */
const digitsOf = (text: string) => /\.(\d*)/.exec(text)?.[1]?.length ?? 0

/**
 * Holds the value of a record against its raw value and correction model. The value is kept where it agrees to its last
 * written digit; where it differs, or there is none, that of the model is taken and a note says so.
 */
export function checkValue(record: SensorRecord): Checked {
  if (record.error_code !== 0 || record.type === 'string') return { record, notes: [] }
  const model = parseModel(record.correction_model)
  if (model === undefined) return { record, notes: [] }
  if ('problem' in model) return { record, notes: [model.problem] }
  const raw = record.raw_value.trim()
  if (!NUMBER.test(raw)) return { record, notes: [`raw value '${record.raw_value}' is no number: not corrected`] }
  const expected = corrected(model, Number(raw))
  const digits = Math.max(digitsOf(record.value), digitsOf(raw))
  const told = numberOf(record)
  const half = 0.5000001 * power(10, -digitsOf(record.value))
  if (told !== undefined && Math.abs(told - expected) <= half) return { record, notes: [] }
  const value = `${expected < 0 ? '' : '+'}${expected.toFixed(digits)}`
  return {
    record: { ...record, value },
    notes: [`value ${record.value} is not that of ${record.correction_model} (${value})`],
  }
}
