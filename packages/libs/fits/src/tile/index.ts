export type { TileSource } from './ahead.js'
export { TileError } from './error.js'
export { type Lookup, type TileLayout, tileLayout } from './layout.js'
export { readTiledRows, type TiledImage, tiledImage } from './read.js'
