import t from 'tap'
import { TREE_FOLDERS, treeFolder } from '../src/index.js'

t.test('a tree lies below root, site and instrument, with 21 folders', async (t) => {
  t.equal(treeFolder('/data', 'cpt', 'nres03'), '/data/cpt/nres03/reduced')
  t.equal(new Set(TREE_FOLDERS).size, 21)
})
