import {
  DATA_TYPES,
  type DataType,
  type Descriptor,
  type Entry,
  type Extension,
  isColumnName,
  isHeaderName,
  type Value,
} from './descriptor.js'
import { inRange, readType } from './values.js'

/** A descriptor as the partners exchange it. */
export function descriptorJson(of: Descriptor): Record<string, unknown> {
  return {
    ...{ card: of.card, contact: of.contact, description: of.description, dp_level: of.dpLevel, dstream: of.dstream },
    ...{ instrument: of.instrument, name: of.name, prdm_ver: of.prdmVer, programs: of.programs },
    unicity_rule: of.unicityRule,
    extensions: of.extensions.map(({ name, type }) => ({ name, type })),
    keywords: of.entries.map((entry) => ({
      ...{ name: entry.name, description: entry.description, extension: entry.extension },
      ...(entry.column === undefined ? {} : { column: entry.column, format: entry.format }),
      ...{ data_type: entry.dataType, unit: entry.unit, default: entry.default ?? null, range: entry.range },
      ...{ sdb_search: entry.sdbSearch, ba_search: entry.baSearch },
      ...(entry.imported ? { imported: entry.imported } : {}),
    })),
  }
}

/** Reads it back; `problems` says, by path, all in which it is no descriptor. */
export function readDescriptorJson(text: string): { descriptor?: Descriptor; problems: string[] } {
  const problems: string[] = []
  const json = parsed(text, problems)
  if (!json) return { problems }
  const string = (key: string, needed = true) => textAt(json, key, key, problems, needed)
  const extensions = listAt(json, 'extensions', problems).map((one, k) =>
    extensionAt(one, `extensions[${k}]`, problems),
  )
  const entries = listAt(json, 'keywords', problems).map((one, k) => entryAt(one, `keywords[${k}]`, problems))
  const names = new Set(extensions.map(({ name }) => name))
  for (const { name, extension } of entries) {
    if (!names.has(extension)) problems.push(`keywords ${name}: no extension ${extension}`)
  }
  const descriptor: Descriptor = {
    ...{ card: string('card'), contact: string('contact', false), description: string('description', false) },
    ...{ dpLevel: string('dp_level', false), dstream: string('dstream', false), instrument: string('instrument') },
    ...{ name: string('name'), prdmVer: string('prdm_ver', false), programs: textsAt(json, 'programs', problems) },
    ...{ unicityRule: rulesAt(json.unicity_rule, problems), extensions, entries },
  }
  return problems.length > 0 ? { problems } : { descriptor, problems }
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(text: string, problems: string[]): Json | undefined {
  try {
    const json: unknown = JSON.parse(text)
    if (isObject(json)) return json
    problems.push('not an object')
  } catch (error) {
    problems.push(`not JSON: ${(error as Error).message}`)
  }
  return undefined
}

function textAt(json: Json, key: string, path: string, problems: string[], needed = true): string {
  const value = json[key]
  if (typeof value === 'string' && !(needed && value === '')) return value
  if (value !== undefined || needed) problems.push(`${path}: a text is expected`)
  return ''
}

function listAt(json: Json, key: string, problems: string[]): Json[] {
  const value = json[key]
  if (Array.isArray(value) && value.every(isObject)) return value
  problems.push(`${key}: a list of objects is expected`)
  return []
}

function textsAt(json: Json, key: string, problems: string[], path = key): string[] {
  const value = json[key] ?? []
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  problems.push(`${path}: a list of texts is expected`)
  return []
}

function rulesAt(rules: unknown, problems: string[]): Record<string, string[]> {
  if (rules === undefined) return {}
  if (isObject(rules) && Object.values(rules).every((names) => Array.isArray(names)))
    return rules as Record<string, string[]>
  problems.push('unicity_rule: lists of keywords by program are expected')
  return {}
}

function extensionAt(json: Json, path: string, problems: string[]): Extension {
  const name = textAt(json, 'name', `${path}.name`, problems)
  if (json.type !== 'image' && json.type !== 'bintable') problems.push(`${path}.type: image or bintable is expected`)
  return { name, type: json.type === 'bintable' ? 'bintable' : 'image' }
}

function entryAt(json: Json, path: string, problems: string[]): Entry {
  const text = (key: string, needed = false) => textAt(json, key, `${path}.${key}`, problems, needed)
  const name = text('name', true)
  const dataType = json.data_type as DataType
  if (!DATA_TYPES.includes(dataType)) problems.push(`${path}.data_type: ${DATA_TYPES.join(', ')} expected`)
  const column = json.column as number | undefined
  if (column !== undefined && !(Number.isInteger(column) && column > 0)) problems.push(`${path}.column: from 1`)
  const legal = column === undefined ? isHeaderName(name) : isColumnName(name)
  if (!legal) problems.push(`${path}: ${name} Is not header`)
  const format = column === undefined ? undefined : text('format', true)
  if (format && !readType(format)) problems.push(`${path}.format: '${format}' is no format of a column`)
  const value = (json.default ?? undefined) as Value | undefined
  const range = textsAt(json, 'range', problems, `${path}.range`)
  const entry: Entry = {
    ...{ name, description: text('description'), extension: text('extension', true), dataType },
    ...(column === undefined ? {} : { column, format: format! }),
    ...{ unit: text('unit'), range, sdbSearch: json.sdb_search === true, baSearch: json.ba_search === true },
    ...(value === undefined ? {} : { default: value }),
    ...(typeof json.imported === 'string' ? { imported: json.imported } : {}),
  }
  if (value !== undefined && !fitsType(value, dataType)) problems.push(`${path}.default: ${value} is no ${dataType}`)
  else if (value !== undefined && !inRange(value, entry)) problems.push(`${path}.default: ${value} is not in its range`)
  return entry
}

/** Whether a value has the type that a descriptor names. */
export function fitsType(value: unknown, type: DataType): boolean {
  if (type === 'string') return typeof value === 'string'
  if (type === 'boolean') return typeof value === 'boolean'
  return typeof value === 'number' && (type !== 'integer' || Number.isSafeInteger(value))
}
