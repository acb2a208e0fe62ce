/** A row of tab-separated text. */
export interface TsvRow {
  /** from 1 */
  line: number
  /** without blanks at their ends, and without the quotes that spreadsheets add */
  cells: string[]
}

/** Rows with something in them; comments (#) and empty lines are none. */
export function readTsv(text: string): TsvRow[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
  return lines.flatMap((row, k) => {
    if (row.trim() === '' || row.startsWith('#')) return []
    return [{ line: k + 1, cells: row.split('\t').map(unquoted) }]
  })
}

function unquoted(cell: string): string {
  const word = cell.trim()
  return word.length > 1 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word
}

/** A row without the empty cells at its end: spreadsheets write as many as the widest row has. */
export function trimmed(cells: readonly string[]): string[] {
  let count = cells.length
  while (count > 0 && cells[count - 1] === '') count--
  return cells.slice(0, count)
}
