export { imageOf } from './copy-image.js'
export { FitsError, type Place } from './errors.js'
export { companion, type FitsFrame, type FrameRows, readFrame, readFrameRows } from './frame.js'
export { type Groups, readGroups } from './groups.js'
export type { FitsFile, Hdu, HduKind } from './hdu.js'
export {
  addComment,
  addHistory,
  type Card,
  type CardValue,
  cardValue,
  copyHeader,
  createHeader,
  findCard,
  flagOf,
  type Header,
  isCommentary,
  numberOf,
  removeCard,
  setCard,
  textOf,
} from './header.js'
export { frameHdu, imageHdu, type PixelRange } from './image.js'
export { cardLookup } from './lookup.js'
export type {
  ColumnValues,
  Compression,
  NewColumn,
  NewEmpty,
  NewHdu,
  NewImage,
  NewTable,
  PixelArray,
} from './new-hdu.js'
export { openFits } from './open.js'
export { readBigIntegers, readIntegers, readPixels, readPixels64, readStored } from './read-pixels.js'
export { type Scaling, scalingOf } from './scaling.js'
export { sideHdus } from './side-hdus.js'
export { type StripPlan, writeStrip } from './strip.js'
export { type Column, column, type NumberArray, type Table, type VariableCell } from './table/column.js'
export type { TablePart } from './table/part.js'
export { readTable } from './table/read.js'
export {
  type HduSums,
  isWhole,
  mustBeWhole,
  type Onlooker,
  requireWhole,
  type SumState,
  verifySums,
  type Watch,
  watchWhole,
} from './verify.js'
export { withFits } from './with-fits.js'
export { encodeFits, writeFits, writeFitsBehind } from './write-file.js'
export { createFits, type FitsWriter } from './writer.js'
