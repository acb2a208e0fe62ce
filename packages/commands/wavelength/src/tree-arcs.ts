import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import {
  chooseFrom,
  parseProductName,
  readStandards,
  type StandardRow,
  sameArc,
  standardPath,
  type Tree,
} from '@nightpipe/spectrographs'
import { type Arc, readSolved } from './arcs.js'
import { MOST_TOGETHER, NIGHT } from './choose-arcs.js'
import type { Exposure } from './exposures.js'

/** Each set of fibres by itself: a frame with fibres 0 and 1 cannot do for 2. */
const SETS = [
  [0, 1],
  [1, 2],
  [0, 1, 2],
] as const

/**
 * The arcs that standards.csv has for exposures: of its TRIPLE rows, by the rules of the tree, the one before and the one after each, for
 * every set of fibres, the others of their nights, and those that may serve together with them; DOUBLE frames have theirs as TRIPLE rows since they were solved. Those among the inputs are known already.
 */
export function arcsOfTree(
  tree: Tree,
  exposures: readonly Exposure[],
  known: readonly Arc[],
  { 'maximum age': maximumAgeDays, together }: { 'maximum age': number; together: number },
): Arc[] {
  const rows = readStandards(tree)
  const found = new Map<string, Arc>()
  const tried = new Set<string>()
  for (const { mjd, camera = tree.camera } of exposures) {
    if (!camera || !Number.isFinite(mjd)) continue
    const before = rows.filter((row) => !(dateOf(row) > mjd))
    const after = rows.filter((row) => dateOf(row) > mjd)
    for (const fibres of SETS) {
      const wanted = { type: 'TRIPLE' as const, mjd, site: tree.site, camera, fibres }
      const young = maximumAgeDays > 0 ? { ...wanted, maximumAgeDays } : wanted
      for (const side of [before, after]) {
        const { chosen, candidates } = chooseFrom(side, young, (row) => standardPath(tree, row), existsSync)
        if (!chosen) continue
        const fit = candidates
          .filter(({ fits, mjd: at }) => fits && (Math.abs(at - chosen.mjd) <= NIGHT || Math.abs(at - mjd) <= together))
          .sort((a, b) => Math.abs(a.mjd - mjd) - Math.abs(b.mjd - mjd))
          .slice(0, MOST_TOGETHER)
        for (const { path, mjd: taken } of fit) {
          if (tried.has(path)) continue
          tried.add(path)
          const arc = readSolved(path, { path, name: basename(path), mjd: taken, camera })
          if (arc && !known.some((one) => sameArc(one, arc))) found.set(path, arc)
        }
      }
    }
  }
  return [...found.values()]
}

const dateOf = (row: StandardRow) => parseProductName(row.Filename)?.mjd ?? (row.JDdata ?? Number.NaN) - 2400000.5
