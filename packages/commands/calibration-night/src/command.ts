import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  ConfigError,
  defineCommand,
  type Job,
  type Plan,
  type Request,
  type Row,
  type Verdict,
} from '@nightpipe/command'
import { describeFrame, type InstrumentProfile } from '@nightpipe/config'
import { type InputFile, writeAtomically } from '@nightpipe/files'
import { cardLookup, type FitsFile, imageHdu, openFits } from '@nightpipe/fits'
import { formatMjd, parseDate } from '@nightpipe/sky'
import { type NightJob, runNight } from './night.js'
import { nightText } from './report.js'
import { schema } from './schema.js'

/** The calibrations of a night, from raw frames to masters in force, in one call. */
export const calibrationNight = defineCommand({
  name: 'calibration-night',
  summary: "a night's calibrations: grouped, built, checked, compared, promoted and reported in one call",
  description:
    'Runs stack-calibrations on the frames of a night and validate-master on what it made. The output folder is the bank ' +
    'of masters in force; candidates and the report of the night (night.json, night.txt) are in nights/<date> inside it, the date being that of --date or of the earliest frame. ' +
    'A night without calibrations is a success with an empty report. Exit code 4 when a candidate was refused.',
  examples: [
    { run: 'calibration-night --input raw/ --output bank/ --date 2026-11-20', doc: 'the night that began on that day' },
    { run: 'calibration-night --input raw/ --output bank/ --bootstrap', doc: 'the very first night' },
  ],
  schema,
  flags: {
    date: {
      type: 'text',
      doc: 'only frames from noon of this day to noon of the next (UTC)',
      placeholder: 'YYYY-MM-DD',
    },
    bootstrap: {
      type: 'flag',
      doc: 'put masters in force where there are none of their kind yet',
      config: 'night.bootstrap',
    },
  },
  measurements: [
    { name: 'type', doc: 'type of the frame', type: 'text' },
    { name: 'master', doc: 'the master it went into', type: 'text' },
  ],
  inputs: 'optional',
  parallel: 'strips',
  plan,
  job: runNight,
  finish,
})

const NOTHING = { frames: { used: 0, rejected: [], failed: [] }, candidates: [] }

function nightFolder({ flags, inputs, output, profile }: Request<typeof schema>): {
  folder: string
  start?: string
  end?: string
} {
  if (flags.date === undefined) return { folder: join(output, 'nights', nightOf(inputs, profile) ?? 'undated') }
  const day = /^\d{4}-\d{2}-\d{2}$/.test(String(flags.date)) ? parseDate(String(flags.date)) : undefined
  if (!day) throw new ConfigError(`--date ${String(flags.date)}: expected a day such as 2026-11-20`)
  const [start, end] = [day.mjd + 0.5, day.mjd + 1.5].map((mjd) => formatMjd(mjd))
  return { folder: join(output, 'nights', String(flags.date)), start, end }
}

/** The day on which the night of the earliest frame began, noon to noon; undefined when no frame is dated. */
function nightOf(inputs: readonly InputFile[], profile: InstrumentProfile): string | undefined {
  const dates = inputs.flatMap(({ path }) => dateOf(path, profile) ?? [])
  return dates.length > 0 ? formatMjd(Math.floor(Math.min(...dates) - 0.5)).slice(0, 10) : undefined
}

function dateOf(path: string, profile: InstrumentProfile): number | undefined {
  let file: FitsFile | undefined
  try {
    file = openFits(path)
    const hdu = imageHdu(file)
    const [width, height] = hdu.axes
    return describeFrame(cardLookup(hdu), profile, { width, height, name: path }).mjd
  } catch {
    return undefined // stack-calibrations will say what is wrong with it
  } finally {
    file?.close()
  }
}

function plan(request: Request<typeof schema>): Plan<NightJob> {
  const { inputs, output, dryRun } = request
  const { folder, start, end } = nightFolder(request)
  const products = ['night.json', 'night.txt'].map((name) => join(folder, name))
  if (inputs.length === 0) {
    if (!dryRun) writeEmptyReport(folder, products)
    return { jobs: [] }
  }
  const paths = inputs.map(({ path }) => path)
  const parents = paths.map((path) => ({ path, role: 'frame' }))
  const params: NightJob = { bank: output, folder, inputs: paths, start, end }
  return { jobs: [{ name: 'night', inputs: paths, products, parents, params } satisfies Job<NightJob>] }
}

function writeEmptyReport(folder: string, [json, text]: string[]): void {
  mkdirSync(folder, { recursive: true })
  writeAtomically(json, `${JSON.stringify(NOTHING, null, 2)}\n`)
  writeAtomically(text, nightText(NOTHING))
}

/** A refused candidate is a verdict; a frame that no master wanted is not. */
function finish(_request: Request<typeof schema>, rows: readonly Row[]): Verdict {
  const refused = rows.filter((row) => row.reason?.startsWith('its master was refused'))
  return { ok: refused.length === 0, reasons: [...new Set(refused.map((row) => row.reason ?? ''))] }
}
