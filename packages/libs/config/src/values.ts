import type { Option } from './options.js'

const YES = ['yes', 'true', 'on', '1']
const NO = ['no', 'false', 'off', '0']
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** What a key wants, as a message says it: `a number in sigma, at least 0`. */
export function expectation(option: Option): string {
  // 'adu' is a unit to count in; 'of the image' is already words.
  const unit = option.unit
    ? option.unit.startsWith('of ')
      ? `, in the unit ${option.unit}`
      : ` in ${option.unit}`
    : ''
  const { min, max } = option
  const range =
    min !== undefined && max !== undefined
      ? `, from ${min} to ${max}`
      : min !== undefined
        ? `, at least ${min}`
        : max !== undefined
          ? `, at most ${max}`
          : ''
  switch (option.kind) {
    case 'number':
      return `a number${unit}${range}`
    case 'integer':
      return `a whole number${unit}${range}`
    case 'numbers':
      return `numbers${unit}${range}, separated by commas`
    case 'list':
      return `words${unit} separated by commas`
    case 'flag':
      return 'yes or no'
    case 'choice':
      return `one of ${option.choices?.join(', ')}`
    case 'path':
      return 'a file or folder'
    case 'text':
      return `text${unit}`
  }
}

/** Reads the text of a value. Undefined when it is not what the option wants. */
export function readValue(option: Option, text: string): unknown {
  switch (option.kind) {
    case 'number':
    case 'integer':
      return readNumber(option, text)
    case 'numbers': {
      const values = splitList(text)?.map((item) => readNumber(option, item))
      return values?.includes(undefined) ? undefined : values
    }
    case 'list':
      return splitList(text)
    case 'flag':
      return YES.includes(text.toLowerCase()) ? true : NO.includes(text.toLowerCase()) ? false : undefined
    case 'choice': {
      const wanted = text.toLowerCase()
      const synonym = Object.entries(option.synonyms ?? {}).find(([word]) => word.toLowerCase() === wanted)?.[1]
      return synonym ?? option.choices?.find((word) => word.toLowerCase() === wanted)
    }
    default:
      return text
  }
}

function readNumber(option: Option, text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined
  const value = Number(text)
  if (option.kind === 'integer' && !Number.isSafeInteger(value)) return undefined
  if (value < (option.min ?? -Infinity) || value > (option.max ?? Infinity)) return undefined
  return Number.isFinite(value) ? value : undefined
}

/** Undefined when an item between two commas is empty: lists may be read in pairs. A comma at the end is forgiven. */
function splitList(text: string): string[] | undefined {
  const items = text.split(',').map((item) => item.trim())
  if (items.at(-1) === '') items.pop()
  return items.includes('') ? undefined : items
}

/** The value as it would be written in an INI, without quotes. */
export function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.map(valueText).join(', ')
  return value === undefined ? '' : String(value)
}

/** The value for an INI line: in double quotes where the reader would otherwise change it. */
export function quoted(value: unknown): string {
  const text = valueText(value)
  const plain = text === text.trim() && !/[#;\\\r\n\t]|^["']/.test(text)
  return plain ? text : JSON.stringify(text)
}
