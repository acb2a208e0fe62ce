import { appendFileSync, readFileSync, renameSync } from 'node:fs'
import { basename, join, relative, resolve, sep } from 'node:path'
import {
  type AtomicTarget,
  atomicTarget,
  clockSeconds,
  listLitter,
  removeStaleParts,
  systemCode,
} from '@nightpipe/files'
import { readTable, type TableSpec, upsertRows } from '@nightpipe/table'
import type { Command, Job, MeasurementSpec, Row } from './types.js'

type ReportRow = Record<string, string | number | boolean | undefined>

/** The columns of `<output>/<name>.csv`. */
export function reportTable(name: string, measurements: readonly MeasurementSpec[]): TableSpec {
  return {
    name,
    columns: [
      { name: 'input', type: 'text', doc: 'the input, relative to this report', required: true },
      { name: 'status', type: 'text', doc: 'done, rejected or failed', required: true },
      { name: 'reason', type: 'text', doc: 'why it was rejected or failed' },
      { name: 'product', type: 'text', doc: 'what was made of it, relative to this report' },
      { name: 'seconds', type: 'number', doc: 'time that the job took', unit: 's' },
      ...measurements.map(({ name: column, type = 'number', doc, unit }) => ({
        name: column,
        type,
        doc,
        ...(unit ? { unit } : {}),
      })),
    ],
    key: ['input'],
    sort: ['input'],
  }
}

/**
 * A path as the report says it: relative to the output folder, so that a night may be moved as a whole; absolute when
 * the two have nothing in common.
 */
export function pathInReport(output: string, path: string): string {
  if (!path.startsWith(sep)) return path
  const reaching = relative(output, path)
  const climbs = reaching.split(sep).filter((step) => step === '..').length
  const depth = output.split(sep).filter(Boolean).length
  return climbs > 0 && climbs >= depth ? path : reaching.split(sep).join('/')
}

/** The report of one command in one output folder, filled as jobs finish. */
export interface Report {
  readonly path: string
  /** The rows of earlier runs for a job: all of them, or undefined when one is missing or failed. */
  rowsOf(job: Job): Row[] | undefined
  add(rows: readonly Row[], seconds: number): Promise<void>
  /** Writes what is pending into the table. */
  save(timeoutSeconds?: number): Promise<void>
  /** Removes the journal once everything is in the table. */
  close(): void
  /** Where that failed: keeps the journal from being discarded with the unfinished files, until `restore` is called. */
  setAside(): { restore(): void }
}

const JOURNAL = '.rows'
/** The table is rewritten this often while jobs run, and never so often that rewriting takes more than 5 % of the time. */
const SAVE_SECONDS = 2
const SAVE_SHARE = 0.05

/**
 * Opens the report. Every row goes to a journal first (one line, at once), and from there to the table every few
 * seconds: a killed run loses nothing, and ten thousand frames do not rewrite ten thousand rows each time. What killed
 * runs left in their journals enters the table now.
 */
