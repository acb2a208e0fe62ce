import { join } from 'node:path'
import { DataError } from '@nightpipe/command'
import { inTree, type ProductKind, productPathInTree, type Tree } from '@nightpipe/spectrographs'
import type { ExtractJob } from './plan.js'

/** The images that a frame becomes besides its -1d file. */
export function imageKinds(type: ExtractJob['type'], images: boolean, hasFlat: boolean): ProductKind[] {
  if (type === 'flat') return ['FLAT']
  if (!images) return []
  if (type === 'arc') return ['DBLE']
  return hasFlat ? ['EXTR', 'SPEC', 'BLAZ'] : ['EXTR']
}

/** What such an image is called where there is no tree: `lamp-flat.fits`. */
const plainName = (stem: string, kind: ProductKind) => `${stem}-${kind.toLowerCase()}.fits`

/** The paths of the images of a frame. */
export function imagePaths(
  kinds: readonly ProductKind[],
  { output, stem, mjd, tree }: { output: string; stem: string; mjd?: number; tree?: Tree },
): string[] {
  return kinds.map((kind) => {
    if (!tree) return join(output, plainName(stem, kind))
    if (mjd === undefined) throw new DataError(`${stem} has no date`, 'products of a tree are named by it')
    return inTree(tree, ...(productPathInTree(kind, tree.site, mjd).split('/') as [never, string]))
  })
}
