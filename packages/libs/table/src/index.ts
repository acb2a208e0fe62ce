export { alignColumns } from './align.js'
export { checkForm, checkTable, type TableProblem } from './check.js'
export { type CsvRecord, formatCsv, parseCsv, textOfTable } from './csv.js'
export { type Cell, type ColumnSpec, type ColumnType, defineTable, type RowOf, type TableSpec } from './define.js'
export {
  appendRows,
  type EditOptions,
  editTable,
  parseTable,
  type ReadOptions,
  readTable,
  upsertRows,
} from './table.js'
