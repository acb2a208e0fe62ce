import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { defineTable, formatCsv, parseTable, type RowOf } from '@nightpipe/table'

/** What is known of each file that arrived: a line for every change of its state, the last one counts. */
export const stateTable = defineTable({
  name: 'gp1',
  doc: 'the images that arrived and what became of each, for each pipeline; lines are only added',
  columns: [
    { name: 'file', type: 'text', doc: 'path of the image', required: true },
    { name: 'pipeline', type: 'text', doc: 'name of the pipeline; empty for an image that is for none' },
    { name: 'status', type: 'text', doc: 'expected, done, rejected, failed; unmatched or damaged', required: true },
    { name: 'reason', type: 'text', doc: 'why' },
    { name: 'time', type: 'text', doc: 'UTC', required: true },
    { name: 'arrived', type: 'text', doc: 'time of the file, UTC' },
    { name: 'seconds', type: 'number', doc: 'from its arrival until it was done', unit: 's' },
    { name: 'size', type: 'integer', doc: 'bytes', unit: 'bytes' },
    { name: 'attempts', type: 'integer', doc: 'how often its pipeline was started on it' },
  ],
  key: ['file', 'pipeline'],
})

export type StateRow = RowOf<typeof stateTable>

export interface State {
  /** by pipeline, then by file */
  of(pipeline: string): ReadonlyMap<string, StateRow>
  /** True for a file that some line is about, in the state in which it is now. */
  knows(file: string): boolean
  add(...rows: StateRow[]): void
}

const keys = stateTable.columns.map(({ name }) => name)

/**
 * The state of the folder of logs, which survives kill -9: changes are appended and on their way to the disk before
 * anything is done about them; a line that was torn by the kill is dropped. The file is rewritten at the start.
 */
export function openState(folder: string, warn: (text: string) => void): State {
  const path = join(folder, 'gp1.csv')
  const maps = new Map<string, Map<string, StateRow>>()
  const known = new Set<string>()
  const put = (row: StateRow) => {
    const pipeline = row.pipeline ?? ''
    const map = maps.get(pipeline) ?? new Map<string, StateRow>()
    maps.set(pipeline, map.set(row.file, row))
    known.add(row.file)
  }
  const { rows, unreadable } = readState(path)
  if (unreadable > 0) {
    const kept = `${path}.damaged`
    writeAtomically(kept, readFileSync(path))
    warn(`${unreadable} lines of ${path} cannot be read and are left out; the table as it was is in ${kept}`)
  }
  for (const row of rows) put(row)
  const all = [...maps.values()].flatMap((map) => [...map.values()])
  writeAtomically(path, formatCsv([keys, ...all.map(cells)]))
  return {
    of: (pipeline) => maps.get(pipeline) ?? new Map(),
    knows: (file) => known.has(file),
    add(...rows) {
      for (const row of rows) put(row)
      appendFileSync(path, formatCsv(rows.map(cells)), { flush: true } as never)
    },
  }
}

const cells = (row: StateRow) => keys.map((key) => String((row as Record<string, unknown>)[key] ?? ''))

/**
 * The rows of the table; what a kill tore off its end is cut off. Lines that a failing disk spoilt are counted and left out:
 * an image that only they told of is offered to its pipelines again, whose ledgers know what they have made of it.
 */
function readState(path: string): { rows: StateRow[]; unreadable: number } {
  if (!existsSync(path)) return { rows: [], unreadable: 0 }
  const text = readFileSync(path, 'utf8')
  const [head = '', ...lines] = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  const whole = attempt(() => parseTable([head, ...lines].join('\n'), path, stateTable))
  if (whole?.every(makesSense)) return { rows: whole, unreadable: 0 }
  const known = [head, keys.join(',')].find((names) => attempt(() => parseTable(`${names}\n`, path, stateTable)))!
  const told = lines.filter((line) => line !== '')
  const rows = told.flatMap((line) => attempt(() => parseTable(`${known}\n${line}\n`, path, stateTable)) ?? [])
  const good = rows.filter(makesSense)
  return { rows: good, unreadable: told.length - good.length }
}

/** Whether a row is one that gp1 wrote, and not what a failing disk made of it. */
const makesSense = ({ file, status, time }: StateRow) =>
  !['\0', '\uFFFD'].some((mark) => file.includes(mark)) && /^[a-z ]+$/.test(status) && Number.isFinite(Date.parse(time))

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}
