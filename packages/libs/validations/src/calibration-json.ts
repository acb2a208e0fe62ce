import { parseDate } from '@nightpipe/sky'

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

/** What a calibration file holds, entry by entry: records, and entries that are none with the reason. */
export interface CalibrationFile {
  records: CalibrationRecord[]
  faults: { entry: number; name?: string; reason: string }[]
}

/** Reads either description, a list or a single object. Throws a SyntaxError or RangeError that says what is wrong. */
export function parseCalibrationJson(text: string): CalibrationRecord[] {
  const { records, faults } = readCalibrationJson(text)
  if (faults[0]) throw new RangeError(`entry ${faults[0].entry} ${faults[0].reason}`)
  return records
}

/** The same, where one bad entry must not lose the others. Throws a SyntaxError for what is no JSON at all. */
export function readCalibrationJson(text: string): CalibrationFile {
  const parsed: unknown = JSON.parse(text)
  const list = Array.isArray(parsed) ? parsed : [parsed]
  const file: CalibrationFile = { records: [], faults: [] }
  for (const [k, entry] of list.entries()) {
    try {
      file.records.push(readRecord(entry))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const name = (entry as { IM_NAME?: unknown } | null)?.IM_NAME
      file.faults.push({ entry: k + 1, ...(typeof name === 'string' ? { name } : {}), reason: error.message })
    }
  }
  return file
}

const TYPES = ['bias', 'dark', 'flat']

function readRecord(entry: unknown): CalibrationRecord {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw new RangeError('is not an object')
  const fields = entry as Record<string, unknown>
  const name = needed(fields, 'IM_NAME')
  const type = textOf(fields, 'TYPE')?.toLowerCase()
  if (!type || !TYPES.includes(type)) throw new RangeError(`has the TYPE '${type ?? ''}', none of ${TYPES.join(', ')}`)
  const date = needed(fields, 'DATE').replace(' ', 'T')
  if (!parseDate(date)) throw new RangeError(`has the DATE '${date}', which is none`)
  const number = (name: string) => numberOf(fields, name)
  return {
    ...{ IM_NAME: name, TYPE: type, DATE: date, INSTRUME: needed(fields, 'INSTRUME') },
    ...{ ORIGIN: textOf(fields, 'ORIGIN'), TELESCOP: textOf(fields, 'TELESCOP'), FILTER: textOf(fields, 'FILTER') },
    ...{ MEAN: number('MEAN') ?? Number.NaN, MEDIAN: number('MEDIAN') ?? Number.NaN, RMS: number('RMS') ?? Number.NaN },
    MEANDIFF: number('MEANDIFF'),
    MEDIANDIF: number('MEDIANDIF') ?? number('MEDIANDIFF'),
    RMSDIFF: number('RMSDIFF'),
    VALID: validOf(fields),
  }
}

/** Plain, or in an object with name, value, type, unit and errorcode; a value with an error code is none. */
function plainValue(fields: Record<string, unknown>, name: string): unknown {
  const given = fields[name]
  if (typeof given !== 'object' || given === null) return given
  const { value, errorcode } = given as { value?: unknown; errorcode?: unknown }
  return errorcode === undefined || Number(errorcode) === 0 ? value : null
}

function textOf(fields: Record<string, unknown>, name: string): string | undefined {
  const given = plainValue(fields, name)
  return typeof given === 'string' && given.trim() !== '' ? given.trim() : undefined
}

function needed(fields: Record<string, unknown>, name: string): string {
  const given = textOf(fields, name)
  if (given === undefined) throw new RangeError(`has no ${name}`)
  return given
}

function numberOf(fields: Record<string, unknown>, name: string): number | null {
  const given = plainValue(fields, name)
  if (given === undefined || given === null || given === '' || Number.isNaN(given)) return null
  const value = typeof given === 'string' ? (/^nan$/i.test(given.trim()) ? null : Number(given)) : given
  if (value === null) return null
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new RangeError(`has the ${name} '${String(given).slice(0, 40)}', which is no number`)
  return value
}

function validOf(fields: Record<string, unknown>): boolean | null {
  const given = plainValue(fields, 'VALID')
  if (given === undefined || given === null || given === '') return null
  const word = String(given).trim().toLowerCase()
  if (['true', 't', '1', 'yes'].includes(word)) return true
  if (['false', 'f', '0', 'no'].includes(word)) return false
  throw new RangeError(`has VALID '${word.slice(0, 40)}', neither true nor false`)
}
