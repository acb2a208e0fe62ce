import { basename } from 'node:path'
import { DEFAULT, type FullSection } from './in-force.js'
import { isFree, isSection, keysOf, type Option, type Schema } from './options.js'
import { expectation, quoted, valueText } from './values.js'

const header = (section: FullSection): string => `[${[section.part, section.suffix].filter(Boolean).join('.')}]`
const optionOf = (schema: Schema, part: string, key: string): Option => {
  const declared = schema[part]
  return isFree(declared) ? declared.option : keysOf(declared)[key]
}

/** Comment lines, wrapped to the width of a page. */
function comment(text: string): string[] {
  const lines: string[] = ['#']
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1
    if (lines[last].length + word.length + 1 > 110 && lines[last] !== '#') lines.push(`# ${word}`)
    else lines[last] += ` ${word}`
  }
  return lines
}

/** The values in force as an INI: reading it gives them back. Every key tells its meaning and its origin. */
export function printConfig(schema: Schema, sections: FullSection[]): string {
  const lines: string[] = []
  for (const section of sections) {
    const declared = schema[section.part]
    lines.push('', header(section))
    if (isFree(declared)) lines.push(...comment(declared.doc))
    for (const [key, { value, origin }] of section.held) {
      const option = optionOf(schema, section.part, key)
      if (!isFree(declared)) lines.push(...comment(`${option.doc}: ${expectation(option)}`))
      lines.push(origin === DEFAULT ? '# default' : `# from ${origin}`)
      lines.push(value === undefined ? `# ${key} =` : `${key} = ${quoted(value)}`)
    }
  }
  return `${lines.join('\n').trim()}\n`
}

/**
 * The keys that can change a product, sorted, as an INI without comments: one text for one meaning, however and wherever
 * it was written. Paths are reduced to their last part.
 */
export function canonicalConfig(schema: Schema, sections: FullSection[]): string {
  const blocks = sections.map((section) => {
    const lines = [...section.held].flatMap(([key, { value }]) => {
      const option = optionOf(schema, section.part, key)
      if (!option.digest || value === undefined) return []
      return [`${key} = ${quoted(option.kind === 'path' ? basename(valueText(value)) : value)}`]
    })
    return lines.length ? [header(section), ...lines.sort()].join('\n') : ''
  })
  return `${blocks.filter(Boolean).sort().join('\n')}\n`
}

/** A commented INI with every key of a schema at its default, to copy and change: reading it gives the defaults. */
export function sampleIni(schema: Schema, title?: string): string {
  const lines: string[] = title ? comment(title) : []
  for (const [part, declared] of Object.entries(schema)) {
    // A section exists as soon as its header does: one that may be absent is shown without being opened.
    const closed = mayBeAbsent(declared)
    lines.push('')
    if (isSection(declared) || isFree(declared)) lines.push(...comment(declared.doc))
    if (isSection(declared) && declared.pattern)
      lines.push(...comment(`Also as [${part}.WORD], which inherits from [${part}].`))
    lines.push(closed ? `# [${part}]` : `[${part}]`)
    if (isFree(declared)) lines.push(...comment(`Any key here is ${expectation(declared.option)}.`))
    for (const [key, option] of Object.entries(keysOf(declared))) {
      lines.push(...comment(`${option.doc}: ${expectation(option)}${isNeeded(option) ? ' (must be given)' : ''}`))
      const line = option.default === undefined ? `${key} =` : `${key} = ${quoted(option.default)}`
      // A key that must be given stays a comment: the error then says what it wants.
      lines.push(closed || option.default === undefined ? `# ${line}` : line)
    }
  }
  return `${lines.join('\n').trim()}\n`
}

const isNeeded = (option: Option): boolean => option.default === undefined && !option.optional
const mayBeAbsent = (declared: Schema[string]): boolean =>
  isSection(declared) && (declared.optional || (declared.pattern && Object.values(declared.keys).some(isNeeded)))

export interface SchemaRow {
  section: string
  key: string
  kind: string
  default: string
  required: boolean
  unit: string
  expects: string
  /** what a choice or a flag may be; empty for anything else */
  choices: readonly string[]
  alias: readonly string[]
  doc: string
}

/** A row for each key, for manual pages and completion. */
export function describeSchema(schema: Schema): SchemaRow[] {
  return Object.entries(schema).flatMap(([part, declared]) => {
    const section = isSection(declared) && declared.pattern ? `${part}[.WORD]` : part
    const keys = isFree(declared) ? { ANY: declared.option } : keysOf(declared)
    return Object.entries(keys).map(([key, option]) => ({
      section,
      key,
      kind: option.kind,
      default: option.default === undefined ? '' : valueText(option.default),
      required: isNeeded(option),
      unit: option.unit ?? '',
      expects: expectation(option),
      choices: option.kind === 'flag' ? ['yes', 'no'] : (option.choices ?? []),
      alias: option.alias,
      doc: option.doc,
    }))
  })
}