export async function openReport(command: Command, output: string): Promise<Report> {
  const path = join(output, `${command.name}.csv`)
  const spec = reportTable(command.name, command.measurements)
  await recoverJournals(command.name, output, path, spec)
  const earlier = new Map(readTable(path, spec, { orEmpty: true }).map((row) => [String(row.input), row as ReportRow]))
  const pending = new Map<string, ReportRow>()
  let journal: AtomicTarget | undefined
  let due = clockSeconds() + SAVE_SECONDS

  async function save(timeoutSeconds?: number): Promise<void> {
    const rows = [...pending.values()]
    if (rows.length === 0) return
    const start = clockSeconds()
    await upsertRows(path, spec, rows as never[], timeoutSeconds === undefined ? {} : { timeoutSeconds })
    for (const row of rows) if (pending.get(String(row.input)) === row) pending.delete(String(row.input))
    due = clockSeconds() + Math.max(SAVE_SECONDS, (clockSeconds() - start) / SAVE_SHARE)
  }
  return {
    path,
    rowsOf: (job) => earlierRows(job, earlier, output, command.measurements),
    async add(rows, seconds) {
      const lines = rows.map((row) => tableRow(row, seconds, output, command))
      journal ??= atomicTarget(join(output, command.name + JOURNAL))
      appendFileSync(journal.partial, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      for (const line of lines) pending.set(String(line.input), worse(pending.get(String(line.input)), line))
      if (clockSeconds() > due) await save()
    },
    save,
    close: () => journal?.discard(),
    setAside: () => setAside(pending.size > 0 ? journal?.partial : undefined),
  }
}

function setAside(journal: string | undefined): { restore(): void } {
  const aside = `${journal}.aside`
  if (!journal) return { restore: () => {} }
  renameSync(journal, aside)
  // Under its own name again: the next run finds it, sees that we are gone, and takes its rows.
  return { restore: () => renameSync(aside, journal) }
}

const RANK = ['done', 'rejected', 'failed']
/** An input that serves two jobs has one row: the one that a person must see. */
const worse = (a: ReportRow | undefined, b: ReportRow) =>
  a && RANK.indexOf(String(a.status)) > RANK.indexOf(String(b.status)) ? a : b

function tableRow(row: Row, seconds: number, output: string, command: Command): ReportRow {
  const known = new Set(command.measurements.map(({ name }) => name))
  const undeclared = Object.keys(row.measurements ?? {}).find((name) => !known.has(name))
  if (undeclared) throw new Error(`'${undeclared}' is not among the measurements of ${command.name}`)
  const missing = (value: unknown) => typeof value === 'number' && !Number.isFinite(value)
  const measured = Object.entries(row.measurements ?? {}).filter(([, value]) => !missing(value))
  return {
    input: pathInReport(output, row.input),
    status: row.status,
    reason: row.reason,
    product: row.product && pathInReport(output, row.product),
    seconds: Math.round(seconds * 1000) / 1000,
    ...Object.fromEntries(measured.map(([name, value]) => [name, typeof value === 'number' ? tidy(value) : value])),
  }
}

/** Without the digits that only say how computers count: ten, and more for dates and what else is counted in thousands. */
const tidy = (value: number) => Number(value.toPrecision(Math.abs(value) < 1e4 ? 10 : 15))

function earlierRows(
  job: Job,
  earlier: ReadonlyMap<string, ReportRow>,
  output: string,
  measurements: readonly MeasurementSpec[],
): Row[] | undefined {
  const products = new Set(job.products.map((path) => pathInReport(output, path)))
  const found = job.inputs.length
    ? job.inputs.map((path) => earlier.get(pathInReport(output, path)))
    : [...earlier.values()].filter((row) => products.has(String(row.product)))
  const rows = found.filter((row) => row !== undefined)
  if (rows.length === 0 || rows.length < found.length || rows.some((row) => row.status === 'failed')) return undefined
  // A row that names no product of this job is of another job, or of an earlier state of the command.
  if (rows.some((row) => row.status === 'done' && !products.has(String(row.product)))) return undefined
  const absolute = (text: unknown) => resolve(output, String(text))
  return rows.map((row): Row => {
    const measured = measurements.map(({ name }) => [name, row[name] as number | string | undefined] as const)
    return {
      input: job.inputs.length ? absolute(row.input) : String(row.input),
      status: row.status as Row['status'],
      ...(row.reason ? { reason: String(row.reason) } : {}),
      ...(row.product ? { product: absolute(row.product) } : {}),
      measurements: Object.fromEntries(measured.filter(([, value]) => value !== undefined)),
    }
  })
}

/** Rows that killed runs had written to their journals, and not yet to the table; then their litter is removed. */
async function recoverJournals(name: string, output: string, path: string, spec: TableSpec): Promise<void> {
  const left = listLitter(output).filter((item) => item.stale && basename(item.path).startsWith(`.${name}${JOURNAL}.`))
  const rows = left.flatMap((item) => journalRows(item.path))
  if (rows.length) await upsertRows(path, spec, rows as never[])
  removeStaleParts(output)
}

function journalRows(path: string): ReportRow[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [] // another run, that started with us, has just saved it
    throw error
  }
  const lines = text.split('\n').slice(0, -1) // the last one is empty, or torn by the kill
  return lines.map((line) => JSON.parse(line) as ReportRow)
}
