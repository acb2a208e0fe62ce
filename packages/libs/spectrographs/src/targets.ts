import type { DataError } from '@nightpipe/files'
import { angularSeparation, type Direction, julianYear, moveStar } from '@nightpipe/sky'
import { readTable } from '@nightpipe/table'
import { isPlaceholder, type TargetRow, targetsTable } from './state-tables.js'
import { inTree, type Tree } from './tree.js'
import { targetKey } from './zeros.js'

/** The catalogue of a tree. Cells that cannot be read are missing, and told to `onProblem`. */
export function readTargets(tree: Pick<Tree, 'folder'>, onProblem: (error: DataError) => void = () => {}): TargetRow[] {
  const path = inTree(tree, 'csv', targetsTable.name)
  return readTable(path, targetsTable, { orEmpty: true, onProblem }).filter((row) => !isPlaceholder(row.Name))
}

export interface WantedTarget {
  /** as OBJECTS or OBJECT has it: `HD49933_templ` is HD49933 */
  name: string
  /** where the telescope pointed, J2000 degrees; undefined where the frame does not say */
  raDeg?: number | undefined
  decDeg?: number | undefined
  /** when, for the proper motion */
  mjd?: number | undefined
  /** arcsec; defaults: 20 for a star of this name, 2 for any other */
  namedRadius?: number
  radius?: number
}

export interface TargetMatch {
  target?: TargetRow
  by?: 'name' | 'position'
  /** arcsec between the star at that date and where the telescope pointed */
  separationArcsec?: number
  why: string
}

/** Names under which the Sun is observed: as itself, by the Moon, by the sky. They stand anywhere. */
const SUNLIGHT = /^(SUN|DAYSKY|MOONSKY|MOONLIGHT|MOON|TWILIGHT|SOLAR)/

export const isSunlight = (name: string) => SUNLIGHT.test(targetKey(name))

/** Where a star of the catalogue is at a date; undefined when it has no coordinates. */
export function targetAt(row: TargetRow, mjd: number | undefined): Direction | undefined {
  const [ra, dec] = [row['RA(deg)'], row['Dec(deg)']]
  if (ra === undefined || dec === undefined) return undefined
  const years = mjd === undefined ? 0 : julianYear(mjd) - 2000
  return moveStar([ra, dec], row.PMRA ?? 0, row.PMDE ?? 0, years)
}

/**
 * The star of the catalogue that an exposure is of: of those with its name the nearest within 20 arcsec, else the nearest of all
 * within 2 arcsec; on the sphere, with proper motion. Nothing is invented where none fits. (The NRES pipeline took any star
 * of the name within 400 degrees, did not see that 359.9 and 0.1 degrees are near, and knew no motion.)
 */
export function matchTarget(targets: readonly TargetRow[], wanted: WantedTarget): TargetMatch {
  const { raDeg, decDeg, mjd, namedRadius = 20, radius = 2 } = wanted
  const key = targetKey(wanted.name)
  const named = targets.filter((row) => targetKey(row.Name) === key)
  if (named.length > 0 && isSunlight(key)) return { target: named.at(-1)!, by: 'name', why: 'sunlight, wherever it is' }
  if (raDeg === undefined || decDeg === undefined) {
    const target = named.at(-1)
    return target
      ? { target, by: 'name', why: 'by its name: the frame has no coordinates' }
      : { why: `no ${wanted.name} in the catalogue, and the frame has no coordinates` }
  }
  const nearest = (rows: readonly TargetRow[]) =>
    rows
      .flatMap((target) => {
        const at = targetAt(target, mjd)
        return at ? [{ target, separationArcsec: 3600 * angularSeparation(at, [raDeg, decDeg]) }] : []
      })
      .sort((a, b) => a.separationArcsec - b.separationArcsec)[0]
  const byName = nearest(named)
  if (byName && byName.separationArcsec <= namedRadius) return { ...byName, by: 'name', why: 'name and position' }
  if (named.length > 0 && !byName) {
    return { target: named.at(-1)!, by: 'name', why: 'by its name: the catalogue has no coordinates of it' }
  }
  const any = nearest(targets)
  const astray = byName ? `${wanted.name} is ${arcsec(byName.separationArcsec)} from where the telescope pointed` : ''
  if (any && any.separationArcsec <= radius) return { ...any, by: 'position', why: astray || 'by its position' }
  return { why: astray || `no ${wanted.name} in the catalogue, and no star within ${radius}"` }
}

const arcsec = (value: number) => (value < 600 ? `${value.toFixed(1)}"` : `${(value / 3600).toFixed(2)} deg`)
