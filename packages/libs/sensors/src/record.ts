import { parseDate } from '@nightpipe/sky'

/** The fields of a record, in the order in which they are written. */
export const FIELDS = [
  ...[
    'name',
    'value',
    'date',
    'pretty_name',
    'subsystem',
    'component',
    'group',
    'model',
    'identifier',
    'firmware',
    'type',
  ],
  ...['unit', 'correction_model', 'raw_value', 'error_code'],
] as const
export type Field = (typeof FIELDS)[number]

/** One reading of one sensor. Values are texts with a sign ('+0.0'), as their makers write them; the error code is a number. */
export interface SensorRecord {
  name: string
  value: string
  /** UTC, to seconds or better, without a zone */
  date: string
  pretty_name: string
  subsystem: string
  component: string
  group: string
  model: string
  identifier: string
  firmware: string
  type: string
  unit: string
  correction_model: string
  raw_value: string
  /** 0: good */
  error_code: number
  /** fields that we do not know, kept as they came */
  extra?: Readonly<Record<string, unknown>>
}

/** What older suppliers call fields. */
const OLD_NAMES: ReadonlyMap<string, Field> = new Map([
  ['device', 'component'],
  ['origin', 'subsystem'],
])
const TYPES = ['integer', 'float', 'string'] as const

/** A record out of JSON; undefined with the reasons when it cannot be one. */
export function readRecord(json: unknown): { record?: SensorRecord; problems: string[] } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { problems: ['not an object'] }
  const fields = fieldsOf(json as Record<string, unknown>)
  const problems: string[] = []
  for (const field of FIELDS) {
    const value = fields[field]
    if (value === undefined) problems.push(`no ${field}`)
    if (value === undefined || typeof value === 'string' || field === 'error_code') continue
    if (typeof value === 'number' && (field === 'value' || field === 'raw_value')) fields[field] = signed(value)
    else problems.push(`${field} is ${kindOf(value)}, a text is expected`)
  }
  const code = fields.error_code
  const whole = typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : code
  if (code !== undefined && !(Number.isInteger(whole) && (whole as number) >= 0))
    problems.push(`error_code is ${JSON.stringify(code)}, a whole number from 0 is expected`)
  if (problems.length > 0) return { problems }
  fields.error_code = whole
  const record = fields as unknown as SensorRecord
  const more = problemsOf(record)
  return more.length > 0 ? { problems: more } : { record, problems: [] }
}

const KNOWN: ReadonlySet<string> = new Set(FIELDS)

/** The fields under the names that we use; those that we do not know as `extra`. */
function fieldsOf(given: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(given)) {
    const known = KNOWN.has(key) ? key : OLD_NAMES.get(key)
    if (!known) fields.extra = { ...(fields.extra as object | undefined), [key]: given[key] }
    else if (fields[known] === undefined) fields[known] = given[key]
  }
  return fields
}

const kindOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value)

/** '+1.5', '-2': the way in which the suppliers write numbers. */
export const signed = (value: number) => (value < 0 || Object.is(value, -0) ? String(value) : `+${value}`)

/** All that is wrong with the contents of a record. A value that its error code disowns may be anything. */
export function problemsOf(record: SensorRecord): string[] {
  const problems: string[] = []
  if (record.name.trim() === '') problems.push('name is empty')
  if (mjdOf(record) === undefined) problems.push(`date '${record.date}' is none`)
  if (!(TYPES as readonly string[]).includes(record.type))
    problems.push(`type '${record.type}' is none (${TYPES.join(', ')})`)
  if (record.error_code !== 0) return problems
  const number = numberOf(record)
  if (record.type !== 'string' && number === undefined) problems.push(`value '${record.value}' is no ${record.type}`)
  return problems
}

const PLAIN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/

/** When it was read (MJD, UTC). */
export function mjdOf({ date }: Pick<SensorRecord, 'date'>): number | undefined {
  // What nearly all are, without a look at what else a date might be.
  if (PLAIN.test(date)) {
    const milliseconds = Date.parse(`${date}Z`)
    return Number.isNaN(milliseconds) ? undefined : milliseconds / 86400000 + 40587
  }
  const parsed = parseDate(date)
  return parsed?.hasTime ? parsed.mjd : undefined
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const INTEGER = /^[+-]?\d+$/

/** The value as a number, where its type is one. */
export function numberOf({ value, type }: Pick<SensorRecord, 'value' | 'type'>): number | undefined {
  const word = value.trim()
  if (type === 'integer' ? INTEGER.test(word) : type === 'float' && NUMBER.test(word)) return Number(word)
  return undefined
}
