import { existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '@nightpipe/files'

/** The folder of one spectrograph: its state tables in csv/, its products by kind. */
export interface Tree {
  /** absolute path of `reduced` */
  folder: string
  site: string
  /** empty where the call did not name one: each frame says its own */
  camera: string
  /** nres03 */
  instrument: string
}

/** The folders of a tree. */
export const TREE_FOLDERS = [
  ...['bias', 'blaz', 'ccor', 'class', 'config', 'csv', 'dark', 'dble', 'diag', 'expm', 'extr', 'flat', 'plot', 'rv'],
  ...['spec', 'tar', 'temp', 'thar', 'trace', 'trip', 'zero'],
] as const
export type TreeFolder = (typeof TREE_FOLDERS)[number]

/** Where the tree of a spectrograph lies below the root of all sites. */
export const treeFolder = (root: string, site: string, instrument: string) => join(root, site, instrument, 'reduced')

/** The flags by which a command is told that it works in a tree: spread them into its `flags`. */
export const treeFlags = {
  root: {
    type: 'text',
    doc: 'root of all sites: products and calibrations are in ROOT/SITE/NRES/reduced, with --site and --nres-instrument',
    placeholder: 'DIR',
  },
  tree: { type: 'text', doc: 'the same, as the folder `reduced` itself', placeholder: 'DIR' },
  site: { type: 'text', doc: 'site code of the spectrograph', placeholder: 'SITE' },
  'nres-instrument': { type: 'text', doc: 'which spectrograph of the site: nres03', placeholder: 'NAME' },
  camera: { type: 'text', doc: 'its camera, where the frames do not say', placeholder: 'CAMERA' },
} as const

/** What `treeFlags` were given; other flags may be among them. */
export type TreeFlags = Readonly<Record<string, unknown>>

/** The tree that the flags of a call mean, whether it exists or not; undefined when they mean none. */
export function treeOf(flags: TreeFlags): Tree | undefined {
  const said = (name: string) => (typeof flags[name] === 'string' && flags[name] !== '' ? flags[name] : undefined)
  const [site, instrument, camera = ''] = [said('site'), said('nres-instrument'), said('camera')]
  const given = said('tree')
  if (given !== undefined) {
    const folder = resolve(given)
    const [above, highest] = [dirname(folder), dirname(dirname(folder))]
    return { folder, site: site ?? basename(highest), instrument: instrument ?? basename(above), camera }
  }
  // The old calls named site and spectrograph only: the root was where they were started, unless told otherwise.
  const root = said('root') ?? (site && instrument ? '.' : undefined)
  if (root === undefined) return undefined
  if (!site) throw new ConfigError('--root without --site', 'give --site SITE and --nres-instrument NAME')
  if (!instrument)
    throw new ConfigError('--root without --nres-instrument', 'give the name of the spectrograph: nres03')
  return { folder: treeFolder(resolve(root), site, instrument), site, instrument, camera }
}

/** The tree that the flags of a call mean; undefined when they mean none. One that is not there is refused. */
export function openTree(flags: TreeFlags): Tree | undefined {
  const tree = treeOf(flags)
  if (tree && !existsSync(join(tree.folder, 'csv'))) {
    throw new ConfigError(`no spectrograph tree in ${tree.folder} (no folder csv/)`, 'make it by site-setup')
  }
  return tree
}

/** The tree that the flags of a call mean, for commands that work in nothing else. */
export function requireTree(flags: TreeFlags): Tree {
  const tree = treeOf(flags)
  if (!tree) throw new ConfigError('which spectrograph?', 'give --root, --site and --nres-instrument, or --tree DIR')
  return tree
}

/** Makes the folders of a tree that are not there. */
export function makeTree(tree: Pick<Tree, 'folder'>): void {
  for (const name of TREE_FOLDERS) mkdirSync(join(tree.folder, name), { recursive: true })
}

/** A file or folder of a tree: `inTree(tree, 'temp', 'extr')`. */
export const inTree = (tree: Pick<Tree, 'folder'>, folder: TreeFolder, ...rest: string[]) =>
  join(tree.folder, folder, ...rest)
