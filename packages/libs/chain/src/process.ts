import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { productPathInTree } from '@nightpipe/spectrographs'
import { type Chain, call, inputList, type ReportRow, reportOf } from './caller.js'
import type { ExposureRow, Exposures } from './exposures.js'
import { fingerprinter, stampOf } from './fingerprint.js'
import type { RawFrame } from './raw-frames.js'

/** The commands that each kind of exposure goes through by itself, one taking what the one before made. */
export const STAGES: Readonly<Record<string, readonly string[]>> = {
  bias: ['reduction'],
  dark: ['reduction'],
  flat: ['stack-calibrations'],
  arc: ['reduction', 'extract', 'wavelength'],
  object: ['reduction', 'extract', 'wavelength', 'rv'],
  // Nobody knows what it is: reduction says why.
  unknown: ['reduction'],
}

/** Measurements of commands, and the columns of exposures.csv that they become. */
const MEASURED: Readonly<Record<string, Readonly<Record<string, keyof ExposureRow>>>> = {
  extract: { snr: 'snr', electrons: 'electrons', cosmic: 'cosmic_px' },
  wavelength: { drift_m_s: 'drift_m_s', lines: 'lines', residual_m_s: 'residual_m_s', rms_m_s: 'residual_m_s' },
  rv: { rv_m_s: 'rv_m_s', rv_error_m_s: 'rv_error_m_s' },
}

/** How many exposures go through all commands before the next ones: what they leave in temp/ at once. */
const BATCH = 24

export interface Rules {
  /** a star of less signal to noise is set aside as clouded out */
  leastSnr: number
  /** do again what is up to date, or failed before on the same */
  force: boolean
  /** no command after this one */
  upTo?: string
}

/** The commands that a kind of exposure goes through under these rules. */
function stagesOf(type: string, { upTo }: Rules): readonly string[] {
  const all = STAGES[type] ?? []
  const last = upTo === undefined ? -1 : all.indexOf(upTo)
  return last < 0 ? all : all.slice(0, last + 1)
}

/** What became of some exposures. */
export interface Processed {
  /** those that had to be done */
  worked: ExposureRow[]
  /** up to date from before */
  kept: ExposureRow[]
}

/** Those of some exposures that are not up to date. */
export function outstanding(chain: Chain, exposures: Exposures, frames: readonly RawFrame[], rules: Rules): RawFrame[] {
  const madeOf = fingerprinter(chain)
  return frames.filter((frame) => {
    const before = exposures.rows.get(frame.name)
    return !before || rules.force || !isCurrent(chain, before, madeOf(frame, stampOf(frame.path, before.raw)), rules)
  })
}

/** Brings exposures of one kind as far as they go; one that cannot go on is left with its reason, and the others go on. */
export async function processFrames(
  chain: Chain,
  exposures: Exposures,
  frames: readonly RawFrame[],
  rules: Rules,
): Promise<Processed> {
  const madeOf = fingerprinter(chain)
  const todo: Work[] = []
  const kept: ExposureRow[] = []
  for (const frame of frames) {
    const before = exposures.rows.get(frame.name)
    const raw = stampOf(frame.path, before?.raw)
    const made_of = madeOf(frame, raw)
    if (before && !rules.force && isCurrent(chain, before, made_of, rules)) kept.push(before)
    else todo.push({ frame, row: firstRow(frame, raw, made_of), path: frame.path })
  }
  const worked: ExposureRow[] = []
  for (let at = 0; at < todo.length && !chain.signal.aborted; at += BATCH) {
    const batch = todo.slice(at, at + BATCH)
    await exposures.put(batch.map(({ row }) => ({ ...row, status: 'working' })))
    await throughStages(chain, batch, rules)
    if (chain.signal.aborted) break // they stay as working: the next run does them
    await exposures.put(batch.map(({ row }) => row))
    worked.push(...batch.map(({ row }) => row))
  }
  return { worked, kept }
}

interface Work {
  frame: RawFrame
  row: ExposureRow
  /** what the next command takes */
  path: string
}

