export const safe = (text: unknown) =>
  String(text ?? '').replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)

/** A path as a link takes it. */
export const linkTo = (path: string) => path.split('/').map(encodeURIComponent).join('/')

export type Cell = string | number | undefined

/** A table that scrolls by itself where the screen is narrow. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = (row: readonly Cell[]) =>
    row.map((cell) => `<td${typeof cell === 'number' ? ' class="n"' : ''}>${safe(shown(cell))}</td>`).join('')
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')
  const names = head.map((name) => `<th>${safe(name)}</th>`).join('')
  return `<div class="wide"><table><thead><tr>${names}</tr></thead><tbody>\n${body}\n</tbody></table></div>`
}

/** Six digits are enough for the eye; the table beside the page has all. */
const shown = (cell: Cell) =>
  typeof cell === 'number' && !Number.isInteger(cell) ? String(Number(cell.toPrecision(6))) : (cell ?? '')

export const STYLE = `body{font:16px/1.45 system-ui,sans-serif;margin:1.2rem auto;max-width:76rem;padding:0 1rem;color:#1c2321;background:#fff}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:1.8rem}.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.86rem}
td,th{padding:.22rem .6rem;text-align:left;border-bottom:1px solid #dde3e0;white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums}
.wide{margin-bottom:1rem}figure{margin:0 0 1.6rem}figure img{max-width:100%;height:auto;display:block;margin:0 0 .4rem;background:#fff}figcaption{font-size:.86rem;overflow-wrap:anywhere}
summary{cursor:pointer;padding:.3rem 0}code{background:#eef2f0;padding:0 .3rem;border-radius:.2rem}
@media(prefers-color-scheme:dark){body{background:#161a19;color:#dfe6e3}td,th{border-color:#33403b}code{background:#26302c}a{color:#8fc7ff}}`
