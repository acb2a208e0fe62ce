import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Conducting, defineConductor, Exit } from '@nightpipe/command'
import { flag } from '@nightpipe/config'
import { explainSystemError, withLock } from '@nightpipe/files'
import { checkValue, mjdOf, readEnvelope, type SensorRecord } from '@nightpipe/sensors'
import { appendRows, editTable, readTable, upsertRows } from '@nightpipe/table'
import { addReadings, folderOf, type Reading, readingOf } from './readings.js'
import { ingestedTable, type SensorRow, type SetAsideRow, sensorsTable, setAsideTable } from './tables.js'

const schema = {
  ingest: {
    correct: flag(true, 'where a value is not that of its correction model, take the value of the model'),
  },
}

/** Records held in memory before they are written. */
const AT_ONCE = 400_000
/** Files that are told by name when records of them are set aside. */
const WARNINGS = 5

/** State files into the store. */
export const statusIngest = defineConductor({
  name: 'status',
  subcommand: 'ingest',
  summary: 'state files into the store: each record once, whatever comes twice, late or broken',
  description:
    'Reads JSON files in any of the three envelopes and enters their records into the store, the output folder: ' +
    'sensors.csv (what is known of each sensor), readings/<sensor>/<year>-<month>.csv, ingested.csv (the files taken) and ' +
    'set-aside.csv (what could not be taken, and why). A file that was taken before is passed over; a record that is there ' +
    'is not entered again; late ones go to their places. Killed at any moment, it goes on where it was.',
  examples: [{ run: 'status ingest --input state/ --output store/', doc: 'every file of a folder' }],
  schema,
  measurements: [],
  tables: [sensorsTable, ingestedTable, setAsideTable],
  extensions: ['.json'],
  conduct: ingest,
})

interface Batch {
  readings: Map<string, Reading[]>
  newest: Map<string, { record: SensorRecord; mjd: number }>
  files: { sha256: string; file: string; records: number; set_aside: number }[]
  setAside: SetAsideRow[]
  count: number
}

const emptyBatch = (): Batch => ({ readings: new Map(), newest: new Map(), files: [], setAside: [], count: 0 })

async function ingest(request: Conducting<typeof schema>): Promise<number> {
  const { inputs, output, dryRun, log } = request
  const ledger = join(output, ingestedTable.name)
  // Of the store as a whole: the tables in it have locks of their own.
  return withLock(join(output, 'readings'), async () => {
    const known = new Set(readTable(ledger, ingestedTable, { orEmpty: true }).map(({ sha256 }) => sha256))
    const total = { records: 0, files: 0, again: 0, setAside: 0, useless: 0, odd: 0 }
    let batch = emptyBatch()
    for (const { path, name, shown } of inputs) {
      if (request.signal.aborted) return Exit.interrupted
      const text = textOf(path)
      const sha256 = createHash('sha256').update(text).digest('hex')
      if (known.has(sha256)) {
        total.again++
        continue
      }
      known.add(sha256)
      const { records, setAside } = takeFile(text, name, sha256, batch, request.config.ingest.correct)
      if (records === 0 && setAside > 0) total.useless++
      total.files++
      total.records += records
      total.setAside += setAside
      if (setAside > 0 && ++total.odd <= WARNINGS)
        log.warn(`${shown}: ${setAside} of ${records + setAside} records set aside, see ${setAsideTable.name}`)
      if (batch.count >= AT_ONCE && !dryRun) {
        await enter(batch, output)
        batch = emptyBatch()
      }
    }
    if (!dryRun) await enter(batch, output)
    if (total.odd > WARNINGS) log.warn(`… and of ${total.odd - WARNINGS} more files`)
    const told = {
      ...total,
      sensors: readTable(join(output, sensorsTable.name), sensorsTable, { orEmpty: true }).length,
    }
    if (request.json) await request.print(`${JSON.stringify(told)}\n`)
    else
      log.info(
        `${told.records} records of ${told.files} files, ${told.setAside} set aside, ${told.again} files had come before`,
      )
    if (total.useless > 0 && total.useless === total.files && total.again === 0) return Exit.noProduct
    return total.useless > 0 ? Exit.someFailed : Exit.done
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
}

function takeFile(text: string, file: string, sha256: string, batch: Batch, correct: boolean) {
  const { records, setAside } = readEnvelope(text)
  for (const { place, name, reasons } of setAside)
    batch.setAside.push({ file, place, ...(name ? { sensor: name } : {}), reason: reasons.join('; ') })
  for (const record of records) {
    const taken = correct ? checkValue(record).record : record
    const mjd = mjdOf(taken)!
    const list = batch.readings.get(taken.name)
    if (list) list.push(readingOf(taken, mjd, file))
    else batch.readings.set(taken.name, [readingOf(taken, mjd, file)])
    const before = batch.newest.get(taken.name)
    if (!before || mjd >= before.mjd) batch.newest.set(taken.name, { record: taken, mjd })
  }
  batch.count += records.length
  batch.files.push({ sha256, file, records: records.length, set_aside: setAside.length })
  return { records: records.length, setAside: setAside.length }
}

/** Readings first, the ledger last: what was killed in between is taken again, and changes nothing. */
async function enter(batch: Batch, output: string): Promise<void> {
  if (batch.files.length === 0) return
  const odd = await addReadings(join(output, 'readings'), batch.readings)
  const refused: SetAsideRow[] = odd.map(({ sensor, reading: { date, value, file = '' } }) => ({
    ...{ file, place: 0, sensor, reason: `${value} at ${date}, where another value stands` },
  }))
  await editTable(join(output, sensorsTable.name), sensorsTable, (rows) => withNewest(rows, batch.newest))
  const aside = [...batch.setAside, ...refused]
  if (aside.length > 0) await upsertRows(join(output, setAsideTable.name), setAsideTable, aside)
  await appendRows(join(output, ingestedTable.name), ingestedTable, batch.files)
}

function withNewest(rows: SensorRow[], newest: Batch['newest']): SensorRow[] {
  const all = new Map(rows.map((row) => [row.name, row]))
  for (const [name, { record, mjd }] of newest) {
    const before = all.get(name)
    const { date, value, error_code, extra: _, raw_value: __, ...facts } = record
    if (before?.last_utc && mjdOf({ date: before.last_utc })! > mjd) continue
    const known = Object.fromEntries(Object.entries(facts).map(([key, text]) => [key, text === '' ? undefined : text]))
    all.set(name, { ...known, name, file: folderOf(name), last_utc: date, last_value: value, last_error: error_code })
  }
  return [...all.values()]
}
