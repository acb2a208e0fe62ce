import { angularSeparation } from '@nightpipe/sky'
import { isSunlight, type TargetRow, targetKey } from '@nightpipe/spectrographs'

export interface TargetProblem {
  /** in the table, from 0 */
  row: number
  name: string
  columns: (keyof TargetRow & string)[]
  problem: string
}

const LIMITS: readonly [keyof TargetRow & string, number, number][] = [
  ['RA(deg)', 0, 360],
  ['Dec(deg)', -90, 90],
  ['PMRA', -11000, 11000],
  ['PMDE', -11000, 11000],
  ['Plax', 0, 800],
  ['RV', -1000, 1000],
  ['Teff', 2000, 60000],
  ['Logg', -1, 6],
]

/** Values that a list made in haste carries over from the star above where it has none. */
const CARRIED = [['PMRA', 'PMDE'], ['RV'], ['imag']] as const

/** What is suspicious in a catalogue of targets, by rows. */
export function targetProblems(rows: readonly TargetRow[]): TargetProblem[] {
  const found: TargetProblem[] = []
  rows.forEach((target, row) => {
    const say = (columns: (keyof TargetRow & string)[], problem: string) =>
      found.push({ row, name: target.Name, columns, problem })
    for (const [column, least, most] of LIMITS) {
      const value = target[column] as number | undefined
      if (value !== undefined && !(value >= least && value <= most))
        say([column], `${column} ${value} is beyond ${least} to ${most}`)
    }
    if (target['RA(deg)'] === undefined || target['Dec(deg)'] === undefined)
      say(['RA(deg)', 'Dec(deg)'], 'has no coordinates')
    const above = rows[row - 1]
    if (above && !sameStar(above, target)) for (const columns of CARRIED) carried(above, target, columns, say)
    const twin = rows.findIndex((one) => targetKey(one.Name) === targetKey(target.Name))
    if (twin < row) say(['Name'], `stands twice: ${distance(rows[twin]!, target)} from the one above`)
  })
  return found
}

/** Two rows with the very same measured value, neither of them 0: one star cannot have that of another. */
function carried(
  above: TargetRow,
  target: TargetRow,
  columns: readonly (keyof TargetRow & string)[],
  say: (columns: (keyof TargetRow & string)[], problem: string) => void,
): void {
  const same = columns.every((column) => target[column] !== undefined && target[column] === above[column])
  if (!same || columns.every((column) => target[column] === 0)) return
  const values = columns.map((column) => `${column} ${target[column]}`).join(', ')
  say([...columns], `${values}: the same as of ${above.Name} above, carried over`)
}

function sameStar(a: TargetRow, b: TargetRow): boolean {
  if (targetKey(a.Name) === targetKey(b.Name)) return true
  if (isSunlight(a.Name) && isSunlight(b.Name)) return true
  const apart = separation(a, b)
  return apart !== undefined && apart < 60 / 3600
}

function separation(a: TargetRow, b: TargetRow): number | undefined {
  const [ra, dec, ra2, dec2] = [a['RA(deg)'], a['Dec(deg)'], b['RA(deg)'], b['Dec(deg)']]
  if (ra === undefined || dec === undefined || ra2 === undefined || dec2 === undefined) return undefined
  return angularSeparation([ra, dec], [ra2, dec2])
}

function distance(a: TargetRow, b: TargetRow): string {
  const apart = separation(a, b)
  if (apart === undefined) return 'an unknown distance'
  return apart < 1 ? `${(apart * 3600).toFixed(1)}"` : `${apart.toFixed(1)} deg`
}
