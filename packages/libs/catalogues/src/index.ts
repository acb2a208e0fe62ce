export { type CatOptions, type CatStars, catTable, encodeCat, readCat, writeCat } from './cat.js'
export { CAT_COLUMNS, type CatColumn } from './cat-columns.js'
export type { SkyStars } from './star.js'
