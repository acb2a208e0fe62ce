// Median over windows of any size. In a tile of the image each pixel is replaced by its rank among all of the tile, so
// that a window is a set of bits, one a rank. The window slides; the word of the set where its median lies moves little
// from pixel to pixel (after Huang, Yang & Tang 1979, IEEE Trans. ASSP 27, 13, with ranks in place of grey levels).
import { clampTo } from './window'

/** Side of the part of a tile that is filtered at once; around it lie the pixels that its windows reach. */
const TILE: i32 = 64
const NONE: u32 = 0xffffffff

// One tile: where its ranks, its values in order, and the bits of the window are, and how wide it is.
let ranks: usize = 0
let ordered: usize = 0
let bits: usize = 0
let side: i32 = 0
// The window: how many numbers it holds, and how many of them are in words before `word`.
let total: i32 = 0
let below: i32 = 0
let word: u32 = 0

/** Bytes of scratch that `medianLarge` needs. */
export function medianScratch(size: i32): usize {
  const n = <usize>((TILE + size) * (TILE + size))
  return 28 * n + 65536
}

/** Rows `first` to `last` of an image filtered with a window of odd `size`; `target` is where row `first` goes. */
export function medianLarge(
  source: usize, width: i32, height: i32, first: i32, last: i32, size: i32, target: usize, scratch: usize,
): void {
  const half = size >> 1
  for (let y = first; y < last; y += TILE) {
    for (let x = 0; x < width; x += TILE) {
      const columns = min<i32>(TILE, width - x)
      const rows = min<i32>(TILE, last - y)
      rankTile(source, width, height, x - half, y - half, columns + 2 * half, rows + 2 * half, scratch)
      const to = target + ((<usize>((y - first) * width + x)) << 2)
      slide(columns, rows, size, to, (<usize>width) << 2)
    }
  }
}

/** Ranks of the `columns` by `rows` pixels from (x0, y0) on, row by row; NaN has none. */
function rankTile(
  source: usize, width: i32, height: i32, x0: i32, y0: i32, columns: i32, rows: i32, scratch: usize,
): void {
  const room = (<usize>(columns * rows)) << 2
  side = columns
  ranks = scratch
  ordered = scratch + room
  let keys = ordered + room
  let spareKeys = keys + room
  let places = spareKeys + room
  let sparePlaces = places + room
  const counts = sparePlaces + room
  bits = counts + 8192
  let n = 0
  for (let v = 0; v < rows; v++) {
    const row = source + ((<usize>(clampTo(y0 + v, height) * width)) << 2)
    for (let u = 0; u < columns; u++) {
      const value = load<f32>(row + ((<usize>clampTo(x0 + u, width)) << 2)) + 0 // one zero
      const place = v * columns + u
      store<u32>(ranks + ((<usize>place) << 2), NONE)
      if (value != value) continue
      const stored = reinterpret<u32>(value)
      store<u32>(keys + ((<usize>n) << 2), stored ^ (<u32>((<i32>stored) >> 31) | 0x80000000)) // in the order of floats
      store<u32>(places + ((<usize>n) << 2), place)
      n++
    }
  }
  for (let shift = 0; shift < 33; shift += 11) {
    sortDigit(keys, places, spareKeys, sparePlaces, n, shift, counts)
    const keysWere = keys, placesWere = places
    keys = spareKeys
    places = sparePlaces
    spareKeys = keysWere
    sparePlaces = placesWere
  }
  for (let r = 0; r < n; r++) {
    const key = load<u32>(keys + ((<usize>r) << 2))
    store<u32>(ordered + ((<usize>r) << 2), key ^ (key >> 31 ? 0x80000000 : 0xffffffff))
    store<u32>(ranks + ((<usize>load<u32>(places + ((<usize>r) << 2))) << 2), r)
  }
  memory.fill(bits, 0, ((<usize>n >> 6) + 2) << 3)
  total = below = 0
  word = 0
}

