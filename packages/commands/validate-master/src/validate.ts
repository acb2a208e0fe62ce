import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type CalibrationRow, describeMaster } from '@nightpipe/calibrations'
import { DataError, type Job, type Parent, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { createHeader, type FitsFrame, imageHdu, openFits, readFrame, textOf } from '@nightpipe/fits'
import { chart, pictureFigure, writeFigure } from '@nightpipe/plot'
import { type CalibrationRecord, formatCalibrationJson, record, type ValidationRow } from '@nightpipe/validations'
import { promote } from './bank.js'
import { type Comparison, compareMasters, dispersionMap, type Moments, momentsOf } from './compare.js'
import type { Limits, schema } from './schema.js'
import { comparisonReasons, headerReasons, limitsFor, type Reason } from './verdict.js'

/** One candidate, where it would be in force, and what is in force there now. */
export interface ValidationJob {
  bank: string
  /** Where records and pictures go. */
  records: string
  candidate: string
  name: string
  reference?: string
  bootstrap: boolean
}

type ValidationTools = Tools<typeof schema>

/** Compares, records, and promotes when nothing speaks against it. */
export async function validate(job: Job<ValidationJob>, tools: ValidationTools): Promise<Row[]> {
  const { candidate, bank, name, bootstrap } = job.params
  // Of two first candidates of one kind, the later is judged by the earlier.
  const reference = job.params.reference ?? (existsSync(join(bank, name)) ? join(bank, name) : undefined)
  const row = describeMaster(candidate)
  const frame = readFrame(candidate)
  const own = momentsOf(frame)
  const verdict = reference ? judge(row, frame, reference, tools) : first(bootstrap)
  const valid = reference ? verdict.reasons.length === 0 : undefined
  const files = await writeRecords(job, row, own, verdict, valid, tools)
  await record(bank, [historyRow(row, reference, own, verdict, valid)])
  const accepted = verdict.reasons.length === 0
  const target = accepted ? await promote(bank, candidate, name) : undefined
  return [
    {
      input: job.inputs[0],
      status: accepted ? 'done' : 'rejected',
      reason: accepted ? undefined : verdict.reasons.map(({ text }) => text).join('; '),
      product: target ?? files[0],
      measurements: {
        ...{ type: row.type, instrument: row.instrument, filter: row.filter },
        ...{ mean: own.mean, median: own.median, rms: own.rms },
        ...{
          meandiff: verdict.comparison?.mean,
          mediandiff: verdict.comparison?.median,
          rmsdiff: verdict.comparison?.rms,
        },
        ...{
          deviating: verdict.comparison?.deviating,
          codes: verdict.reasons.map(({ code }) => code).join(' ') || undefined,
        },
      },
    },
  ]
}

interface Judged {
  reasons: Reason[]
  limits?: Limits
  comparison?: Comparison
  width?: number
}

const first = (bootstrap: boolean): Judged => ({
  reasons: bootstrap
    ? []
    : [
        {
          code: 'NO_REFERENCE',
          text: 'there is no master of its kind in force (put the first one in force with --bootstrap)',
        },
      ],
})

function judge(row: CalibrationRow, candidate: FitsFrame, reference: string, tools: ValidationTools): Judged {
  const differences = headerReasons(row, describeMaster(reference))
  const limits = limitsFor(tools.config.limits as Record<string, Limits>, row)
  if (differences.some(({ code }) => code === 'SIZE')) return { reasons: differences, limits }
  const comparison = compareMasters(candidate, readFrame(reference), limits.mode, tools.config.compare.sigma)
  const reasons = [...differences, ...comparisonReasons(comparison, limits)]
  return { reasons, limits, comparison, width: candidate.width }
}

function historyRow(
  row: CalibrationRow,
  reference: string | undefined,
  own: Moments,
  verdict: Judged,
  valid?: boolean,
): ValidationRow {
  const { comparison, reasons } = verdict
  return {
    ...{ im_name: row.filename, np_id: row.np_id, reference_id: reference && describeMaster(reference).np_id },
    ...{ type: row.type, instrument: row.instrument, filter: row.filter, date: row.date },
    ...{ mean: own.mean, median: own.median, rms: own.rms },
    ...{ meandiff: comparison?.mean, mediandiff: comparison?.median, rmsdiff: comparison?.rms },
    ...{ deviating: comparison?.deviating, masked: comparison?.masked, valid },
    reasons: reasons.map(({ code }) => code).join(' ') || undefined,
  }
}

/** The products of a job, in the order in which `plan` names them. */
export function recordPaths(records: string, stem: string, pictures: boolean, compared: boolean): string[] {
  const names = [`${stem}.json`]
  if (compared) names.push(`${stem}_dispersion.fits`)
  if (compared && pictures) names.push(`${stem}_histogram.png`, `${stem}_dispersion.png`)
  return names.map((name) => join(records, name))
}

async function writeRecords(
  { params, products, parents }: Job<ValidationJob>,
  row: CalibrationRow,
  own: Moments,
  { comparison, limits, width }: Judged,
  valid: boolean | undefined,
  tools: ValidationTools,
): Promise<string[]> {
  writeAtomically(
    products[0],
    formatCalibrationJson([jsonRecord(params.candidate, row, own, comparison, valid)], tools.config.json.schema),
  )
  if (!comparison || !width || !limits || products.length === 1) return [products[0]]
  const map = dispersionMap(comparison.pixels, width, tools.config.compare.box)
  const unit = limits.mode === 'ratio' ? '' : (row.unit ?? '')
  writeDispersion(products[1], map, unit, tools, parents)
  if (tools.config.compare.pictures) {
    const title = `${basename(params.candidate)}: ${limits.mode}`
    await writeFigure(products[2], histogram(title, comparison, unit))
    await writeFigure(products[3], pictureFigure({ ...map, title: `${title}, rms in boxes`, unit }))
  }
  return products
}

function writeDispersion(
  path: string,
  { pixels, width, height }: { pixels: Float32Array; width: number; height: number },
  unit: string,
  { context, config }: ValidationTools,
  parents: readonly Parent[],
): void {
  const header = createHeader([
    ['BUNIT', unit, 'unit of the pixels'],
    ['BOX', config.compare.box, '[px] side of the box that a pixel stands for'],
  ])
  writeProduct(path, [{ kind: 'image', bitpix: -32, axes: [width, height], pixels, header }], context, parents)
}

/** Counts over five deviations to each side of the median: a tail that reaches farther is in the last bins' limits. */
function histogram(title: string, { pixels, median, rms, mean }: Comparison, unit: string) {
  const reach = 5 * rms || 1
  const range = [median - reach, median + reach] as const
  return chart({
    title,
    x: { label: unit ? `difference (${unit})` : 'value', range },
    y: { label: 'pixels', log: true },
    series: [
      { kind: 'histogram', values: pixels, range, bins: 100 },
      { kind: 'position', x: mean, label: `mean ${mean.toPrecision(3)}`, colour: '#d55e00' },
      { kind: 'position', x: mean + rms, label: `rms ${rms.toPrecision(3)}`, colour: '#888888' },
      { kind: 'position', x: mean - rms, colour: '#888888' },
    ],
  })
}

function jsonRecord(
  path: string,
  row: CalibrationRow,
  own: Moments,
  comparison: Comparison | undefined,
  valid?: boolean,
): CalibrationRecord {
  const file = openFits(path)
  try {
    const { header } = imageHdu(file)
    return {
      ...{ IM_NAME: row.filename, TYPE: row.type, DATE: row.date ?? '', ORIGIN: textOf(header, 'ORIGIN') ?? row.site },
      ...{ TELESCOP: textOf(header, 'TELESCOP'), INSTRUME: row.instrument, FILTER: row.filter },
      ...{ MEAN: own.mean, MEDIAN: own.median, RMS: own.rms },
      ...{
        MEANDIFF: comparison?.mean ?? null,
        MEDIANDIF: comparison?.median ?? null,
        RMSDIFF: comparison?.rms ?? null,
      },
      VALID: valid ?? null,
    }
  } finally {
    file.close()
  }
}

/** A file that is no master of this toolkit cannot be put in force: it says neither what it is nor of what. */
export function requireMaster(path: string): CalibrationRow {
  const row = describeMaster(path)
  const missing = (['type', 'instrument', 'binning'] as const).filter((key) => !row[key])
  if (missing.length === 0) return row
  throw new DataError(
    `${basename(path)} does not say its ${missing.join(', ')}`,
    'a master has IMAGETYP, INSTRUME and BINNING, as those of stack-calibrations have',
  )
}
