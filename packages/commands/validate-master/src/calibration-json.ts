/** The record of one validation, as both descriptions of the calibration file know it. Null: there is none. */
export interface CalibrationRecord {
  IM_NAME: string
  TYPE: string
  /** Date of the first image. */
  DATE: string
  ORIGIN?: string
  TELESCOP?: string
  INSTRUME: string
  FILTER?: string
  MEAN: number
  MEDIAN: number
  RMS: number
  MEANDIFF: number | null
  MEDIANDIF: number | null
  RMSDIFF: number | null
  /** Null for the first of its kind, which nothing could be compared with. */
  VALID: boolean | null
}

const NUMBERS = ['MEAN', 'MEDIAN', 'RMS', 'MEANDIFF', 'MEDIANDIF', 'RMSDIFF'] as const
const UNITS: Record<string, string> = { bias: 'adu', dark: 'adu/s', flat: '' }

/**
 * The calibration file. `plan`: fourteen names, the last seven as objects of name, value, type, unit and errorcode;
 * `deployed`: plain numbers, MEDIANDIFF, a blank in the date, no ORIGIN or TELESCOP. Always a list.
 */
export function formatCalibrationJson(records: readonly CalibrationRecord[], schema: 'plan' | 'deployed'): string {
  const list = records.map((record) => (schema === 'plan' ? planned(record) : deployed(record)))
  return `${JSON.stringify(list, null, 2)}\n`
}

function planned(record: CalibrationRecord): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const key of ['IM_NAME', 'TYPE', 'DATE', 'ORIGIN', 'TELESCOP', 'INSTRUME', 'FILTER'] as const)
    out[key] = record[key] ?? ''
  const unit = UNITS[record.TYPE] ?? 'adu'
  for (const name of NUMBERS) {
    const value = finite(record[name])
    out[name] = { name, value, type: 'float', unit, errorcode: value === null ? 1 : 0 }
  }
  out.VALID = {
    name: 'VALID',
    value: record.VALID,
    type: 'boolean',
    unit: '',
    errorcode: record.VALID === null ? 1 : 0,
  }
  return out
}

function deployed(record: CalibrationRecord): Record<string, unknown> {
  const { IM_NAME, TYPE, DATE, INSTRUME, FILTER, MEAN, MEDIAN, RMS, MEANDIFF, MEDIANDIF, RMSDIFF, VALID } = record
  return {
    ...{ IM_NAME, TYPE, DATE: DATE.replace('T', ' ').slice(0, 19), INSTRUME, FILTER: FILTER ?? '' },
    ...{ MEAN: finite(MEAN), MEDIAN: finite(MEDIAN), RMS: finite(RMS) },
    ...{ MEANDIFF: finite(MEANDIFF), MEDIANDIFF: finite(MEDIANDIF), RMSDIFF: finite(RMSDIFF), VALID },
  }
}

const finite = (value: number | null) => (value !== null && Number.isFinite(value) ? value : null)

/** Reads either description, a list or a single object. Throws a SyntaxError or RangeError that says what is wrong. */
export function parseCalibrationJson(text: string): CalibrationRecord[] {
  const parsed: unknown = JSON.parse(text)
  const list = Array.isArray(parsed) ? parsed : [parsed]
  return list.map((entry, k) => readRecord(entry, k))
}

function readRecord(entry: unknown, k: number): CalibrationRecord {
  if (typeof entry !== 'object' || entry === null) throw new RangeError(`entry ${k + 1} is not an object`)
  const fields = entry as Record<string, unknown>
  const value = (name: string) => {
    const given = fields[name]
    return typeof given === 'object' && given !== null && 'value' in given ? (given as { value: unknown }).value : given
  }
  const text = (name: string) => {
    const given = value(name)
    return typeof given === 'string' && given !== '' ? given : undefined
  }
  const number = (name: string) => {
    const given = value(name)
    const parsed = typeof given === 'string' ? Number.parseFloat(given) : given
    return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : null
  }
  const need = (name: string) => {
    const given = text(name)
    if (given === undefined) throw new RangeError(`entry ${k + 1} has no ${name}`)
    return given
  }
  const valid = value('VALID')
  return {
    ...{
      IM_NAME: need('IM_NAME'),
      TYPE: need('TYPE').toLowerCase(),
      DATE: need('DATE').replace(' ', 'T'),
      INSTRUME: need('INSTRUME'),
    },
    ...{ ORIGIN: text('ORIGIN'), TELESCOP: text('TELESCOP'), FILTER: text('FILTER') },
    ...{ MEAN: number('MEAN') ?? Number.NaN, MEDIAN: number('MEDIAN') ?? Number.NaN, RMS: number('RMS') ?? Number.NaN },
    ...{
      MEANDIFF: number('MEANDIFF'),
      MEDIANDIF: number('MEDIANDIF') ?? number('MEDIANDIFF'),
      RMSDIFF: number('RMSDIFF'),
    },
    VALID: typeof valid === 'boolean' ? valid : valid === 'true' ? true : valid === 'false' ? false : null,
  }
}