/** One pass of a radix sort: stable, by the 11 bits from `shift` on. */
function sortDigit(
  keys: usize, places: usize, toKeys: usize, toPlaces: usize, n: i32, shift: i32, counts: usize,
): void {
  memory.fill(counts, 0, 8192)
  for (let i = 0; i < n; i++) {
    const slot = counts + <usize>(((load<u32>(keys + ((<usize>i) << 2)) >> shift) & 2047) << 2)
    store<u32>(slot, load<u32>(slot) + 1)
  }
  let sum: u32 = 0
  for (let slot = counts; slot < counts + 8192; slot += 4) {
    const count = load<u32>(slot)
    store<u32>(slot, sum)
    sum += count
  }
  for (let i = 0; i < n; i++) {
    const key = load<u32>(keys + ((<usize>i) << 2))
    const slot = counts + <usize>(((key >> shift) & 2047) << 2)
    const to = load<u32>(slot)
    store<u32>(slot, to + 1)
    store<u32>(toKeys + ((<usize>to) << 2), key)
    store<u32>(toPlaces + ((<usize>to) << 2), load<u32>(places + ((<usize>i) << 2)))
  }
}

/** Fills `columns` by `rows` medians, along a path that goes right, one down, left, one down … */
function slide(columns: i32, rows: i32, size: i32, target: usize, stride: usize): void {
  for (let v = 0; v < size; v++) addLine(v * side, 1, size)
  let x = 0
  for (let y = 0; y < rows; y++) {
    if (y > 0) {
      removeLine((y - 1) * side + x, 1, size)
      addLine((y - 1 + size) * side + x, 1, size)
    }
    const step = y & 1 ? -1 : 1
    const end = y & 1 ? 0 : columns - 1
    for (;;) {
      store<f32>(target + <usize>y * stride + ((<usize>x) << 2), windowValue())
      if (x == end) break
      removeLine(y * side + (step > 0 ? x : x + size - 1), side, size)
      x += step
      addLine(y * side + (step > 0 ? x + size - 1 : x), side, size)
    }
  }
}

// @ts-ignore: decorator
@inline
function addLine(place: i32, step: i32, n: i32): void {
  let at = ranks + ((<usize>place) << 2)
  for (let i = 0; i < n; i++, at += (<usize>step) << 2) {
    const rank = load<u32>(at)
    if (rank == NONE) continue
    const slot = bits + <usize>((rank >> 6) << 3)
    store<u64>(slot, load<u64>(slot) | ((<u64>1) << (rank & 63)))
    below += <i32>((rank >> 6) < word)
    total++
  }
}

// @ts-ignore: decorator
@inline
function removeLine(place: i32, step: i32, n: i32): void {
  let at = ranks + ((<usize>place) << 2)
  for (let i = 0; i < n; i++, at += (<usize>step) << 2) {
    const rank = load<u32>(at)
    if (rank == NONE) continue
    const slot = bits + <usize>((rank >> 6) << 3)
    store<u64>(slot, load<u64>(slot) & ~((<u64>1) << (rank & 63)))
    below -= <i32>((rank >> 6) < word)
    total--
  }
}

function windowValue(): f32 {
  if (total == 0) return NaN
  const upper = valueAt(total >> 1)
  if (total & 1) return upper
  return <f32>0.5 * valueAt((total - 1) >> 1) + <f32>0.5 * upper
}

/** The `wanted`-th number of the window, from 0. Moves `word` to where it is. */
function valueAt(wanted: i32): f32 {
  while (below > wanted) {
    word--
    below -= <i32>popcnt<u64>(load<u64>(bits + ((<usize>word) << 3)))
  }
  let set = load<u64>(bits + ((<usize>word) << 3))
  let count = <i32>popcnt<u64>(set)
  while (below + count <= wanted) {
    below += count
    word++
    set = load<u64>(bits + ((<usize>word) << 3))
    count = <i32>popcnt<u64>(set)
  }
  for (let i = wanted - below; i > 0; i--) set &= set - 1
  const rank = (<usize>word << 6) + <usize>ctz<u64>(set)
  return load<f32>(ordered + (rank << 2))
}
