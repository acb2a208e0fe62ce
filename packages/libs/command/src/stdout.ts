import type { InputFile } from '@nightpipe/files'
import { type OutputFolder, shownPath } from './settings.js'
import type { Row, Verdict } from './types.js'

const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join('')

/** The products, sorted, a path a line: what the next command in a pipe reads. */
export function pathLines(rows: readonly Row[], verdict: Verdict | undefined, folder: OutputFolder): string {
  const made = rows.filter((row) => row.status === 'done' && row.product).map((row) => row.product!)
  const products = new Set([...made, ...(verdict?.products ?? [])].map((path) => shownPath(path, folder)))
  return lines([...products].sort())
}

/**
 * An object a line: for each product what it was made of and measured by, then every input without a product. With
 * several inputs, `measurements` holds what they have in common and `rows` what each has of its own.
 */
export function jsonLines(rows: readonly Row[], inputs: readonly InputFile[], folder: OutputFolder): string {
  const shown = new Map(inputs.map((file) => [file.path, file.shown]))
  const name = (path: string) => shown.get(path) ?? path
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = row.status === 'done' && row.product ? shownPath(row.product, folder) : `\uffff${row.input}`
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return lines(sorted.map(([key, group]) => JSON.stringify(jsonOf(key, group, name))))
}

function jsonOf(key: string, group: readonly Row[], name: (path: string) => string): object {
  const [first] = group as [Row]
  const ordered = [...group].sort((a, b) => (a.input < b.input ? -1 : 1))
  const all = Object.entries(first.measurements ?? {})
  const shared = all.filter(([column, value]) => group.every((row) => row.measurements?.[column] === value))
  return {
    product: key.startsWith('\uffff') ? null : key,
    inputs: ordered.map((row) => name(row.input)),
    status: first.status,
    ...(first.reason ? { reason: first.reason } : {}),
    measurements: Object.fromEntries(shared),
    ...(group.length > 1 ? { rows: ordered.map((row) => ({ input: name(row.input), ...row.measurements })) } : {}),
  }
}
