import { DataError } from '@nightpipe/files'
import { parseCsv } from '@nightpipe/table'
import { type LooseTable, textColumn } from './loose-table.js'

/** A table of text: commas, tabs, semicolons, bars or blanks between the cells; lines that begin with # are comments. */
export function csvTable(text: string, path: string): LooseTable {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  const facts = new Map<string, string>()
  for (const line of lines) {
    const fact = /^#\s*(epoch|equinox|radesys)\s*[:=]\s*(\S+)/i.exec(line)
    if (fact) facts.set(fact[1].toUpperCase(), fact[2])
  }
  const kept = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const records = cellsOf(kept, path)
  const [head] = records
  if (!head) throw new DataError(`${path} has no row`, 'give a table with a line of column names')
  const rows = records.slice(1).filter((cells) => !isRuler(cells))
  const short = rows.findIndex((cells) => cells.length !== head.length)
  if (short >= 0) {
    throw new DataError(
      `row ${short + 1} of ${path} has ${rows[short].length} cells, the names are ${head.length}`,
      'mend that line in an editor',
    )
  }
  const columns = head.map((name, k) =>
    textColumn(
      name.trim(),
      rows.map((cells) => cells[k]),
    ),
  )
  return { rows: rows.length, columns, facts }
}

/** VizieR underlines its column names, and gives units in a line between. */
const isRuler = (cells: readonly string[]): boolean => cells.every((cell) => /^[-=\s]*$/.test(cell))

function cellsOf(lines: readonly string[], path: string): string[][] {
  const [head = ''] = lines
  if (head.includes(',')) return parseCsv(lines.join('\n'), path).map(({ cells }) => cells)
  const separator = ['\t', ';', '|'].find((mark) => head.includes(mark))
  return lines.map((line) => (separator ? line.split(separator) : line.trim().split(/\s+/)))
}
