/** Columns under one another for a terminal: numbers to the right, text to the left, two blanks between. */
export function alignColumns(rows: readonly (readonly string[])[], { header = true } = {}): string {
  const width = Math.max(0, ...rows.map((row) => row.length))
  const body = header ? rows.slice(1) : rows
  const columns = Array.from({ length: width }, (_, c) => ({
    size: Math.max(0, ...rows.map((row) => columnsOfText(row[c] ?? ''))),
    right: body.length > 0 && body.every((row) => /^([+-]?[\d.]+([eE][+-]?\d+)?|nan|)$/i.test(row[c] ?? '')),
  }))
  const pad = (text: string, { size, right }: { size: number; right: boolean }) => {
    const blanks = ' '.repeat(Math.max(0, size - columnsOfText(text)))
    return right ? blanks + text : text + blanks
  }
  const line = (row: readonly string[]) => columns.map((column, c) => pad(printable(row[c] ?? ''), column)).join('  ')
  return rows.map((row) => line(row).trimEnd() + '\n').join('')
}

/** Line ends and escape sequences in a cell must not act on the terminal. */
const printable = (text: string) => text.replace(/[\p{Cc}]/gu, '·')
const columnsOfText = (text: string) => [...text].length
