import type { CalibrationRow } from './table.js'

/** The frame that wants a master. What is undefined is not compared. */
export interface Wanted {
  type: 'bias' | 'dark' | 'flat' | 'arc'
  instrument: string
  camera?: string
  site?: string
  filter?: string
  binning: string
  readmode?: string
  width_px?: number
  height_px?: number
  jd?: number
}

/** The master that won, and why each of the others of its type did not. */
export interface Choice {
  row?: CalibrationRow
  /** Frame minus master, in days: negative when the master was taken later. */
  ageDays?: number
  refused: { row: CalibrationRow; why: string }[]
}

/** Half-width, in days, of the window in which a deep master is preferred to a single frame that is nearer in time. */
const MASTER_WINDOW_DAYS = 3.5

/**
 * The master for a frame: same type, instrument, binning, size and mode (filter too for flats), flagged usable; of
 * those the nearest in time, a combined one being preferred to a single frame within max(3.5 md, md + 3.5) days, md
 * being the distance of the nearest, and of those of one night the deepest. Without a date, the latest.
 */
export function chooseMaster(rows: readonly CalibrationRow[], wanted: Wanted, maximumAgeDays = Infinity): Choice {
  const refused: Choice['refused'] = []
  const fitting: { row: CalibrationRow; age: number }[] = []
  for (const row of rows) {
    if (row.type !== wanted.type) continue
    const age = wanted.jd !== undefined && row.jd !== undefined ? wanted.jd - row.jd : Number.NaN
    const why = mismatch(row, wanted) ?? tooOld(age, maximumAgeDays)
    if (why) refused.push({ row, why })
    else fitting.push({ row, age })
  }
  if (fitting.length === 0) return { refused }
  fitting.sort(
    (a, b) => distance(a.age) - distance(b.age) || (b.row.jd ?? 0) - (a.row.jd ?? 0) || compare(a.row, b.row),
  )
  const nearest = distance(fitting[0].age)
  const window = Math.max(MASTER_WINDOW_DAYS * nearest, nearest + MASTER_WINDOW_DAYS)
  const masters = fitting.filter(({ row, age }) => row.navg > 1 && distance(age) <= window)
  // Of one night the deepest: darks of several exposure times serve equally well but for their noise.
  const night = masters.filter(({ age }) => distance(age) - distance(masters[0].age) < 1 || Number.isNaN(age))
  night.sort((a, b) => (b.row.depth_s ?? 0) - (a.row.depth_s ?? 0))
  const winner = night[0] ?? fitting[0]
  for (const { row, age } of fitting) {
    if (row === winner.row) continue
    refused.push({
      row,
      why: row.navg > 1 || winner.row.navg === 1 ? `farther in time (${days(age)})` : 'a single frame',
    })
  }
  return { row: winner.row, ageDays: Number.isNaN(winner.age) ? undefined : winner.age, refused }
}

const compare = (a: CalibrationRow, b: CalibrationRow) => (a.filename < b.filename ? -1 : 1)
/** An unknown date loses against any known one. */
const distance = (age: number) => (Number.isNaN(age) ? Number.MAX_VALUE : Math.abs(age))
const days = (age: number) => (Number.isNaN(age) ? 'no date' : `${Math.abs(age).toFixed(2)} d`)

function mismatch(row: CalibrationRow, wanted: Wanted): string | undefined {
  if (row.flags.startsWith('1')) return 'flagged unusable'
  const keys = ['instrument', 'camera', 'site', 'binning', 'readmode', 'width_px', 'height_px'] as const
  for (const key of wanted.type === 'flat' ? ([...keys, 'filter'] as const) : keys) {
    const [has, needs] = [row[key], wanted[key]]
    if (has !== undefined && needs !== undefined && has !== needs) return `${key} is ${has}, not ${needs}`
  }
  if (wanted.type === 'flat' && wanted.filter !== undefined && row.filter === undefined) return 'filter unknown'
  return undefined
}

function tooOld(age: number, maximumAgeDays: number): string | undefined {
  return Math.abs(age) > maximumAgeDays ? `${days(age)} away, more than ${maximumAgeDays} d` : undefined
}
