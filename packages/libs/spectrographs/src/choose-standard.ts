import { existsSync } from 'node:fs'
import { fibresOfFlags } from './fibres.js'
import { parseProductName } from './product-names.js'
import { readStandards, type StandardType, standardPath } from './standards.js'
import type { StandardRow } from './state-tables.js'
import type { Tree } from './tree.js'

/** The frame that wants a calibration. */
export interface WantedStandard {
  type: StandardType
  /** start of the exposure */
  mjd: number
  site: string
  camera: string
  /** the fibres that it must hold; none: any */
  fibres?: readonly number[]
  /** none further away than this, before or after */
  maximumAgeDays?: number
}

/** A row of the type that was wanted, and why it won or lost. */
export interface Candidate {
  row: StandardRow
  /** absolute */
  path: string
  /** start of its data, from its name (from the table where the name has no date) */
  mjd: number
  /** frame minus calibration: negative when the calibration was taken later */
  ageDays: number
  /** it could have served */
  fits: boolean
  won: boolean
  why: string
}

export interface StandardChoice {
  chosen?: Candidate
  /** the winner first, then those that could have served by their distance in time, then the others */
  candidates: Candidate[]
}

/** Half-width, in days, of the window in which a master is preferred to a single that is nearer in time. */
const MASTER_WINDOW = 3.5
const JD_OF_MJD = 2400000.5

/**
 * The calibration for a frame, as the NRES pipeline chooses: same type, site and camera, flagged usable; of those the
 * nearest in time, masters being preferred within max(3.5 md, md + 3.5) days, md being the distance of the nearest. Beyond
 * what that did, it must hold the fibres that are wanted, may not be older than is allowed, and must exist.
 */
export function chooseStandard(tree: Tree, wanted: WantedStandard): StandardChoice {
  const paths = (row: StandardRow) => standardPath(tree, row)
  return chooseFrom(readStandards(tree), wanted, paths, existsSync)
}

/** The same from rows. */
export function chooseFrom(
  rows: readonly StandardRow[],
  wanted: WantedStandard,
  pathOf: (row: StandardRow) => string = (row) => row.Filename,
  exists: (path: string) => boolean = () => true,
): StandardChoice {
  const first = wanted.type.slice(0, 4)
  const all = rows
    .filter((row) => row.Type.trim().toUpperCase().includes(first))
    .map((row): Candidate => {
      const mjd = parseProductName(row.Filename)?.mjd ?? (row.JDdata ?? Number.NaN) - JD_OF_MJD
      const candidate = { row, path: pathOf(row), mjd, ageDays: wanted.mjd - mjd, won: false }
      const why = whyNot(candidate, wanted, exists)
      return { ...candidate, fits: why === undefined, why: why ?? '' }
    })
  const fitting = all.filter(({ fits }) => fits).sort(nearestFirst)
  const others = all.filter(({ fits }) => !fits).sort(nearestFirst)
  if (fitting.length === 0) return { candidates: others }
  const nearest = Math.abs(fitting[0]!.ageDays)
  const window = Math.max(MASTER_WINDOW * nearest, nearest + MASTER_WINDOW)
  const isMaster = ({ row }: Candidate) => (row.Navg ?? 1) > 1
  const winner = fitting.find((one) => isMaster(one) && Math.abs(one.ageDays) <= window) ?? fitting[0]!
  const told = fitting.map((one) => ({ ...one, ...judgement(one, winner, window, fitting.length, isMaster) }))
  const chosen = told.find(({ won }) => won)!
  return { chosen, candidates: [chosen, ...told.filter(({ won }) => !won), ...others] }
}

function judgement(
  one: Candidate,
  winner: Candidate,
  window: number,
  count: number,
  isMaster: (one: Candidate) => boolean,
): Pick<Candidate, 'won' | 'why'> {
  if (one === winner) {
    const kind = isMaster(one)
      ? `nearest master within ${window.toFixed(2)} d`
      : 'nearest in time, no master near enough'
    return { won: true, why: count === 1 ? 'the only one that fits' : kind }
  }
  if (!isMaster(one) && isMaster(winner)) return { won: false, why: 'a single: a master is near enough' }
  if (isMaster(one) && !isMaster(winner)) {
    return {
      won: false,
      why: `a master, but ${Math.abs(one.ageDays).toFixed(2)} d away (window ${window.toFixed(2)} d)`,
    }
  }
  const level = Math.abs(one.ageDays) === Math.abs(winner.ageDays)
  return { won: false, why: level ? 'as near, but not as good' : 'further in time' }
}

/** Of two as near: the one of more frames, then the one that tells its fibres (a refined trace), then by name. */
const nearestFirst = (a: Candidate, b: Candidate) =>
  Math.abs(a.ageDays) - Math.abs(b.ageDays) ||
  (b.row.Navg ?? 1) - (a.row.Navg ?? 1) ||
  Number(fibresOfFlags(b.row.Flags) !== undefined) - Number(fibresOfFlags(a.row.Flags) !== undefined) ||
  (a.row.Filename < b.row.Filename ? 1 : -1)

const same = (a: string | undefined, b: string) => (a ?? '').trim().toLowerCase() === b.trim().toLowerCase()

function whyNot(one: Omit<Candidate, 'why' | 'fits'>, wanted: WantedStandard, exists: (path: string) => boolean) {
  const { row, ageDays } = one
  if ((row.Flags ?? '0').startsWith('1')) return 'flagged unusable'
  if (!same(row.Site, wanted.site)) return `site is ${row.Site?.trim()}, not ${wanted.site}`
  if (!same(row.Camera, wanted.camera)) return `camera is ${row.Camera?.trim()}, not ${wanted.camera}`
  const has = fibresOfFlags(row.Flags)
  const lacks = has && wanted.fibres?.filter((fibre) => !has.includes(fibre))
  if (lacks?.length) return `has fibres ${has!.join(', ')}, not ${lacks.join(', ')}`
  if (Number.isNaN(ageDays)) return 'neither its name nor the table has a date'
  if (Math.abs(ageDays) > (wanted.maximumAgeDays ?? Number.POSITIVE_INFINITY)) {
    return `${Math.abs(ageDays).toFixed(2)} d away, more than ${wanted.maximumAgeDays} d`
  }
  return exists(one.path) ? undefined : 'its file is missing'
}
