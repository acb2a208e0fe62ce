import { readFileSync } from 'node:fs'
import { DataError } from '@nightpipe/command'
import type { ReductionConfig } from './schema.js'

/** What makes net counts of an amplifier proportional to light. */
export interface Linearity {
  coefficients: readonly number[]
  /** Net and true ADU, both rising. */
  table?: { net: Float64Array; true: Float64Array }
}

/** The correction for an amplifier: its own section, else the common one; undefined when there is none. */
export function linearityOf(amplifier: string, { linearity }: ReductionConfig): Linearity | undefined {
  const { coefficients, table } = linearity[amplifier] ?? linearity['']
  if (table) return { coefficients: [], table: readTable(table) }
  return coefficients.length > 0 ? { coefficients } : undefined
}

function readTable(path: string) {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/)
  const rows = lines.flatMap((line, k) => {
    const cells = line.split(/[,;\s]+/).filter(Boolean)
    if (cells.length === 0 || line.trim().startsWith('#') || (k === 0 && Number.isNaN(Number(cells[0])))) return []
    const pair = cells.map(Number)
    if (pair.length === 2 && pair.every(Number.isFinite)) return [pair]
    throw new DataError(`${path}:${k + 1}: '${line}' is not two numbers`, 'give net and true adu in each line')
  })
  const rising = rows.every(([n, t], k) => k === 0 || (n > rows[k - 1][0] && t > rows[k - 1][1]))
  if (rows.length < 2 || !rising) throw new DataError(`${path} has no two rising columns`, 'sort its lines')
  return { net: Float64Array.from(rows, ([n]) => n), true: Float64Array.from(rows, ([, t]) => t) }
}

/** The true value of a net one by a table, straight between its points and beyond its ends, and the slope there. */
export function byTable(table: NonNullable<Linearity['table']>, net: number): { value: number; slope: number } {
  const { net: x, true: y } = table
  let low = 0
  let high = x.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (x[middle] <= net) low = middle
    else high = middle - 1
  }
  const slope = (y[low + 1] - y[low]) / (x[low + 1] - x[low])
  return { value: y[low] + slope * (net - x[low]), slope }
}
