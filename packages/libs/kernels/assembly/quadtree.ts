import { bitsOverrun, dropBits, peekBits, takeBits } from './bit-reader'

// The bit planes of H-compress coefficients, as quadtrees: the four bits of a 2x2 block are a nibble; whether the four
// nibbles of a block are zero is the nibble of the next level, and so on up to one. From the top down, each nibble that is
// not zero follows in a fixed Huffman code, each level from its end to its start. A plane that would not shrink so stands
// as its nibbles, plainly.

/** Code words of the 16 nibbles, and their lengths in bits. */
const WORDS = memory.data<u8>([62, 0, 1, 8, 2, 9, 26, 27, 3, 28, 10, 29, 11, 30, 63, 12])
const LENGTHS = memory.data<u8>([6, 3, 3, 4, 3, 4, 5, 5, 3, 5, 4, 5, 4, 5, 6, 4])

/** For the next six bits, the nibble whose code they begin with, times 8, and the length of the code. */
const CODES = memory.data(64)
let filled = false

function fillCodes(): void {
  for (let nibble = 0; nibble < 16; nibble++) {
    const length = <i32>load<u8>(LENGTHS + nibble)
    const free = 6 - length
    const first = <i32>load<u8>(WORDS + nibble) << free
    for (let k = 0; k < 1 << free; k++) store<u8>(CODES + first + k, <u8>((nibble << 3) | length))
  }
  filled = true
}

// @ts-ignore: decorator
@inline function takeNibble(): u8 {
  const code = load<u8>(CODES + <usize>peekBits(6))
  dropBits(code & 7)
  return code >> 3
}

// @ts-ignore: decorator
@inline function up(n: i32, times: i32): i32 {
  return n == 0 ? 1 : ((n - 1) >> times) + 1
}

/**
 * Reads `planes` bit planes of the `rows` x `columns` block at `block`, which is part of rows of `stride` elements, and is
 * zero before. `spare` holds 2 * ceil(rows / 2) * ceil(columns / 2) + 2 bytes. Returns 0, or 1 when the codes are not those of
 * a quadtree or end early.
 */
export function readPlanes<T>(
  block: usize, rows: i32, columns: i32, stride: i32, planes: i32, spare: usize,
): i32 {
  if (!filled) fillCodes()
  const levels = 32 - clz<i32>(max<i32>(rows, columns) - 1)
  const cells = ((rows + 1) >> 1) * ((columns + 1) >> 1)
  for (let plane = planes - 1; plane >= 0; plane--) {
    const format = takeBits(4)
    let nibbles = spare
    if (format == 0) {
      for (let i = 0; i < cells; i++) store<u8>(nibbles + <usize>i, <u8>takeBits(4))
    } else if (format == 15) {
      let other = spare + <usize>cells + 1
      store<u8>(nibbles, takeNibble())
      for (let level = levels - 1; level > 0; level--) {
        expand(nibbles, other, up(rows, level), up(columns, level))
        const held = nibbles
        nibbles = other
        other = held
        if (bitsOverrun()) return 1
      }
    } else return 1
    if (bitsOverrun()) return 1
    if (cells > 0) insert<T>(nibbles, block, rows, columns, stride, <T>1 << <T>plane)
  }
  return 0
}

/** Nibbles of a level from the bits of the one above, `rows` x `columns` of them. */
function expand(above: usize, nibbles: usize, rows: i32, columns: i32): void {
  const wide = (columns + 1) >> 1
  for (let i = rows - 1; i >= 0; i--) {
    const parents = above + (<usize>(i >> 1)) * (<usize>wide)
    const out = nibbles + (<usize>i) * (<usize>columns)
    // Of a parent's bits the highest two are the upper row, and of each two the higher is the left column.
    const row = i & 1 ? 0 : 2
    for (let j = columns - 1; j >= 0; j--) {
      const bit = row + (j & 1 ? 0 : 1)
      const present = (<i32>load<u8>(parents + <usize>(j >> 1)) >> bit) & 1
      store<u8>(out + <usize>j, present ? takeNibble() : 0)
    }
  }
}

function insert<T>(nibbles: usize, block: usize, rows: i32, columns: i32, stride: i32, value: T): void {
  const size = sizeof<T>()
  const rowBytes = (<usize>stride) * size
  let at = nibbles
  for (let i = 0; i < rows; i += 2) {
    const paired = i + 1 < rows
    for (let j = 0; j < columns; j += 2) {
      const nibble = load<u8>(at++)
      if (nibble == 0) continue
      const here = block + (<usize>i) * rowBytes + (<usize>j) * size
      if (nibble & 8) store<T>(here, load<T>(here) | value)
      if (nibble & 4 && j + 1 < columns) store<T>(here + size, load<T>(here + size) | value)
      if (!paired) continue
      const under = here + rowBytes
      if (nibble & 2) store<T>(under, load<T>(under) | value)
      if (nibble & 1 && j + 1 < columns) store<T>(under + size, load<T>(under + size) | value)
    }
  }
}

export function nibbleWord(nibble: u8): u32 {
  return load<u8>(WORDS + <usize>nibble)
}
export function nibbleLength(nibble: u8): i32 {
  return load<u8>(LENGTHS + <usize>nibble)
}
