import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Conducting, defineConductor, Exit } from '@nightpipe/command'
import { flag, path } from '@nightpipe/config'
import { DataError, type InputFile, withLock } from '@nightpipe/files'
import { appendRows, defineTable, readTable, upsertRows } from '@nightpipe/table'
import {
  type CalibrationFile,
  drawEvolution,
  readCalibrationJson,
  readHistory,
  record,
  rowOfRecord,
  type ValidationRow,
  validationsTable,
} from '@nightpipe/validations'

const schema = {
  ingest: {
    archive: path('', 'folder that files are moved to once they are taken; empty: they stay'),
    figures: flag(false, 'draw the evolution of each group that changed, as validate-master does'),
  },
}

/** The files that were taken, by their content. */
const ingestedTable = defineTable({
  name: 'calibration-files.csv',
  columns: [
    { name: 'sha256', type: 'text', doc: 'of the file', required: true },
    { name: 'file', type: 'text', doc: 'its name', required: true },
    { name: 'records', type: 'integer', doc: 'records taken' },
    { name: 'set_aside', type: 'integer', doc: 'entries that are none' },
  ],
  key: ['sha256'],
  sort: [],
})

/** What could not be taken, and why. */
const setAsideTable = defineTable({
  name: 'calibration-set-aside.csv',
  columns: [
    { name: 'file', type: 'text', doc: 'its file', required: true },
    { name: 'entry', type: 'integer', doc: 'its place in the file, from 1; 0: the file as a whole', required: true },
    { name: 'im_name', type: 'text', doc: 'the master that it is about' },
    { name: 'reason', type: 'text', doc: 'what is wrong' },
  ],
  key: ['file', 'entry'],
})

/** Validations that others made. */
export const calibrationIngest = defineConductor({
  name: 'calibration',
  subcommand: 'ingest',
  summary: 'calibration JSON, in either description, into the history of validations',
  description:
    'Reads calibration files (a list or one object; plain numbers, or objects with value, unit and errorcode; MEDIANDIF or ' +
    'MEDIANDIFF) into validations.csv of the output folder, the same table that validate-master keeps. A file that came ' +
    'before is passed over, a record that is there changes nothing, a later one of the same master replaces it. Entries ' +
    'that are none are set aside with the reason and stop nobody. Instruments and filters get the names of the instrument ' +
    'profile. Killed in between, it takes the file again.',
  examples: [
    { run: 'calibration ingest --input incoming/ --output bank/', doc: 'what has come' },
    { run: 'calibration ingest -s incoming/ -r bank/ --set ingest.archive=archive/', doc: 'and out of the way' },
  ],
  schema,
  measurements: [],
  tables: [validationsTable, ingestedTable, setAsideTable],
  inputs: 'optional',
  extensions: ['.json'],
  conduct: ingest,
})

async function ingest(request: Conducting<typeof schema>): Promise<number> {
  const { inputs, output, dryRun, log, config } = request
  return withLock(join(output, 'calibration-ingest'), async () => {
    const ledger = join(output, ingestedTable.name)
    const known = new Set(readTable(ledger, ingestedTable, { orEmpty: true }).map(({ sha256 }) => sha256))
    const total = { files: 0, records: 0, set_aside: 0, again: 0, useless: 0 }
    const touched: ValidationRow[] = []
    for (const input of inputs) {
      if (request.signal.aborted) return Exit.interrupted
      const { text, sha256 } = read(input)
      const again = known.has(sha256)
      if (again) total.again++
      else {
        known.add(sha256)
        const { rows, faults } = takeText(text, input, request)
        total.files++
        total.records += rows.length
        total.set_aside += faults.length
        if (rows.length === 0 && faults.length > 0) total.useless++
        if (faults.length > 0) log.warn(`${input.shown}: ${faults.length} entries set aside: ${faults[0]!.reason}`)
        touched.push(...rows)
        if (!dryRun) await enter(output, input.name, sha256, rows, faults)
      }
      if (!dryRun) archive(input.path, config.ingest.archive)
    }
    if (config.ingest.figures && touched.length > 0 && !dryRun)
      await drawEvolution(output, join(output, 'validation'), touched)
    if (request.json) await request.print(`${JSON.stringify({ ...total, validations: readHistory(output).length })}\n`)
    else
      log.info(
        `${total.records} records of ${total.files} files, ${total.set_aside} set aside, ${total.again} files had come before`,
      )
    if (total.useless > 0 && total.useless === total.files && total.again === 0) return Exit.noProduct
    return total.useless > 0 ? Exit.someFailed : Exit.done
  })
}

function read({ path, shown }: InputFile): { text: string; sha256: string } {
  try {
    const bytes = readFileSync(path)
    return {
      text: bytes.toString('utf8').replace(/^\ufeff/, ''),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }
  } catch (error) {
    throw new DataError(`cannot read ${shown}: ${(error as Error).message}`)
  }
}

function takeText(text: string, { name }: InputFile, { profile }: Conducting<typeof schema>) {
  let file: CalibrationFile
  try {
    file = readCalibrationJson(text)
  } catch (error) {
    file = { records: [], faults: [{ entry: 0, reason: `is no JSON: ${(error as Error).message}` }] }
  }
  const { instruments, filters } = profile.values as { instruments: Names; filters: Names }
  const rows = file.records.map((one) =>
    rowOfRecord({ ...one, INSTRUME: ours(instruments, one.INSTRUME), FILTER: one.FILTER && ours(filters, one.FILTER) }),
  )
  return { rows, faults: file.faults.map((fault) => ({ ...fault, file: name })) }
}

type Names = Readonly<Record<string, unknown>> | undefined

/** What the profile calls it; names that it does not know stay. */
function ours(names: Names, said: string): string {
  const found = Object.entries(names ?? {}).find(([name]) => name.toLowerCase() === said.toLowerCase())?.[1]
  return typeof found === 'string' && found !== '' ? found : said
}

/** Records first, the ledger last: what was killed in between is taken again, and changes nothing. */
async function enter(
  output: string,
  file: string,
  sha256: string,
  rows: ValidationRow[],
  faults: { file: string; entry: number; name?: string; reason: string }[],
): Promise<void> {
  if (rows.length > 0) await record(output, rows)
  if (faults.length > 0) {
    const aside = faults.map(({ name, ...fault }) => ({ ...fault, ...(name ? { im_name: name } : {}) }))
    await upsertRows(join(output, setAsideTable.name), setAsideTable, aside)
  }
  const done = { sha256, file, records: rows.length, set_aside: faults.length }
  await appendRows(join(output, ingestedTable.name), ingestedTable, [done])
}

function archive(path: string, folder: string): void {
  if (folder === '') return
  mkdirSync(folder, { recursive: true })
  let to = join(folder, basename(path))
  for (let k = 1; existsSync(to); k++) to = join(folder, `${basename(path)}.${k}`)
  renameSync(path, to)
}
