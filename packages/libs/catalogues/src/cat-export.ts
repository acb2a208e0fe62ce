import type { NewColumn, NewTable } from '@nightpipe/fits'
import type { Stars } from '@nightpipe/stars'

/** One number of a cell, as short as it is exact: seven digits of a float32; nothing where there is no value. */
function cellText({ values }: NewColumn, k: number): string {
  const value = (values as ArrayLike<number>)[k]
  if (typeof value !== 'number') return String(value)
  if (!Number.isFinite(value)) return ''
  return values instanceof Float32Array ? String(Number(value.toPrecision(7))) : String(value)
}

const repeatOf = ({ values }: NewColumn, rows: number) =>
  rows === 0 ? 1 : Math.max(1, Math.round(values.length / rows))

/** A table as CSV; columns of several numbers become NAME_1, NAME_2 … */
export function tableAsCsv({ columns, rows }: NewTable): string {
  const cells = columns.flatMap((column) => {
    const repeat = repeatOf(column, rows)
    return Array.from({ length: repeat }, (_, k) => ({
      name: repeat === 1 ? column.name : `${column.name}_${k + 1}`,
      at: (row: number) => cellText(column, row * repeat + k),
    }))
  })
  const lines = [cells.map(({ name }) => name).join(',')]
  for (let row = 0; row < rows; row++) lines.push(cells.map(({ at }) => at(row)).join(','))
  return `${lines.join('\n')}\n`
}

const DATATYPES: Record<string, string> = { I: 'short', J: 'int', K: 'long', E: 'float', D: 'double' }
const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]!)

/** A table as VOTable 1.4 with its cells as text (IVOA Recommendation of 2019). */
export function tableAsVotable({ name = 'CAT', columns, rows }: NewTable): string {
  const fields = columns.map((column) => {
    const type = DATATYPES[(column.format ?? 'D').at(-1)!] ?? 'double'
    const repeat = repeatOf(column, rows)
    const size = repeat > 1 ? ` arraysize="${repeat}"` : ''
    const unit = column.unit ? ` unit="${escaped(column.unit)}"` : ''
    const doc = column.comment ? `<DESCRIPTION>${escaped(column.comment)}</DESCRIPTION>` : ''
    return `<FIELD name="${escaped(column.name)}" datatype="${type}"${size}${unit}>${doc}</FIELD>`
  })
  const lines = Array.from({ length: rows }, (_, row) => {
    const cells = columns.map((column) => {
      const repeat = repeatOf(column, rows)
      const parts = Array.from({ length: repeat }, (_, k) => cellText(column, row * repeat + k))
      // within an array nothing may be left out
      return `<TD>${repeat > 1 ? parts.map((part) => part || 'NaN').join(' ') : parts[0]}</TD>`
    })
    return `<TR>${cells.join('')}</TR>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
    `<RESOURCE><TABLE name="${escaped(name)}">`,
    ...fields,
    '<DATA><TABLEDATA>',
    ...lines,
    '</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>',
    '',
  ].join('\n')
}

/** The stars as regions for DS9: ellipses of the total flux, those with a doubtful measurement in red. */
export function starsAsRegions(stars: Stars & { kronRadius?: ArrayLike<number> }): string {
  const lines = ['# Region file format: DS9 version 4.1', 'global color=green width=1', 'image']
  for (let i = 0; i < stars.count; i++) {
    const kron = stars.kronRadius?.[i] ?? 3
    // pixels count from 1 in DS9
    const place = [stars.x[i] + 1, stars.y[i] + 1].map((value) => value.toFixed(3))
    const axes = [kron * stars.a[i], kron * stars.b[i]].map((value) => Math.max(0.5, value || 0).toFixed(2))
    const colour = stars.flags[i] === 0 ? '' : ' color=red'
    lines.push(`ellipse(${[...place, ...axes, stars.theta[i].toFixed(1)].join(',')}) # tag={${i + 1}}${colour}`)
  }
  return `${lines.join('\n')}\n`
}
