import { hForward } from './h-transform'
import { nibbleLength, nibbleWord } from './quadtree'

let out: usize = 0
let word: u64 = 0
let held: i32 = 0

/** Appends the low `n` bits, at most 32. */
function put(value: u32, n: i32): void {
  word = (word << (<u64>n)) | <u64>value
  held += n
  while (held >= 8) {
    held -= 8
    store<u8>(out++, <u8>(word >> (<u64>held)))
  }
}

/** Nibbles of one bit plane of a block: its first reduction. Returns their number. */
function plane<T>(block: usize, rows: i32, columns: i32, stride: i32, bit: i32, nibbles: usize): i32 {
  const size = sizeof<T>()
  const rowBytes = (<usize>stride) * size
  const shift = <T>bit
  let at = nibbles
  for (let i = 0; i < rows; i += 2) {
    const paired = i + 1 < rows
    const here = block + (<usize>i) * rowBytes
    for (let j = 0; j < columns; j += 2) {
      const from = here + (<usize>j) * size
      const inner = j + 1 < columns
      let nibble = (<u8>(load<T>(from) >> shift) & 1) << 3
      if (inner) nibble |= (<u8>(load<T>(from + size) >> shift) & 1) << 2
      if (paired) nibble |= (<u8>(load<T>(from + rowBytes) >> shift) & 1) << 1
      if (paired && inner) nibble |= <u8>(load<T>(from + rowBytes + size) >> shift) & 1
      store<u8>(at++, nibble)
    }
  }
  return <i32>(at - nibbles)
}

/** The next level of a quadtree, in place: which of four nibbles are not zero. */
function reduce(nibbles: usize, rows: i32, columns: i32): void {
  let at = nibbles
  for (let i = 0; i < rows; i += 2) {
    const here = nibbles + (<usize>i) * (<usize>columns)
    const under = here + <usize>columns
    const paired = i + 1 < rows
    for (let j = 0; j < columns; j += 2) {
      const inner = j + 1 < columns
      let nibble = <u8>(load<u8>(here + <usize>j) != 0) << 3
      if (inner) nibble |= <u8>(load<u8>(here + <usize>j, 1) != 0) << 2
      if (paired) nibble |= <u8>(load<u8>(under + <usize>j) != 0) << 1
      if (paired && inner) nibble |= <u8>(load<u8>(under + <usize>j, 1) != 0)
      store<u8>(at++, nibble)
    }
  }
}

// The codes of a plane are gathered from the bottom of the tree up, and written backwards.
let gathered: u64 = 0
let gatheredBits: i32 = 0
let gatheredBytes: i32 = 0

/** Adds the codes of nibbles to `codes`; true when they fill `most` bytes: the plane does not shrink. */
function gather(nibbles: usize, n: i32, codes: usize, most: i32): bool {
  for (let i = 0; i < n; i++) {
    const nibble = load<u8>(nibbles + <usize>i)
    if (nibble == 0) continue
    gathered |= (<u64>nibbleWord(nibble)) << (<u64>gatheredBits)
    gatheredBits += nibbleLength(nibble)
    if (gatheredBits < 8) continue
    store<u8>(codes + <usize>gatheredBytes, <u8>gathered)
    gatheredBytes++
    if (gatheredBytes >= most) return true
    gathered >>= 8
    gatheredBits -= 8
  }
  return false
}

/** Writes the bit planes of a block; `spare` has room for a nibble and a code byte of each four coefficients. */
function writePlanes<T>(
  block: usize, rows: i32, columns: i32, stride: i32, planes: i32, spare: usize,
): void {
  const levels = 32 - clz<i32>(max<i32>(rows, columns) - 1)
  const cells = ((rows + 1) >> 1) * ((columns + 1) >> 1)
  const most = (cells + 1) >> 1
  const codes = spare + <usize>cells + 8
  for (let bit = planes - 1; bit >= 0; bit--) {
    gathered = 0
    gatheredBits = 0
    gatheredBytes = 0
    let height = (rows + 1) >> 1
    let width = (columns + 1) >> 1
    plane<T>(block, rows, columns, stride, bit, spare)
    let full = gather(spare, height * width, codes, most)
    for (let level = 1; level < levels && !full; level++) {
      reduce(spare, height, width)
      height = (height + 1) >> 1
      width = (width + 1) >> 1
      full = gather(spare, height * width, codes, most)
    }
    if (full) {
      put(0, 4)
      plane<T>(block, rows, columns, stride, bit, spare)
      for (let i = 0; i < cells; i++) put(load<u8>(spare + <usize>i), 4)
      continue
    }
    put(15, 4)
    if (gatheredBits > 0) put(<u32>gathered & ((1 << gatheredBits) - 1), gatheredBits)
    else if (gatheredBytes == 0) put(nibbleWord(0), nibbleLength(0))
    for (let i = gatheredBytes - 1; i >= 0; i--) put(load<u8>(codes + <usize>i), 8)
  }
}

