import { type Conducting, ConfigError } from '@nightpipe/command'
import { openTree, type Tree } from '@nightpipe/spectrographs'

/** The tree that a call means. */
export function treeFor({ flags }: Conducting): Tree {
  const tree = openTree(flags)
  if (!tree) throw new ConfigError('no spectrograph tree', 'give --root, --site and --nres-instrument, or --tree DIR')
  return tree
}

export const IN = '--root /data --site cpt --nres-instrument nres03'
