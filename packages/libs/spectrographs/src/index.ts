export { TREE_FOLDERS, type Tree, treeFolder } from './tree.js'
