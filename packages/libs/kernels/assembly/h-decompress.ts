import { bitsEnd, bitsOverrun, startBits, takeBits } from './bit-reader'
import { hInverse } from './h-transform'
import { readPlanes } from './quadtree'

// The byte stream of H-compress: DD 99, the number of rows and of columns, the scale of truncation (int32 each), the sum
// of all pixels (int64), the number of bit planes of the three kinds of quadrants (bytes); then the planes of the
// quadrants, a zero nibble, and from the next byte on the signs of all coefficients that are not zero.

const HEADER = 25

/**
 * Decodes `bytes` bytes at `source` to rows x columns 32-bit pixels at `target`. `room` holds as many coefficients
 * twice, of T, and a quarter of them, each side rounded up. Returns 0, or what is wrong: 1 not H-compress, 2 another
 * size, 3 the codes are damaged or end early.
 */
function decompress<T>(
  source: usize, bytes: i32, target: usize, rows: i32, columns: i32, smooth: i32, room: usize,
): i32 {
  if (bytes < HEADER || load<u16>(source) != 0x99dd) return 1
  if (<i32>bswap<u32>(load<u32>(source, 2)) != rows || <i32>bswap<u32>(load<u32>(source, 6)) != columns) return 2
  const scale = <i32>bswap<u32>(load<u32>(source, 10))
  const sum = <i64>bswap<u64>(load<u64>(source, 14))
  const planes0 = <i32>load<u8>(source, 22)
  const planes1 = <i32>load<u8>(source, 23)
  const planes2 = <i32>load<u8>(source, 24)
  const most = 8 * <i32>sizeof<T>() - 1
  if (planes0 > most || planes1 > most || planes2 > most) return 3
  const size = sizeof<T>()
  const count = rows * columns
  const image = room + (<usize>count) * size
  const spare = image + (<usize>count) * size
  memory.fill(room, 0, (<usize>count) * size)
  const top = (rows + 1) >> 1
  const left = (columns + 1) >> 1
  const right = room + (<usize>left) * size
  const below = room + (<usize>top) * (<usize>columns) * size
  startBits(source + HEADER, source + <usize>bytes)
  if (readPlanes<T>(room, top, left, columns, planes0, image)) return 3
  if (readPlanes<T>(right, top, columns >> 1, columns, planes1, image)) return 3
  if (readPlanes<T>(below, rows >> 1, left, columns, planes1, image)) return 3
  if (readPlanes<T>(below + (<usize>left) * size, rows >> 1, columns >> 1, columns, planes2, image)) return 3
  if (takeBits(4) != 0 || bitsOverrun()) return 3
  startBits(bitsEnd(), source + <usize>bytes)
  const end = room + (<usize>count) * size
  const factor = <T>max<i32>(scale, 1)
  for (let at = room; at < end; at += size) {
    const value = load<T>(at)
    if (value != 0) store<T>(at, (takeBits(1) ? -value : value) * factor)
  }
  if (bitsOverrun()) return 3
  store<T>(room, <T>sum * factor)
  hInverse<T>(room, image, spare, rows, columns, smooth, scale)
  for (let i: usize = 0; i < <usize>count; i++) store<i32>(target + (i << 2), <i32>load<T>(image + i * size))
  return 0
}

/** For images of 8 and 16 bits: coefficients of 32 bits suffice. */
export function hDecompress32(
  source: usize, bytes: i32, target: usize, rows: i32, columns: i32, smooth: i32, room: usize,
): i32 {
  return decompress<i32>(source, bytes, target, rows, columns, smooth, room)
}
export function hDecompress64(
  source: usize, bytes: i32, target: usize, rows: i32, columns: i32, smooth: i32, room: usize,
): i32 {
  return decompress<i64>(source, bytes, target, rows, columns, smooth, room)
}
