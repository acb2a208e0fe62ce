// The exports of every kernel: one idea per file, one line per file here.
export { base } from './base'
export * from './bytes'
export { riceDecode8, riceDecode16, riceDecode32 } from './rice'
export { riceEncode8, riceEncode16, riceEncode32 } from './rice-encode'
export { swap16, swap32, swap64, bigEndian16From32, bytesFrom32 } from './order'
export { ditherValues } from './dither'
export { unquantiseFloats, unquantiseDoubles } from './unquantise'
export * from './ones-sum'
