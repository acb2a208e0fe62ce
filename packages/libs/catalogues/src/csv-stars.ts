import { DataError } from '@nightpipe/files'
import { parseCsv } from '@nightpipe/table'
import { type LooseColumn, type LooseTable, textColumn } from './loose-table.js'
import { splitCells, type TextCells } from './text-cells.js'

/** A table of text: commas, tabs, semicolons, bars or blanks between the cells; lines that begin with # are comments. */
export function csvTable(bytes: Buffer, path: string): LooseTable {
  const facts = factsOf(bytes)
  const cells = splitCells(bytes, isRuler)
  if (typeof cells === 'string') {
    const advice = cells === 'has no row' ? 'give a table with a line of column names' : 'mend that line in an editor'
    throw new DataError(`${path}: ${cells}`, advice)
  }
  if (!cells) return quotedTable(bytes, path, facts)
  return { rows: cells.rows, columns: cells.names.map((_, k) => cellColumn(cells, k)), facts }
}

function cellColumn(cells: TextCells, column: number): LooseColumn {
  const { rows, names } = cells
  return {
    ...{ name: names[column], unit: '', ucd: '' },
    numbers() {
      const values = new Float64Array(rows)
      for (let row = 0; row < rows; row++) values[row] = cells.number(row, column)
      return values
    },
    texts: () => Array.from({ length: rows }, (_, row) => cells.text(row, column)),
  }
}

/** What comments before the names say: `# epoch: 2016`. */
function factsOf(bytes: Buffer): Map<string, string> {
  const facts = new Map<string, string>()
  for (const line of bytes.toString('utf8', 0, 16384).split(/\r\n|\n|\r/)) {
    const fact = /^#\s*(epoch|equinox|radesys)\s*[:=]\s*(\S+)/i.exec(line)
    if (fact) facts.set(fact[1].toUpperCase(), fact[2])
  }
  return facts
}

/** A table with quoted cells, in which separators and line ends may stand. */
function quotedTable(bytes: Buffer, path: string, facts: Map<string, string>): LooseTable {
  const lines = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
  const records = parseCsv(lines.filter((line) => !line.startsWith('#')).join('\n'), path).map(({ cells }) => cells)
  const [head] = records
  if (!head) throw new DataError(`${path}: has no row`, 'give a table with a line of column names')
  const rows = records.slice(1).filter((cells) => !isRuler(cells))
  const short = rows.findIndex((cells) => cells.length !== head.length)
  if (short >= 0) {
    const problem = `${path}: row ${short + 1} has ${rows[short].length} cells, the names are ${head.length}`
    throw new DataError(problem, 'mend that line in an editor')
  }
  const columns = head.map((name, k) =>
    textColumn(
      name.trim(),
      rows.map((cells) => cells[k]),
    ),
  )
  return { rows: rows.length, columns, facts }
}

/** A line that only underlines the names. */
const isRuler = (cells: readonly string[]): boolean =>
  cells.every((cell) => /^[-=\s]*$/.test(cell)) && cells.some((cell) => /[-=]/.test(cell))
