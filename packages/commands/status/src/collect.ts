import { mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { freemem, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { type Conducting, ConfigError, DataError, defineConductor, Exit, VERSION } from '@nightpipe/command'
import { describeFrame, flag, freeSection, integer, number, text } from '@nightpipe/config'
import { FITS_EXTENSIONS, type InputFile, writeAtomically } from '@nightpipe/files'
import { cardLookup, cardValue, imageHdu, openFits } from '@nightpipe/fits'
import { checkValue, mergeRecords, readEnvelope, type SensorRecord, type Supply, signed } from '@nightpipe/sensors'
import { formatMjd } from '@nightpipe/sky'
import { upsertRows } from '@nightpipe/table'
import { presentOf } from './ask.js'
import { type SetAsideRow, setAsideTable } from './tables.js'

const schema = {
  collect: {
    producer: text('nightpipe', 'producer_name of the file'),
    interval: integer(300, 'one file for each so many seconds', { unit: 's', min: 1 }),
    stale: number(60, 'a record is stale when it is older', { unit: 's', min: 0 }),
    drop: number(86400, 'records older than this are left out', { unit: 's', min: 0 }),
    ahead: number(30, 'a record that is further ahead comes from a wrong clock, and is set aside', {
      unit: 's',
      min: 0,
    }),
    health: flag(true, 'with the load, memory and disk of this machine'),
  },
  headers: freeSection(
    'Keywords of FITS headers that are sensors: KEYWORD = subsystem component group unit.',
    text('', 'subsystem component group unit'),
  ),
}

/** The state of the moment, in one file. */
export const statusCollect = defineConductor({
  name: 'status',
  subcommand: 'collect',
  summary: 'sensors of several suppliers merged and checked into one file, for cron',
  description:
    'Reads the newest records of each supplier (a supplier is a folder or file of JSON in any of the three envelopes), the ' +
    'headers of FITS frames ([headers]) and the state of this machine, and writes sensors-YYYYMMDDTHHMMSS.json into ' +
    '<output>/<day>/sensors/, the time being that of the interval. Of each sensor the newest record stays; a value that is ' +
    'not that of its correction model is corrected; a stale record stays, with error code 2 (1 is a missing value). What is ' +
    'no record, and what comes from a clock that is ahead, is set aside in set-aside.csv.',
  examples: [
    { run: 'status collect -s tcs/ -s weather/ -r state/', doc: 'every five minutes, by cron' },
    {
      run: "status collect -s tcs/ -s 'raw/*.fits' -r state/ --set headers.IGLATEMP='nres igloo environmental-temperature C'",
      doc: 'with a header',
    },
  ],
  schema,
  flags: { now: { type: 'text', doc: 'the moment (default: the present)', placeholder: 'DATE' } },
  measurements: [],
  tables: [setAsideTable],
  inputs: 'optional',
  extensions: ['.json', ...FITS_EXTENSIONS],
  conduct: collect,
})

/** The error code of a record that nobody has renewed. */
const STALE = 2

async function collect(request: Conducting<typeof schema>): Promise<number> {
  const { inputs, output, config, flags, log, dryRun } = request
  const now = presentOf(flags.now)
  const setAside: SetAsideRow[] = []
  const supplies: Supply[] = []
  for (const file of inputs) {
    const { records, aside } = file.name.toLowerCase().endsWith('.json') ? fromJson(file) : fromFrame(file, request)
    setAside.push(...aside)
    supplies.push({ supplier: dirname(file.path), records })
  }
  if (config.collect.health) supplies.push({ supplier: 'nightpipe', records: health(output, now) })
  const { stale, ahead, drop, interval } = config.collect
  const result = mergeRecords(supplies, { now, staleSeconds: stale, aheadSeconds: ahead })
  for (const { supplier, name, reason } of result.setAside)
    setAside.push({ file: supplier, place: 0, sensor: name, reason })
  const kept = result.merged.filter(({ ageSeconds }) => ageSeconds <= drop)
  if (kept.length === 0) throw new DataError('no record of any sensor', 'name the files of the suppliers by --input')
  const notes: string[] = []
  const sensors = kept.map(({ record, stale }) => {
    const checked = checkValue(record)
    notes.push(...checked.notes.map((note) => `${record.name}: ${note}`))
    return written(stale && record.error_code === 0 ? { ...checked.record, error_code: STALE } : checked.record)
  })
  for (const note of notes) log.detail(note)
  const staleOnes = kept.filter((one) => one.stale).length
  log.info(
    `${sensors.length} sensors of ${supplies.length} files, ${staleOnes} stale, ${setAside.length} records set aside, ${notes.length} values not those of their models`,
  )
  const path = join(output, slotName(now, interval))
  if (!dryRun) {
    mkdirSync(dirname(path), { recursive: true })
    writeAtomically(
      path,
      `${JSON.stringify({ frame_model: '1.0', producer_name: config.collect.producer, sensor: sensors }, undefined, 1)}\n`,
    )
    if (setAside.length > 0) await upsertRows(join(output, setAsideTable.name), setAsideTable, setAside)
  }
  await request.print(
    request.json
      ? `${JSON.stringify({ product: path, sensors: sensors.length, stale: staleOnes, set_aside: setAside.length })}\n`
      : `${path}\n`,
  )
  return Exit.done
}

/** 20260301/sensors/sensors-20260301T120500.json: the interval in which `now` lies. */
function slotName(now: number, interval: number): string {
  const seconds = Math.floor(((now % 1) * 86400 + 1e-6) / interval) * interval
  const slot = formatMjd(Math.floor(now) + seconds / 86400 + 1e-9)
    .slice(0, 19)
    .replaceAll(/[-:]/g, '')
  return join(slot.slice(0, 8), 'sensors', `sensors-${slot}.json`)
}

const written = ({ extra, ...fields }: SensorRecord) => ({ ...fields, ...extra })

function fromJson(file: InputFile): { records: SensorRecord[]; aside: SetAsideRow[] } {
  const { records, setAside } = readEnvelope(readFileSync(file.path, 'utf8'))
  const aside = setAside.map(({ place, name, reasons }) => ({
    ...{ file: file.name, place, reason: reasons.join('; ') },
    ...(name ? { sensor: name } : {}),
  }))
  return { records, aside }
}

/** The keywords of a frame that [headers] calls sensors. */
function fromFrame(file: InputFile, { config, profile }: Conducting<typeof schema>) {
  const aside = (reason: string) => ({ records: [], aside: [{ file: file.name, place: 0, reason }] })
  const entries = Object.entries(config.headers)
  if (entries.length === 0) return aside('no keyword of frames is a sensor: [headers] is empty')
  try {
    const fits = openFits(file.path)
    try {
      const hdu = imageHdu(fits)
      const size = { width: hdu.axes[0] ?? 0, height: hdu.axes[1] ?? 0, name: file.name }
      const { mjd } = describeFrame(cardLookup(hdu), profile, size)
      if (mjd === undefined) return aside('its header tells no time')
      const date = formatMjd(mjd).slice(0, 19)
      return {
        records: entries.flatMap(([key, said]) => recordOf(key, said, cardValue(hdu.header, key.toUpperCase()), date)),
        aside: [],
      }
    } finally {
      fits.close()
    }
  } catch (error) {
    if (error instanceof DataError) return aside(error.message)
    throw error
  }
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function recordOf(key: string, said: string, value: unknown, date: string): SensorRecord[] {
  const words = said.trim().split(/\s+/)
  if (words.length < 3 || words.length > 4)
    throw new ConfigError(
      `[headers] ${key} = ${said}: expected subsystem component group unit`,
      'the unit may be absent',
    )
  const [subsystem, component, group, unit = ''] = words as [string, string, string, string?]
  if (value === undefined) return []
  const written = typeof value === 'number' ? signed(value) : String(value).trim()
  const type = typeof value === 'number' || NUMBER.test(written) ? 'float' : 'string'
  return [
    {
      ...blank,
      name: `${component}-${key.toLowerCase()}`,
      value: written,
      raw_value: written,
      date,
      subsystem,
      component,
      group,
      unit,
      type,
      pretty_name: key,
    },
  ]
}

const blank = {
  ...{ model: '', identifier: '', firmware: '', correction_model: '', error_code: 0 },
} as const

/** Load, memory and disk of this machine. */
function health(folder: string, now: number): SensorRecord[] {
  const date = formatMjd(now + 1e-9).slice(0, 19)
  const record = (name: string, pretty: string, group: string, unit: string, value: number): SensorRecord => {
    const text = signed(Number(value.toFixed(4)))
    return {
      ...blank,
      ...{ name: `nightpipe-${name}`, pretty_name: pretty, subsystem: 'nightpipe', component: 'host', group, unit },
      ...{ type: 'float', value: text, raw_value: text, date, firmware: VERSION },
    }
  }
  const disk = statfsSync(folder)
  return [
    record('load', 'load of the machine', 'host-load', 'processes', loadavg()[0] ?? 0),
    record('memory', 'free part of the memory', 'host-memory', '', freemem() / totalmem()),
    record('disk-space', 'free part of the disk', 'host-disk-space', '', disk.bavail / Math.max(1, disk.blocks)),
  ]
}
