// Which source each pixel belongs to, as runs of pixels row by row.
import { Source } from './isophote'

/** Counts the runs of the sources that have a number into `row` (int32, one more than rows), and sums them up. Returns them all. */
export function countOwners(sources: usize, count: i32, pixels: usize, width: i32, height: i32, row: usize): i32 {
  memory.fill(row, 0, (<usize>(height + 1)) << 2)
  for (let s = 0; s < count; s++) {
    const source = changetype<Source>(sources + <usize>s * offsetof<Source>())
    if (source.number > 0) runsOf(source, pixels, width, row, 0, 0, 0, 0)
  }
  let sum = 0
  for (let y = 0; y <= height; y++) {
    const here = load<i32>(row + ((<usize>y) << 2))
    store<i32>(row + ((<usize>y) << 2), sum)
    sum += here
  }
  return sum
}

/** Writes the runs of each row in their order; `fill` is a copy of `row` as `countOwners` left it. */
export function writeOwners(
  sources: usize, count: i32, pixels: usize, width: i32, row: usize, fill: usize, from: usize, to: usize, number: usize,
): void {
  for (let s = 0; s < count; s++) {
    const source = changetype<Source>(sources + <usize>s * offsetof<Source>())
    if (source.number > 0) runsOf(source, pixels, width, fill, row, from, to, number)
  }
}

/** Goes through the runs of a source, whose pixels come row by row. Without `from`, only counts them. */
function runsOf(
  source: Source, pixels: usize, width: i32, fill: usize, row: usize, from: usize, to: usize, number: usize,
): void {
  const list = pixels + ((<usize>source.from) << 2)
  const n = <i32>source.area
  let start = load<i32>(list)
  let last = start
  let y = start / width
  let end = (y + 1) * width
  for (let k = 1; k <= n; k++) {
    const p = k < n ? load<i32>(list + ((<usize>k) << 2)) : -1
    if (p == last + 1 && p < end) {
      last = p
      continue
    }
    const at = fill + ((<usize>y) << 2)
    let slot = load<i32>(at)
    store<i32>(at, slot + 1)
    if (from) insert(slot, load<i32>(row + ((<usize>y) << 2)), start, last + 1, <i32>source.number, from, to, number)
    if (k == n) return
    while (p >= end) {
      y++
      end += width
    }
    start = last = p
  }
}

/** Puts a run in its place among those of its row, which are few. */
function insert(slot: i32, first: i32, start: i32, stop: i32, own: i32, from: usize, to: usize, number: usize): void {
  let k = (<usize>slot) << 2
  for (; k > (<usize>first) << 2 && load<i32>(from + k - 4) > start; k -= 4) {
    store<i32>(from + k, load<i32>(from + k - 4))
    store<i32>(to + k, load<i32>(to + k - 4))
    store<i32>(number + k, load<i32>(number + k - 4))
  }
  store<i32>(from + k, start)
  store<i32>(to + k, stop)
  store<i32>(number + k, own)
}
