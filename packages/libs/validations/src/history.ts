import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { safeName } from '@nightpipe/calibrations'
import { chart, type Series, writeFigure } from '@nightpipe/plot'
import { parseDate } from '@nightpipe/sky'
import { defineTable, type RowOf, readTable, upsertRows } from '@nightpipe/table'
import type { CalibrationRecord } from './calibration-json.js'

/** Every validation ever made in a bank. */
export const validationsTable = defineTable({
  name: 'validations',
  columns: [
    { name: 'im_name', type: 'text', doc: 'the candidate', required: true },
    { name: 'np_id', type: 'text', doc: 'its identity' },
    { name: 'reference_id', type: 'text', doc: 'identity of the master it was compared with' },
    { name: 'type', type: 'text', doc: 'bias, dark or flat', required: true },
    { name: 'instrument', type: 'text', doc: 'instrument', required: true },
    { name: 'filter', type: 'text', doc: 'filter' },
    { name: 'date', type: 'text', doc: 'date of its first image (UTC)' },
    { name: 'mean', type: 'number', doc: 'mean of its good pixels' },
    { name: 'median', type: 'number', doc: 'median of its good pixels' },
    { name: 'rms', type: 'number', doc: 'deviation of its good pixels' },
    { name: 'meandiff', type: 'number', doc: 'mean of the comparison' },
    { name: 'mediandiff', type: 'number', doc: 'median of the comparison' },
    { name: 'rmsdiff', type: 'number', doc: 'deviation of the comparison' },
    { name: 'deviating', type: 'number', doc: 'fraction of the pixels that deviate' },
    { name: 'masked', type: 'integer', doc: 'pixels left out', unit: 'px' },
    { name: 'valid', type: 'flag', doc: 'accepted; empty for the first of its kind' },
    { name: 'reasons', type: 'text', doc: 'codes of what spoke against it' },
  ],
  key: ['im_name', 'np_id', 'reference_id'],
  sort: ['type', 'instrument', 'filter', 'date', 'im_name', 'np_id'],
})
export type ValidationRow = RowOf<typeof validationsTable>

export const historyPath = (bank: string) => join(bank, 'validations.csv')
export const readHistory = (bank: string): ValidationRow[] =>
  existsSync(historyPath(bank)) ? readTable(historyPath(bank), validationsTable) : []
export const record = (bank: string, rows: ValidationRow[]) => upsertRows(historyPath(bank), validationsTable, rows)

/** The row of a validation that was made elsewhere, as a calibration file tells it. */
export function rowOfRecord(r: CalibrationRecord): ValidationRow {
  const {
    IM_NAME: im_name,
    TYPE: type,
    INSTRUME: instrument,
    FILTER: filter,
    DATE: date,
    MEAN: mean,
    MEDIAN: median,
    RMS: rms,
  } = r
  return {
    ...{ im_name, type, instrument, filter, date, mean, median, rms },
    ...{ meandiff: r.MEANDIFF ?? undefined, mediandiff: r.MEDIANDIF ?? undefined, rmsdiff: r.RMSDIFF ?? undefined },
    valid: r.VALID ?? undefined,
  }
}

/** What is drawn together: biases and darks by instrument, flats by instrument and filter. */
export const groupOf = (row: ValidationRow) =>
  [row.type, row.instrument, row.type === 'flat' ? (row.filter ?? 'none') : ''].filter(Boolean).map(safeName).join('_')

/** Two figures per group: median with rms, and the comparison with its rms, both over time; refused ones are crossed. */
export async function drawEvolution(
  bank: string,
  folder: string,
  touched: readonly ValidationRow[],
): Promise<string[]> {
  const all = readHistory(bank)
  const made: string[] = []
  mkdirSync(folder, { recursive: true })
  for (const group of [...new Set(touched.map(groupOf))].sort()) {
    const rows = all.filter((row) => groupOf(row) === group && mjdOf(row) !== undefined)
    const levels = join(folder, `evolution_${group}.png`)
    const differences = join(folder, `evolution_${group}_differences.png`)
    const title = group.replaceAll('_', ' ')
    await writeFigure(levels, levelsFigure(title, rows))
    await writeFigure(differences, differencesFigure(title, rows))
    made.push(levels, differences)
  }
  return made
}

/** Median with rms over time. */
export const levelsFigure = (title: string, rows: readonly ValidationRow[]) =>
  figure(`${title}: median and rms`, rows, 'median', 'rms', false)

/** The comparison with its rms over time; what was refused is crossed. */
export const differencesFigure = (title: string, rows: readonly ValidationRow[]) =>
  figure(`${title}: against the master before`, rows, 'mediandiff', 'rmsdiff', true)

export const mjdOf = (row: ValidationRow) => (row.date ? parseDate(row.date)?.mjd : undefined)

function figure(
  title: string,
  rows: readonly ValidationRow[],
  value: 'median' | 'mediandiff',
  spread: 'rms' | 'rmsdiff',
  mark: boolean,
) {
  const points = (chosen: readonly ValidationRow[]): { x: number[]; y: number[]; error: number[] } => ({
    x: chosen.map((row) => mjdOf(row) ?? Number.NaN),
    y: chosen.map((row) => row[value] ?? Number.NaN),
    error: chosen.map((row) => row[spread] ?? Number.NaN),
  })
  const accepted = rows.filter((row) => !mark || row.valid !== false)
  const series: Series[] = [
    { kind: 'points', ...points(accepted), label: mark ? 'accepted' : undefined, colour: '#009e73' },
  ]
  if (mark) {
    const refused = points(rows.filter((row) => row.valid === false))
    series.push(
      { kind: 'points', ...refused, label: 'refused', marker: 'cross', colour: '#d55e00' },
      { kind: 'level', y: 0, colour: '#888888' },
    )
  }
  const unit = { bias: 'adu', dark: 'adu/s', flat: 'relative' }[rows[0]?.type ?? ''] ?? 'adu'
  return chart({ title, x: { label: 'date (UTC)', time: true }, y: { label: `${value} (${unit})` }, series })
}
