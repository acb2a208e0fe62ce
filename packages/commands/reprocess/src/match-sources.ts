import { angularSeparation, type Direction } from '@nightpipe/sky'
import type { ProductTable } from './read-product.js'

/** A candidate of either processing. */
export interface Source {
  name: string
  at: Direction
}

/** The candidates of some products: where PO says that they are, else where their names do. */
export function sourcesOf(products: readonly ProductTable[]): Source[] {
  const found = new Map<string, Source>()
  const add = (name: string, at: Direction | undefined) => {
    if (at && !found.has(name)) found.set(name, { name, at })
  }
  const rows = products.flatMap((product) => product.rows)
  for (const { CANDID: name, RA: ra, DEC: dec } of rows)
    if (typeof name === 'string' && typeof ra === 'number' && typeof dec === 'number') add(name, [ra, dec])
  for (const { CANDID: name } of rows) if (typeof name === 'string') add(name, placeInName(name))
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** J032655_463900: in whole seconds of time and of arc, so within 15 arcsec. */
function placeInName(name: string): Direction | undefined {
  const [, h, m, s, sign, d, dm, ds] = /^J(\d\d)(\d\d)(\d\d)([_+-])(\d\d)(\d\d)(\d\d)$/.exec(name) ?? []
  if (h === undefined) return undefined
  const dec = Number(d) + Number(dm) / 60 + Number(ds) / 3600
  return [15 * (Number(h) + Number(m) / 60 + Number(s) / 3600), sign === '-' ? -dec : dec]
}

/** The old name of each new source: the nearest within `radius` arcsec, each once, closest pairs first. */
export function matchSources(old: readonly Source[], fresh: readonly Source[], radius: number): Map<string, string> {
  const pairs = fresh.flatMap((one) =>
    old.map((other) => ({ fresh: one.name, old: other.name, arcsec: 3600 * angularSeparation(one.at, other.at) })),
  )
  const matched = new Map<string, string>()
  const taken = new Set<string>()
  const close = pairs.filter((pair) => pair.arcsec <= radius || pair.fresh === pair.old)
  const order = (pair: (typeof pairs)[number]) => (pair.fresh === pair.old ? 0 : pair.arcsec)
  for (const pair of close.sort((a, b) => order(a) - order(b) || (a.old < b.old ? -1 : 1))) {
    if (matched.has(pair.fresh) || taken.has(pair.old)) continue
    matched.set(pair.fresh, pair.old)
    taken.add(pair.old)
  }
  return matched
}
