import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { chooseFrom, readStandards, standardPath, type Tree } from '@nightpipe/spectrographs'
import { type Arc, readSolved } from './arcs.js'
import type { Exposure } from './exposures.js'

/** The arcs that standards.csv has for exposures: of its TRIPLE rows, by the rules of the tree. Those among the inputs are known already. */
export function arcsOfTree(tree: Tree, exposures: readonly Exposure[], known: readonly Arc[]): Arc[] {
  const rows = readStandards(tree)
  const found = new Map<string, Arc>()
  for (const { mjd, camera = tree.camera } of exposures) {
    if (!camera || !Number.isFinite(mjd)) continue
    // Each set of fibres by itself: a frame with fibres 0 and 1 cannot do for 2.
    for (const fibres of [
      [0, 1],
      [1, 2],
      [0, 1, 2],
    ]) {
      const wanted = { type: 'TRIPLE' as const, mjd, site: tree.site, camera, fibres }
      const { chosen } = chooseFrom(rows, wanted, (row) => standardPath(tree, row), existsSync)
      if (!chosen || found.has(chosen.path)) continue
      const about = { path: chosen.path, name: basename(chosen.path), mjd: chosen.mjd, camera }
      const arc = readSolved(chosen.path, about)
      if (arc && !known.some((one) => Math.abs(one.mjd - arc.mjd) < 0.002)) found.set(chosen.path, arc)
    }
  }
  return [...found.values()]
}