export function isCurrent({ tree }: Chain, row: ExposureRow, made_of: string, rules: Rules): boolean {
  if (row.made_of !== made_of || row.status === 'working') return false
  const all = STAGES[row.type ?? 'unknown'] ?? []
  const last = stagesOf(row.type ?? 'unknown', rules).at(-1) ?? ''
  const reached = all.indexOf(row.stage ?? '')
  // a bias or dark that went into a master at once is at its end
  if (row.status === 'done' && reached >= 0 && reached < all.indexOf(last)) return false
  return row.status !== 'done' || (row.product !== undefined && existsSync(join(tree.folder, row.product)))
}

export const firstRow = (frame: RawFrame, raw: string, made_of: string): ExposureRow => ({
  ...{ name: frame.name, day: frame.day, type: frame.type, fibres: frame.fibres?.join('&'), target: frame.target },
  ...{ mjd: frame.mjd, exposure_s: frame.seconds, status: 'done', seconds: 0, raw, made_of },
})

async function throughStages(chain: Chain, batch: readonly Work[], rules: Rules): Promise<void> {
  const stages = stagesOf(batch[0]!.frame.type, rules)
  for (const one of batch) {
    if (one.frame.problem) Object.assign(one.row, { status: 'failed', stage: 'header', reason: one.frame.problem })
  }
  for (const stage of stages) {
    const alive = batch.filter(({ row }) => row.status === 'done')
    if (alive.length === 0 || chain.signal.aborted) return
    const { type } = alive[0]!.frame
    const { code, message } = await call(chain, stage, [
      '--input',
      inputList(
        chain,
        `${stage}-${type}`,
        alive.map(({ path }) => path),
      ),
    ])
    if (chain.signal.aborted) return
    const report = code === 2 ? new Map<string, ReportRow>() : reportOf(chain, stage)
    for (const one of alive) applyRow(chain, stage, one, report.get(nameOf(one.path)), message)
    if (stage === 'extract') for (const one of alive) keepCalibration(chain, one)
    if (stage === 'extract' && type === 'object') for (const one of alive) judgeSignal(one.row, rules)
  }
}

export const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

/** What a command says of one of its inputs. */
export function applyRow(
  { tree }: Chain,
  stage: string,
  one: Work,
  said: ReportRow | undefined,
  message: string | undefined,
): void {
  const { row } = one
  row.stage = stage
  if (!said) {
    // Not the fault of the frame: the next run tries again.
    Object.assign(row, {
      status: 'failed',
      made_of: undefined,
      reason: message ?? `${stage} does not say what became of it`,
    })
    return
  }
  row.seconds = Math.round(1000 * ((row.seconds ?? 0) + Number(said.seconds || 0))) / 1000
  for (const [theirs, ours] of Object.entries(MEASURED[stage] ?? {})) {
    const text = said[theirs]
    if (text !== undefined && text !== '') Object.assign(row, { [ours]: Number(text) })
  }
  row.status = said.status ?? 'failed'
  if (said.reason) row.reason = said.reason
  if (said.status !== 'done' || !said.product) return
  one.path = said.product
  row.product = relative(tree.folder, one.path)
}

/** Of arcs, what serves others is the image in dble/; their -1d file may go. */
function keepCalibration({ tree }: Chain, { frame, row }: Work): void {
  if (frame.type !== 'arc' || frame.mjd === undefined || row.status !== 'done') return
  const product = productPathInTree('DBLE', tree.site, frame.mjd)
  if (existsSync(join(tree.folder, product))) row.product = product
}

/** Clouds: too few photons to be worth a velocity. */
function judgeSignal(row: ExposureRow, { leastSnr }: Rules): void {
  if (row.status !== 'done' || row.snr === undefined || row.snr >= leastSnr) return
  Object.assign(row, {
    status: 'rejected',
    reason: `signal to noise ${row.snr.toFixed(1)}, below ${leastSnr}: clouds?`,
  })
}
