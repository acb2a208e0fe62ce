/** What is wrong with one tile or with the table of tiles; the reader adds the file, the HDU and the tile. */
export class TileError extends Error {
  override name = 'TileError'
}
