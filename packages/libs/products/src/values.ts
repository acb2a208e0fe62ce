import type { DataType, Entry, Value } from './descriptor.js'

/** TFORM of a column whose descriptor names only its type. */
const FORMATS: Readonly<Record<DataType, string>> = {
  string: '32A',
  integer: '1J',
  float: '1E',
  double: '1D',
  boolean: '1L',
}

const TYPES: Readonly<Record<string, DataType>> = {
  A: 'string',
  B: 'integer',
  I: 'integer',
  J: 'integer',
  K: 'integer',
  E: 'float',
  D: 'double',
  L: 'boolean',
}

/** `double`, `string(50)`, or the format of a column: `50A`, `1D`. Undefined for anything else. */
export function readType(said: string): { dataType: DataType; format: string } | undefined {
  const word = said.trim()
  const wide = /^(?:string|str|char)\s*\(\s*(\d+)\s*\)$/i.exec(word)
  if (wide) return { dataType: 'string', format: `${Number(wide[1])}A` }
  const plain = ALIASES[word.toLowerCase()]
  if (plain) return { dataType: plain, format: FORMATS[plain] }
  const form = /^(\d*)([ABIJKEDL])$/.exec(word)
  if (!form || form[1] === '0') return undefined
  return { dataType: TYPES[form[2]!]!, format: `${form[1] || 1}${form[2]}` }
}

const ALIASES: Readonly<Record<string, DataType | undefined>> = {
  string: 'string',
  str: 'string',
  integer: 'integer',
  int: 'integer',
  float: 'float',
  real: 'float',
  double: 'double',
  boolean: 'boolean',
  bool: 'boolean',
  logical: 'boolean',
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$/

/** A text as a value of a type; undefined when it is none. */
export function readValue(text: string, type: DataType): Value | undefined {
  const word = text.trim()
  if (type === 'string') return word
  if (type === 'boolean') {
    if (/^(true|t|yes|1)$/i.test(word)) return true
    return /^(false|f|no|0)$/i.test(word) ? false : undefined
  }
  if (!NUMBER.test(word)) return undefined
  const number = Number(word.replace(/d/i, 'e'))
  return type === 'integer' && !Number.isSafeInteger(number) ? undefined : number
}

/** What the integers of a column can be. */
const INTEGERS: Readonly<Record<string, [number, number]>> = {
  B: [0, 255],
  I: [-32768, 32767],
  J: [-2147483648, 2147483647],
}

/** Why FITS cannot hold a value: in a column of that format, or in a header; undefined when it can. */
export function faultOfValue(value: Value, format?: string): string | undefined {
  if (typeof value === 'string' && !/^[ -~]*$/.test(value)) return 'has letters that FITS does not know'
  const [, count = '1', letter = ''] = /^(\d*)([A-Z])$/.exec(format ?? '') ?? []
  if (typeof value === 'string' && letter === 'A' && value.length > Number(count))
    return `is longer than its column of ${count}`
  const limits = typeof value === 'number' ? INTEGERS[letter] : undefined
  if (limits && ((value as number) < limits[0] || (value as number) > limits[1]))
    return `is beyond ${limits[0]}..${limits[1]} of a column ${format}`
  return undefined
}

/** `low..high` of a range. */
function limitsOf(part: string): [number, number] | undefined {
  const [, low, high] = /^\s*(.*?)\s*\.\.\s*(.*?)\s*$/.exec(part) ?? []
  if (low === undefined || high === undefined) return undefined
  const ends: [number, number] = [
    low === '' ? Number.NEGATIVE_INFINITY : Number(low),
    high === '' ? Number.POSITIVE_INFINITY : Number(high),
  ]
  return ends.some(Number.isNaN) ? undefined : ends
}

/** Why a part of a range cannot be one of values of this type; undefined when it can. */
export function faultOfRange(part: string, type: DataType): string | undefined {
  const limits = type === 'string' || type === 'boolean' ? undefined : limitsOf(part)
  if (limits) return limits[0] <= limits[1] ? undefined : `the range ${part} is empty`
  return readValue(part, type) === undefined ? `'${part}' in the range is no ${type}` : undefined
}

/** Whether a value lies in a range. Texts are compared without blanks at their ends. */
export function inRange(value: Value, { range, dataType }: Pick<Entry, 'range' | 'dataType'>): boolean {
  if (range.length === 0) return true
  return range.some((part) => {
    const limits = typeof value === 'number' && dataType !== 'string' ? limitsOf(part) : undefined
    if (limits) return Number(value) >= limits[0] && Number(value) <= limits[1]
    const allowed = readValue(part, dataType)
    return typeof value === 'string' ? value.trim() === String(allowed).trim() : value === allowed
  })
}

/** What stands for "not set" in the descriptors of the partners. */
export const isUnset = (text: string) => /^(n\.?a\.?|none|null|-)?$/i.test(text.trim())
