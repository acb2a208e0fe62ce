import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { standardsTable } from '@nightpipe/spectrographs'

/** Products lie in folders of a tree (spec/) or one deeper (temp/wave/). */
const DEPTH = 2

/** The tree of a spectrograph that a product lies in. */
export function treeOf(product: string): string | undefined {
  let folder = dirname(resolve(product))
  for (let depth = 0; depth < DEPTH; depth++) {
    folder = dirname(folder)
    if (existsSync(join(folder, 'csv', standardsTable.name))) return folder
  }
  return undefined
}

/** What is said of such a product beside why it was not remade. */
export const TREE_ADVICE =
  'it lies in the tree of a spectrograph, from which it has its name and calibrations, and calibrated frames are swept: make the tree again beside it (night echelle --force on a copy) and compare with fits-compare'
