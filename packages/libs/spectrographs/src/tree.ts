import { join } from 'node:path'

/** The folder of one spectrograph: its state tables in csv/, its products by kind. */
export interface Tree {
  /** absolute path of `reduced` */
  folder: string
  site: string
  camera: string
  /** nres03 */
  instrument: string
}

/** The folders of a tree. */
export const TREE_FOLDERS = [
  ...['bias', 'blaz', 'ccor', 'class', 'config', 'csv', 'dark', 'dble', 'diag', 'expm', 'extr', 'flat', 'plot', 'rv'],
  ...['spec', 'tar', 'temp', 'thar', 'trace', 'trip', 'zero'],
] as const

/** Where the tree of a spectrograph lies below the root of all sites. */
export const treeFolder = (root: string, site: string, instrument: string) => join(root, site, instrument, 'reduced')
