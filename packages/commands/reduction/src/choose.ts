import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import {
  CALIBRATIONS_FILE,
  type CalibrationRow,
  calibrationsTable,
  chooseMaster,
  type Wanted,
} from '@nightpipe/calibrations'
import { ConfigError, DataError, type Request } from '@nightpipe/command'
import { mjdToJd } from '@nightpipe/sky'
import { readTable } from '@nightpipe/table'
import type { RawFrame } from './frames.js'
import { describeMaster, type Master, type MasterRole, misfit, missing, trimmedSize } from './master.js'
import type { ReductionSchema } from './schema.js'

/** A master and how far from the frame it was taken. */
export interface Chosen extends Master {
  /** Frame minus master, days. */
  ageDays?: number
}

/** Where masters of one role come from. */
export type Source =
  | { kind: 'none' }
  | { kind: 'file'; path: string }
  | { kind: 'bank'; folder: string; rows: CalibrationRow[] }

type Calibration = Request<ReductionSchema>['config']['calibration']

/** Where the configuration says that masters of a role are; undefined when it says nothing. */
export function sourceOf(role: MasterRole, calibration: Calibration): Source | undefined {
  const said = calibration[role] || calibration.folder
  if (!said) return undefined
  if (said.toLowerCase() === 'none') return { kind: 'none' }
  if (!existsSync(said)) throw new ConfigError(`[calibration] ${role}: ${said} does not exist`, 'correct the path')
  if (statSync(said).isDirectory()) return bankOf(said)
  return /\.csv$/i.test(said) ? bankOf(dirname(said), said) : { kind: 'file', path: resolve(said) }
}

/** The masters that a folder, or its table, has. */
export function bankOf(folder: string, table = join(folder, CALIBRATIONS_FILE)): Source {
  if (!existsSync(table)) {
    throw new ConfigError(`${table} does not exist`, 'name a master, or a folder that stack-calibrations made')
  }
  return { kind: 'bank', folder: resolve(folder), rows: readTable(table, calibrationsTable) }
}

/** Headers of masters, each read once. */
export type MasterReader = (path: string, role: MasterRole) => Master

export function masterReader({ profile }: Pick<Request<ReductionSchema>, 'profile'>): MasterReader {
  const known = new Map<string, Master>()
  return (path, role) => {
    const key = `${role} ${path}`
    const master = known.get(key) ?? describeMaster(path, role, profile)
    known.set(key, master)
    return master
  }
}

/** The master of a role for a frame, or why there is none as an error; undefined where none is wanted. */
export function chooseFor(
  role: MasterRole,
  frame: RawFrame,
  source: Source,
  calibration: Calibration,
  read: MasterReader,
): Chosen | undefined {
  if (source.kind === 'none') return undefined
  if (source.kind === 'file') {
    const master = read(source.path, role)
    const why = misfit(master, frame)
    if (why) throw new DataError(why, `choose another [calibration] ${role}`)
    return withAge(master, frame)
  }
  const want = wanted(role, frame)
  const { row, refused } = chooseMaster(source.rows, want, calibration.age || Number.POSITIVE_INFINITY)
  if (!row) {
    const distance = ({ row }: (typeof refused)[number]) => Math.abs((row.jd ?? 0) - (want.jd ?? 0))
    const [nearest] = [...refused].sort((a, b) => distance(a) - distance(b))
    throw missing(role, frame, nearest ? ` (${nearest.row.filename}: ${nearest.why})` : ` in ${source.folder}`)
  }
  const master = read(join(source.folder, row.filename), role)
  const why = misfit(master, frame)
  if (why) throw new DataError(`${why}, but ${CALIBRATIONS_FILE} offers it`, 'run tables check on it')
  return withAge(master, frame)
}

function withAge(master: Master, { facts }: RawFrame): Chosen {
  const known = master.mjd !== undefined && facts.mjd !== undefined
  return { ...master, ageDays: known ? facts.mjd! - master.mjd! : undefined }
}

function wanted(role: MasterRole, { facts }: RawFrame): Wanted {
  const { width, height } = trimmedSize(facts)
  return {
    type: role,
    instrument: facts.instrument,
    camera: facts.camera,
    site: facts.site,
    filter: facts.filter,
    binning: facts.binning.join('x'),
    readmode: facts.readMode,
    width_px: width,
    height_px: height,
    jd: facts.mjd === undefined ? undefined : mjdToJd(facts.mjd),
  }
}
