// Where a frame is far brighter than the stack that it is in, over a whole cell of pixels: satellites, not single particles.

import { fourMasks } from './pixel-source'

/** Pixels on a side of a cell, and how many of them must stand out. */
const SIDE: i32 = 4
const MANY: i32 = 8

/** Words of the record of a plane: where its pixels and mask are (0: none), then floats. */
const PLANE_BYTES: usize = 32
@unmanaged
class Frame {
  pixels: usize
  mask: usize
  offset: f32
  scale: f32
  ceiling: f32
  variance: f32 // of the scaled sky
  perUnit: f32 // and for each scaled unit of light
  spare: f32
}

/**
 * Looks at cells of 4 x 4 pixels of a `stack` of frames, `width` x `rows`, in which some frame is missing (`counts`, int16).
 * A pixel of a frame stands out when it is above the stack by more than `high` sigmas of noise where no star shines, whose
 * light frames may have more or less of: where what that allows them (`allowance`, of each pixel; 0: nothing) is no more than
 * the noise. Where half of the pixels of a cell stand out, `found` gets a record of four int32: frame, column and row of the
 * cell, and by how many sigmas the weakest of that half does. Returns how many records there are; there must be room for all.
 */
export function strongOutliers(
  frames: usize, n: i32, bits: i32, stack: usize, counts: usize, allowance: usize, width: i32, rows: i32, high: f32,
  found: usize, scratch: usize,
): i32 {
  let records = 0
  for (let v = 0; v + SIDE <= rows; v += SIDE) {
    for (let u = 0; u + SIDE <= width; u += SIDE) {
      const first = <usize>(v * width + u)
      if (isWhole(counts + (first << 1), width, n)) continue
      for (let k = 0; k < n; k++) {
        const frame = changetype<Frame>(frames + <usize>k * PLANE_BYTES)
        const least = leastOf(frame, bits, stack, allowance, first, width, high, scratch)
        if (!(least > 0)) continue
        const to = found + ((<usize>records) << 4)
        store<i32>(to, k)
        store<i32>(to, u / SIDE, 4)
        store<i32>(to, v / SIDE, 8)
        store<i32>(to, <i32>min<f32>(least, 1e6), 12)
        records++
      }
    }
  }
  return records
}

/** Whether all frames count in each pixel of a cell. */
// @ts-ignore: decorator
@inline
function isWhole(counts: usize, width: i32, n: i32): bool {
  const all = i16x8.splat(<i16>n)
  const row = (<usize>width) << 1
  const a = v128.load64_lane(counts + row, v128.load64_zero(counts), 1)
  const b = v128.load64_lane(counts + 3 * row, v128.load64_zero(counts + 2 * row), 1)
  return i16x8.all_true(v128.and(i16x8.eq(a, all), i16x8.eq(b, all)))
}

/** Of the half of a cell that stands out most the least excess, sigmas of noise; 0 where fewer do. */
function leastOf(
  frame: Frame, bits: i32, stack: usize, allowance: usize, first: usize, width: i32, high: f32, scratch: usize,
): f32 {
  let many = 0
  for (let j = 0; j < SIDE; j++) {
    const p = first + <usize>(j * width)
    const own = v128.load(frame.pixels + (p << 2))
    const level = v128.load(stack + (p << 2))
    const excess = f32x4.sub(f32x4.mul(f32x4.sub(own, f32x4.splat(frame.offset)), f32x4.splat(frame.scale)), level)
    const light = f32x4.pmax(f32x4.splat(0), level)
    const noise = f32x4.add(f32x4.splat(frame.variance), f32x4.mul(f32x4.splat(frame.perUnit), light))
    const sigma = f32x4.sqrt(noise)
    let out = v128.and(f32x4.gt(excess, f32x4.mul(f32x4.splat(high), sigma)), f32x4.lt(own, f32x4.splat(frame.ceiling)))
    if (allowance) out = v128.and(out, f32x4.le(v128.load(allowance + (p << 2)), sigma))
    if (frame.mask) {
      const mask = v128.and(fourMasks(frame.mask + (p << 1)), i32x4.splat(bits))
      out = v128.and(out, i32x4.eq(mask, i32x4.splat(0)))
    }
    many += popcnt(i32x4.bitmask(out))
    v128.store(scratch + ((<usize>j) << 4), v128.and(out, f32x4.div(excess, sigma)))
  }
  return many < MANY ? 0 : ranked(scratch, MANY)
}

/** The value of 16 that so many are not below. */
function ranked(values: usize, rank: i32): f32 {
  for (let i: usize = 0; i < 64; i += 4) {
    const value = load<f32>(values + i)
    let above = 0
    let same = 0
    for (let k: usize = 0; k < 64; k += 4) {
      const other = load<f32>(values + k)
      if (other > value) above++
      else if (other == value) same++
    }
    if (above < rank && above + same >= rank) return value
  }
  return 0
}
