import type { FitsFile, Hdu } from './hdu.js'
import { copyHeader } from './header.js'
import type { ColumnValues, NewColumn, NewHdu } from './new-hdu.js'
import type { Column } from './table/column.js'
import { readTable } from './table/read.js'

/**
 * What stands beside the image of a container, as HDUs to be written into a product: tables, and headers without data.
 * Images, and the provenance of a product, are not among them.
 */
export function sideHdus(file: FitsFile, image: Hdu): NewHdu[] {
  const beside = file.hdus.filter((hdu) => hdu.index > 0 && hdu !== image && hdu.name !== 'PROVENANCE')
  return beside.flatMap((hdu): NewHdu[] => {
    const about = { header: copyHeader(hdu.header), ...(hdu.name && { name: hdu.name }) }
    if (hdu.kind === 'empty') return [{ kind: 'empty', ...about }]
    if (hdu.kind !== 'table' && hdu.kind !== 'ascii') return []
    const { rows, columns } = readTable(hdu)
    return [{ kind: 'table', ...about, rows, columns: columns.map((one) => copyColumn(one, hdu.kind === 'table')) }]
  })
}

function copyColumn({ name, unit, format, values, dim, nullValue, nulls, scale, zero }: Column, binary: boolean) {
  const column: NewColumn = { name, values: values as ColumnValues }
  if (unit) column.unit = unit
  // variable lengths and the formats of ASCII tables follow from the values
  if (binary && !/[PQ]/.test(format)) column.format = format
  if (dim) column.dim = dim
  if (nulls) column.nulls = nulls
  if (nullValue !== undefined) column.nullValue = nullValue
  if (scale !== undefined && values instanceof Float64Array) Object.assign(column, { scale, zero })
  return column
}
