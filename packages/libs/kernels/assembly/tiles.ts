import { riceDecode16, riceDecode32, riceDecode8 } from './rice'
import { riceEncode16, riceEncode32, riceEncode8 } from './rice-encode'
import { unquantiseFloats } from './unquantise'

// Many tiles of one size in one call: the rows of a table of tiles, and the heap that they point into.

/**
 * Decodes Rice tiles of `n` pixels each, one behind the other, to `target`. `table` is `tiles` rows of `rowBytes` bytes;
 * at `column` in each stands the descriptor of the tile's bytes, of 32 or, where `wide`, of 64 bits. `heap` holds
 * `heapBytes` bytes of the heap from its byte `heapFrom` on. Returns how many tiles were decoded before the first that
 * has no data here, or damaged ones.
 */
export function riceTiles(
  table: usize, rowBytes: i32, column: i32, wide: i32, tiles: i32,
  heap: usize, heapFrom: f64, heapBytes: i32,
  target: usize, n: i32, blockSize: i32, bytePix: i32,
): i32 {
  const tileBytes = (<usize>n) * <usize>bytePix
  for (let tile = 0; tile < tiles; tile++) {
    const row = table + (<usize>tile) * (<usize>rowBytes) + <usize>column
    const bytes = wide ? <i64>bswap<u64>(load<u64>(row)) : <i64>(<i32>bswap<u32>(load<u32>(row)))
    const from = (wide ? <i64>bswap<u64>(load<u64>(row, 8)) : <i64>bswap<u32>(load<u32>(row, 4))) - <i64>heapFrom
    if (bytes <= 0 || from < 0 || from > <i64>heapBytes || bytes > <i64>heapBytes - from) return tile
    const source = heap + <usize>from
    const out = target + (<usize>tile) * tileBytes
    let problem: i32
    if (bytePix == 1) problem = riceDecode8(source, <i32>bytes, out, n, blockSize)
    else if (bytePix == 2) problem = riceDecode16(source, <i32>bytes, out, n, blockSize)
    else problem = riceDecode32(source, <i32>bytes, out, n, blockSize)
    if (problem) return tile
  }
  return tiles
}

/**
 * Turns quantised tiles of `n` pixels each into big-endian float32 where they lie. The scale and the zero of each are the
 * big-endian float64 at `scales` and `zeros` in its row. `first` is the place of the first tile in the sequence of random
 * numbers; the others follow it.
 */
export function unquantiseTiles(
  table: usize, rowBytes: i32, scales: i32, zeros: i32, tiles: i32,
  target: usize, n: i32, dither: i32, first: i32, hasBlank: i32, blank: i32,
): void {
  for (let tile = 0; tile < tiles; tile++) {
    const row = table + (<usize>tile) * (<usize>rowBytes)
    const scale = reinterpret<f64>(bswap<u64>(load<u64>(row + <usize>scales)))
    const zero = reinterpret<f64>(bswap<u64>(load<u64>(row + <usize>zeros)))
    const pixels = target + (((<usize>tile) * <usize>n) << 2)
    unquantiseFloats(pixels, pixels, n, scale, zero, dither, (first + tile) % 10000, hasBlank, blank)
  }
}

/**
 * Encodes `tiles` tiles of `n` pixels each, one behind the other, to `target`, and their numbers of bytes to `lengths`
 * (int32). `codes` and the target are as for one tile, the latter for each. Returns the number of bytes of all.
 */
export function riceEncodeTiles(
  source: usize, tiles: i32, n: i32, blockSize: i32, bytePix: i32, codes: usize, target: usize, lengths: usize,
): i32 {
  const tileBytes = (<usize>n) * <usize>bytePix
  let out = target
  for (let tile = 0; tile < tiles; tile++) {
    const from = source + (<usize>tile) * tileBytes
    let bytes: i32
    if (bytePix == 1) bytes = riceEncode8(from, n, blockSize, codes, out)
    else if (bytePix == 2) bytes = riceEncode16(from, n, blockSize, codes, out)
    else bytes = riceEncode32(from, n, blockSize, codes, out)
    store<i32>(lengths + ((<usize>tile) << 2), bytes)
    out += <usize>bytes
  }
  return <i32>(out - target)
}
