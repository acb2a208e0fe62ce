export { type OrderImage, orderImageHdus, orderOf, readOrderImage, toOrderImage } from './order-image.js'
export { readSpectra, SPECTRUM, type SpectrumFile, spectraHdus } from './spectrum-file.js'
export { TREE_FOLDERS, type Tree, treeFolder } from './tree.js'
