import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  CALIBRATIONS_FILE,
  type CalibrationRow,
  calibrationsTable,
  describeMaster,
  masterName,
} from '@nightpipe/calibrations'
import { atomicTarget, DataError, flushFolder, sha256OfFile } from '@nightpipe/files'
import { readTable, upsertRows } from '@nightpipe/table'

/** Earlier generations lie in this folder of the bank, those taken out of force by --rollback in the other. */
export const OLD = 'old'
export const WITHDRAWN = 'withdrawn'

const tableOf = (bank: string) => join(bank, CALIBRATIONS_FILE)

export function readBank(bank: string): CalibrationRow[] {
  return existsSync(tableOf(bank)) ? readTable(tableOf(bank), calibrationsTable) : []
}

/** The file name under which a candidate would be in force: that of its kind in the bank, else its own kind's name. */
export function nameInForce(bank: readonly CalibrationRow[], candidate: CalibrationRow): string {
  const same = (row: CalibrationRow) =>
    row.type === candidate.type &&
    row.instrument === candidate.instrument &&
    row.binning === candidate.binning &&
    (row.readmode ?? '') === (candidate.readmode ?? '') &&
    (row.camera ?? '') === (candidate.camera ?? '') &&
    (candidate.type !== 'flat' || (row.filter ?? '') === (candidate.filter ?? ''))
  const ofKind = bank.filter(same)
  const byName = [...ofKind, ...bank].find((row) => row.filename === candidate.filename)
  if (byName) return byName.filename
  const ofExposure = ofKind.find((row) => candidate.type !== 'dark' || row.exposure_s === candidate.exposure_s)
  if (ofExposure) return ofExposure.filename
  if (/^(bias|dark|flat|arc)_[^.]+\.fits$/.test(candidate.filename) && !/_\d{8}T\d{6}_/.test(candidate.filename)) {
    return candidate.filename
  }
  const [x, y] = candidate.binning.split('x').map(Number)
  return masterName({ ...candidate, binning: [x || 1, y || 1] })
}

/** The name of a master that is no longer in force: its own, the date of its data and the start of its identity. */
export function generationName(row: CalibrationRow): string {
  const date = (row.date ?? 'undated').replace(/[-:]/g, '').slice(0, 15)
  return `${row.filename.replace(/\.fits(\.fz)?$/, '')}_${date}_${(row.np_id ?? 'foreign').slice(0, 8)}.fits`
}

/**
 * Puts a master in force. The one before is kept as a generation first, then the new one takes its place in one rename:
 * at no moment is there none, and a run that was killed in between is finished by the next.
 */
export async function promote(bank: string, candidate: string, name: string): Promise<string> {
  const target = join(bank, name)
  if (existsSync(target)) keepGeneration(bank, target)
  const { partial, commit } = atomicTarget(target)
  copyFileSync(candidate, partial)
  commit()
  await register(bank, name)
  return target
}

export async function register(bank: string, name: string): Promise<void> {
  const row = { ...describeMaster(join(bank, name)), filename: name }
  await upsertRows(tableOf(bank), calibrationsTable, [row])
}

function keepGeneration(bank: string, target: string): void {
  const folder = join(bank, OLD)
  mkdirSync(folder, { recursive: true })
  const kept = join(folder, generationName(describeMaster(target)))
  if (!existsSync(kept)) linkOrCopy(target, kept)
  flushFolder(folder)
}

/** A second name for the same file where the file system can; else a copy, whole or not at all. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    const { partial, commit } = atomicTarget(to)
    copyFileSync(from, partial)
    commit()
  }
}

/** The generations of a master, the newest data last. */
export function generations(bank: string, name: string): string[] {
  const folder = join(bank, OLD)
  if (!existsSync(folder)) return []
  const stem = name.replace(/\.fits(\.fz)?$/, '')
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${stem}_`) && /_(\d{8}T\d{6}|undated)_\w+\.fits$/.test(file))
    .filter((file) => file.slice(stem.length + 1).split('_').length === 2)
    .sort()
    .map((file) => join(folder, file))
}

/** Takes a master out of force and puts its latest generation back. Returns the paths of both. */
export async function rollback(bank: string, name: string): Promise<{ restored: string; withdrawn: string }> {
  const target = join(bank, name)
  const last = generations(bank, name).at(-1)
  if (!existsSync(target))
    throw new DataError(`${name} is not in force in ${bank}`, 'give the name of a file of the bank')
  if (!last) throw new DataError(`${name} has no earlier generation in ${join(bank, OLD)}`, 'nothing was changed')
  const folder = join(bank, WITHDRAWN)
  mkdirSync(folder, { recursive: true })
  const withdrawn = join(folder, generationName(describeMaster(target)))
  if (!existsSync(withdrawn)) linkOrCopy(target, withdrawn)
  const { partial, commit } = atomicTarget(target)
  copyFileSync(last, partial)
  commit()
  rmSync(last)
  await register(bank, name)
  return { restored: target, withdrawn }
}

/**
 * Same data, same configuration: by its identity, and by its bytes, for somebody may have worked on a master with another
 * tool, which leaves the identity as it was.
 */
export function isInForce(bank: string, name: string, candidate: CalibrationRow, path: string): boolean {
  const target = join(bank, name)
  if (!existsSync(target) || candidate.np_id === undefined) return false
  return describeMaster(target).np_id === candidate.np_id && sha256OfFile(target) === sha256OfFile(path)
}
