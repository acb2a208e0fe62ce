import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { CALIBRATIONS_FILE } from '@nightpipe/calibrations'
import { DataError, type Job, type Ran, type Row, runCommand, type Tools } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { parseCsv, textOfTable } from '@nightpipe/table'
import { nightText } from './report.js'
import type { schema } from './schema.js'

export interface NightJob {
  bank: string
  /** Where the candidates of this night and its report go. */
  folder: string
  inputs: string[]
  start?: string
  end?: string
}

/** What one candidate came to. */
export interface Candidate {
  master: string
  verdict: 'accepted' | 'refused' | 'failed'
  reason?: string
  meandiff?: number
  rmsdiff?: number
}

export interface Night {
  frames: { used: number; rejected: { frame: string; reason: string }[]; failed: { frame: string; reason: string }[] }
  candidates: Candidate[]
}

type NightTools = Tools<typeof schema>

/** Group, build, check, compare, promote, report: the two commands one after the other, as a person would run them. */
export async function runNight(job: Job<NightJob>, tools: NightTools): Promise<Row[]> {
  const { folder, bank } = job.params
  const stacked = await stack(job.params, tools)
  // The report keeps the rows of earlier calls: only those of these frames are of this night.
  const given = new Set(job.inputs.map((path) => basename(path)))
  const report = rowsOf(join(folder, 'stack-calibrations.csv')).filter((line) => given.has(basename(line.input)))
  const masters = stacked.products
  const checked = masters.length > 0 ? await validate(masters, job.params, tools) : undefined
  const verdicts = checked ? rowsOf(join(bank, 'validate-master.csv')) : []
  const night = summarise(report, masters, verdicts, bank)
  writeAtomically(job.products[0], `${JSON.stringify(night, null, 2)}\n`)
  writeAtomically(job.products[1], nightText(night))
  return rowsOfNight(job, report, night)
}

async function stack(
  { inputs, folder, bank, start, end }: NightJob,
  { config, workers, signal }: NightTools,
): Promise<Ran> {
  const args = ['--input', ...inputs, '--output', folder, '--quiet', '--workers', String(workers)]
  if (config.night.stack) args.push('--config', config.night.stack)
  else args.push('--set', `instrument.profile=${profileOf(config)}`)
  if (start) args.push('--start', start)
  if (end) args.push('--end', end)
  if (existsSync(join(bank, CALIBRATIONS_FILE))) args.push('--set', `calibration.folder=${bank}`)
  const ran = await runCommand('stack-calibrations', args, signal)
  // Masters that could not be made are in the report; anything else is no answer to go on with.
  if (![0, 3, 5].includes(ran.code))
    throw new DataError(`stack-calibrations ended with ${ran.code}: ${ran.stderr.trim()}`)
  return ran
}

async function validate(masters: string[], { bank }: NightJob, { config, signal }: NightTools): Promise<Ran> {
  const args = ['--input', ...masters, '--output', bank, '--quiet']
  if (config.night.validate) args.push('--config', config.night.validate)
  if (config.night.bootstrap) args.push('--bootstrap')
  const ran = await runCommand('validate-master', args, signal)
  if (![0, 3, 4, 5].includes(ran.code))
    throw new DataError(`validate-master ended with ${ran.code}: ${ran.stderr.trim()}`)
  return ran
}

/** The profile as it was asked for: [instrument] is a section of every command. */
const profileOf = (config: NightTools['config']) =>
  (config as NightTools['config'] & { instrument?: { profile?: string } }).instrument?.profile ?? 'generic'

type Line = Record<string, string>

/** A report as records of text. */
function rowsOf(path: string): Line[] {
  const [head = [], ...rows] = parseCsv(textOfTable(path) ?? '', path).map((record) => record.cells)
  return rows.map((cells) => Object.fromEntries(head.map((name, k) => [name, cells[k] ?? ''])))
}

function summarise(report: Line[], masters: string[], verdicts: Line[], bank: string): Night {
  const of = (status: string) =>
    report
      .filter((line) => line.status === status)
      .map((line) => ({ frame: basename(line.input), reason: line.reason }))
  const used = report.filter((line) => line.status === 'done').length
  const calibrations = (list: { frame: string; reason: string }[]) =>
    list.filter(({ reason }) => !/^is of type /.test(reason))
  const candidates = masters.map((path): Candidate => {
    const line = verdicts.find((row) => resolve(bank, row.input) === resolve(path))
    const number = (text: string | undefined) => (text ? Number(text) : undefined)
    const verdict = line?.status === 'done' ? 'accepted' : line?.status === 'rejected' ? 'refused' : 'failed'
    const reason = verdict === 'accepted' ? undefined : line?.reason
    return { master: basename(path), verdict, reason, meandiff: number(line?.meandiff), rmsdiff: number(line?.rmsdiff) }
  })
  return { frames: { used, rejected: calibrations(of('rejected')), failed: of('failed') }, candidates }
}

function rowsOfNight(job: Job<NightJob>, report: Line[], night: Night): Row[] {
  const refused = night.candidates.filter(({ verdict }) => verdict !== 'accepted')
  const masters = new Map(night.candidates.map((candidate) => [candidate.master, candidate]))
  return job.inputs.map((input): Row => {
    const line = report.find((one) => basename(one.input) === basename(input))
    const candidate = line?.product ? masters.get(basename(line.product)) : undefined
    const status =
      line?.status === 'failed'
        ? 'failed'
        : line?.status === 'done' && candidate?.verdict !== 'refused'
          ? 'done'
          : 'rejected'
    const reason =
      line?.reason ||
      (refused.includes(candidate as Candidate)
        ? `its master was refused: ${candidate?.master}: ${candidate?.reason}`
        : undefined)
    return {
      input,
      status,
      reason,
      product: status === 'done' ? job.products[0] : undefined,
      measurements: { type: line?.type, master: line?.product && basename(line.product) },
    }
  })
}
