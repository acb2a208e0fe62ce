import { ConfigError, type Request } from '@nightpipe/command'
import { mjdToJd, parseDate } from '@nightpipe/sky'
import { openTree, type Tree } from '@nightpipe/spectrographs'
import type { schema } from './schema.js'

type Sources = Request<typeof schema>

/** What the old names of calibrations mean in the tables of a tree. */
const KINDS = {
  BIAS: 'BIAS',
  DARK: 'DARK',
  FLAT: 'FLAT',
  LAMPFLAT: 'FLAT',
  ARC: 'DOUBLE',
  DOUBLE: 'DOUBLE',
  TEMPLATE: 'ZERO',
  ZERO: 'ZERO',
} as const
export type StackKind = (typeof KINDS)[keyof typeof KINDS]

/** A stretch of time, MJD, both ends in it. */
export interface Window {
  start: number
  end: number
}

/** A call that works in the tree of a spectrograph. */
export interface TreeCall {
  tree: Tree
  kinds: StackKind[]
  windows: Window[]
  /** of templates: the star, as its first word is in OBJECTS */
  target: string
}

/** What the flags of a call ask of a tree; undefined for a plain call. */
export function treeCall({ flags, config }: Sources): TreeCall | undefined {
  const tree = openTree(flags)
  if (!tree) {
    if (flags.days) throw new ConfigError('--days without a tree', 'give --root, --site and --nres-instrument')
    return undefined
  }
  const { select } = config
  const said = select.types.length > 0 ? select.types : ['BIAS', 'DARK', 'FLAT', 'ARC']
  const kinds = [...new Set(said.map(kindOf))]
  const whole = { start: limit(select.start, 'start'), end: limit(select.end, 'end') }
  if (!(whole.end > whole.start)) {
    throw new ConfigError(`--end ${select.end} is not after --start ${select.start}`, 'exchange them')
  }
  if (kinds.includes('ZERO') && !select.target) {
    throw new ConfigError('a template needs --target', 'give the name of the star, as OBJECTS has it')
  }
  return { tree, kinds, windows: flags.days ? daysOf(whole) : [whole], target: select.target }
}

function kindOf(text: string): StackKind {
  const kind = KINDS[text.trim().toUpperCase() as keyof typeof KINDS]
  if (kind) return kind
  throw new ConfigError(`--calibration-type ${text}: expected BIAS, DARK, FLAT, ARC or TEMPLATE`)
}

function limit(value: string, name: 'start' | 'end'): number {
  if (!value) throw new ConfigError(`--${name} is missing`, 'write it as 2017-12-16T08:00:00 (UTC)')
  const date = parseDate(value)
  if (!date) throw new ConfigError(`--${name}: '${value}' is not a date (write it as 2017-12-16T08:00:00)`)
  return date.mjd
}

/** Windows of one day each, one after the other, the last as long as is left. A frame at a border is in the later one. */
function daysOf({ start, end }: Window): Window[] {
  const count = Math.ceil(end - start - 1e-9)
  return Array.from({ length: count }, (_, k) => {
    const last = k === count - 1
    return { start: start + k, end: last ? end : start + k + 1 - 2 * INSTANT }
  })
}

/** Dates of the tables are good to this, days. */
const INSTANT = 2e-6

/** Whether a moment is in a window; both ends are. */
export const isWithin = (mjd: number, { start, end }: Window) => mjd >= start - INSTANT && mjd <= end + INSTANT

export const inWindowOfTable = (jd: number | undefined, window: Window) =>
  jd !== undefined && isWithin(jd - mjdToJd(0), window)