/** Bits of the largest value of a block of values that are not negative. */
function planesOf<T>(block: usize, rows: i32, columns: i32, stride: i32): i32 {
  let all: T = 0
  for (let i = 0; i < rows; i++) {
    const row = block + (<usize>i) * (<usize>stride) * sizeof<T>()
    for (let j = 0; j < columns; j++) all |= load<T>(row + (<usize>j) * sizeof<T>())
  }
  return 8 * <i32>sizeof<T>() - <i32>clz<T>(all)
}

/**
 * Encodes rows x columns 32-bit pixels at `source` to `target`, returns the number of bytes. `room` holds as many
 * coefficients twice, of T, and as many bytes and 64 more. The target has room for 9 bytes a pixel and 1024 more.
 */
function compress<T>(source: usize, rows: i32, columns: i32, scale: i32, room: usize, target: usize): i32 {
  const size = sizeof<T>()
  const count = rows * columns
  const pixels = room + (<usize>count) * size
  const spare = pixels + (<usize>count) * size
  for (let i: usize = 0; i < <usize>count; i++) store<T>(pixels + i * size, <T>load<i32>(source + (i << 2)))
  hForward<T>(pixels, room, rows, columns)
  const end = room + (<usize>count) * size
  if (scale > 1) {
    const half = <T>((scale + 1) / 2 - 1)
    for (let at = room; at < end; at += size) {
      const value = load<T>(at)
      store<T>(at, (value > 0 ? value + half : value - half) / <T>scale)
    }
  }
  store<u16>(target, 0x99dd)
  store<u32>(target, bswap<u32>(rows), 2)
  store<u32>(target, bswap<u32>(columns), 6)
  store<u32>(target, bswap<u32>(scale), 10)
  store<u64>(target, bswap<u64>(<u64>(<i64>load<T>(room))), 14)
  store<T>(room, 0)
  // Signs apart: `pixels` is free again.
  let signs = 0
  for (let at = room; at < end; at += size) {
    const value = load<T>(at)
    if (value == 0) continue
    store<u8>(pixels + <usize>signs, <u8>(value < 0))
    signs++
    if (value < 0) store<T>(at, -value)
  }
  const top = (rows + 1) >> 1
  const left = (columns + 1) >> 1
  const bottom = rows >> 1
  const right = columns >> 1
  const b01 = room + (<usize>left) * size
  const b10 = room + (<usize>top) * (<usize>columns) * size
  const b11 = b10 + (<usize>left) * size
  const planes0 = planesOf<T>(room, top, left, columns)
  const planes1 = max<i32>(planesOf<T>(b01, top, right, columns), planesOf<T>(b10, bottom, left, columns))
  const planes2 = planesOf<T>(b11, bottom, right, columns)
  store<u8>(target, <u8>planes0, 22)
  store<u8>(target, <u8>planes1, 23)
  store<u8>(target, <u8>planes2, 24)
  out = target + 25
  word = 0
  held = 0
  writePlanes<T>(room, top, left, columns, planes0, spare)
  writePlanes<T>(b01, top, right, columns, planes1, spare)
  writePlanes<T>(b10, bottom, left, columns, planes1, spare)
  writePlanes<T>(b11, bottom, right, columns, planes2, spare)
  put(0, 4)
  if (held > 0) put(0, 8 - held)
  for (let i = 0; i < signs; i++) put(load<u8>(pixels + <usize>i), 1)
  if (held > 0) put(0, 8 - held)
  return <i32>(out - target)
}

/** For pixels of 16 bits: coefficients of 32 bits suffice. */
export function hCompress32(source: usize, rows: i32, columns: i32, scale: i32, room: usize, target: usize): i32 {
  return compress<i32>(source, rows, columns, scale, room, target)
}
export function hCompress64(source: usize, rows: i32, columns: i32, scale: i32, room: usize, target: usize): i32 {
  return compress<i64>(source, rows, columns, scale, room, target)
}
