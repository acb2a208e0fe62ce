// One frame's pixels about a place, each by its weight.

/** What all runs of a frame have in common. Rows `first` to `first + rows` of the frame are in memory. */
@unmanaged
export class Source {
  pixels: usize
  /** Squared errors, or 0. */
  variance: usize
  /** Bits, or 0; and for each pixel the bits of those about it, from one before to two after. */
  mask: usize
  near: usize
  width: i32
  height: i32
  first: i32
  rows: i32
  /** Pixels across that have a part: 1, 2, 6 or 8; their weights for each fraction, in rows of eight. */
  taps: i32
  table: usize
  /** No new pixel is further below the lowest of the four about its place than this; infinity: any may be. */
  margin: f32
}

// @ts-ignore: decorator
@inline
export function clampTo(value: i32, count: i32): i32 {
  return max<i32>(0, min<i32>(count - 1, value))
}

/** Eight values. */
export const values: usize = memory.data(32, 16)

/** Eight weighted sums into `values`: along y for sixteen columns, then along x. */
// @ts-ignore: decorator
@inline
export function eight(from: usize, stride: usize, taps: i32, wx: usize, wy: usize): void {
  let w = v128.load32_splat(wy)
  let a = f32x4.mul(w, v128.load(from))
  let b = f32x4.mul(w, v128.load(from, 16))
  let c = f32x4.mul(w, v128.load(from, 32))
  let d = f32x4.mul(w, v128.load(from, 48))
  for (let j = 1; j < taps; j++) {
    from += stride
    w = v128.load32_splat(wy + ((<usize>j) << 2))
    a = f32x4.add(a, f32x4.mul(w, v128.load(from)))
    b = f32x4.add(b, f32x4.mul(w, v128.load(from, 16)))
    c = f32x4.add(c, f32x4.mul(w, v128.load(from, 32)))
    d = f32x4.add(d, f32x4.mul(w, v128.load(from, 48)))
  }
  w = v128.load32_splat(wx)
  let left = f32x4.mul(w, a)
  let right = f32x4.mul(w, b)
  // the columns stay in registers: what was just stored cannot be loaded at another offset without a wait
  left = plus(left, wx, 4, v128.shuffle<f32>(a, b, 1, 2, 3, 4))
  right = plus(right, wx, 4, v128.shuffle<f32>(b, c, 1, 2, 3, 4))
  left = plus(left, wx, 8, v128.shuffle<f32>(a, b, 2, 3, 4, 5))
  right = plus(right, wx, 8, v128.shuffle<f32>(b, c, 2, 3, 4, 5))
  left = plus(left, wx, 12, v128.shuffle<f32>(a, b, 3, 4, 5, 6))
  right = plus(right, wx, 12, v128.shuffle<f32>(b, c, 3, 4, 5, 6))
  left = plus(left, wx, 16, b)
  right = plus(right, wx, 16, c)
  left = plus(left, wx, 20, v128.shuffle<f32>(b, c, 1, 2, 3, 4))
  right = plus(right, wx, 20, v128.shuffle<f32>(c, d, 1, 2, 3, 4))
  if (taps > 6) {
    left = plus(left, wx, 24, v128.shuffle<f32>(b, c, 2, 3, 4, 5))
    right = plus(right, wx, 24, v128.shuffle<f32>(c, d, 2, 3, 4, 5))
    left = plus(left, wx, 28, v128.shuffle<f32>(b, c, 3, 4, 5, 6))
    right = plus(right, wx, 28, v128.shuffle<f32>(c, d, 3, 4, 5, 6))
  }
  v128.store(values, left)
  v128.store(values, right, 16)
}

// @ts-ignore: decorator
@inline
function plus(sum: v128, weights: usize, at: usize, column: v128): v128 {
  return f32x4.add(sum, f32x4.mul(v128.load32_splat(weights + at), column))
}

// @ts-ignore: decorator
@inline
function acrossSum(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  )
}

// @ts-ignore: decorator
@inline
export function lowestOfFour(at: usize, stride: usize): f32 {
  return min<f32>(
    min<f32>(load<f32>(at), load<f32>(at, 4)), min<f32>(load<f32>(at + stride), load<f32>(at + stride, 4)),
  )
}

// @ts-ignore: decorator
@inline
export function weighted(from: usize, stride: usize, taps: i32, wx: usize, wy: usize): f32 {
  let w = v128.load32_splat(wy)
  let left = f32x4.mul(w, v128.load(from))
  let right = f32x4.mul(w, v128.load(from, 16))
  for (let j = 1; j < taps; j++) {
    from += stride
    w = v128.load32_splat(wy + ((<usize>j) << 2))
    left = f32x4.add(left, f32x4.mul(w, v128.load(from)))
    right = f32x4.add(right, f32x4.mul(w, v128.load(from, 16)))
  }
  return acrossSum(f32x4.add(f32x4.mul(left, v128.load(wx)), f32x4.mul(right, v128.load(wx, 16))))
}

// @ts-ignore: decorator
@inline
export function bilinear(from: usize, stride: usize, wx: usize, wy: usize): f32 {
  const a = load<f32>(wx)
  const b = load<f32>(wx, 4)
  const low = a * load<f32>(from) + b * load<f32>(from, 4)
  const high = a * load<f32>(from + stride) + b * load<f32>(from + stride, 4)
  return low * load<f32>(wy) + high * load<f32>(wy, 4)
}

// @ts-ignore: decorator
@inline
export function bilinearSquares(from: usize, stride: usize, wx: usize, wy: usize): f32 {
  const a = load<f32>(wx) * load<f32>(wx)
  const b = load<f32>(wx, 4) * load<f32>(wx, 4)
  const low = a * load<f32>(from) + b * load<f32>(from, 4)
  const high = a * load<f32>(from + stride) + b * load<f32>(from + stride, 4)
  return low * load<f32>(wy) * load<f32>(wy) + high * load<f32>(wy, 4) * load<f32>(wy, 4)
}

// @ts-ignore: decorator
@inline
export function weightedSquares(from: usize, stride: usize, taps: i32, wx: usize, wy: usize): f32 {
  let left = f32x4.splat(0)
  let right = left
  for (let j = 0; j < taps; j++) {
    let w = v128.load32_splat(wy + ((<usize>j) << 2))
    w = f32x4.mul(w, w)
    left = f32x4.add(left, f32x4.mul(w, v128.load(from)))
    right = f32x4.add(right, f32x4.mul(w, v128.load(from, 16)))
    from += stride
  }
  const a = v128.load(wx)
  const b = v128.load(wx, 16)
  return acrossSum(f32x4.add(f32x4.mul(left, f32x4.mul(a, a)), f32x4.mul(right, f32x4.mul(b, b))))
}

/** The same where the pixels reach beyond the frame: its outermost ones repeat. */
export function clamped(source: Source, plane: usize, px: i32, py: i32, wx: usize, wy: usize): f32 {
  let sum: f32 = 0
  for (let j = 0; j < source.taps; j++) {
    const row = plane + ((<usize>(clampTo(py + j, source.rows) * source.width)) << 2)
    let line: f32 = 0
    for (let i = 0; i < source.taps; i++) {
      line += load<f32>(wx + ((<usize>i) << 2)) * load<f32>(row + ((<usize>clampTo(px + i, source.width)) << 2))
    }
    sum += line * load<f32>(wy + ((<usize>j) << 2))
  }
  return sum
}

export function clampedSquares(source: Source, px: i32, py: i32, wx: usize, wy: usize): f32 {
  let sum: f32 = 0
  for (let j = 0; j < source.taps; j++) {
    const row = source.variance + ((<usize>(clampTo(py + j, source.rows) * source.width)) << 2)
    let line: f32 = 0
    for (let i = 0; i < source.taps; i++) {
      const w = load<f32>(wx + ((<usize>i) << 2))
      line += w * w * load<f32>(row + ((<usize>clampTo(px + i, source.width)) << 2))
    }
    const w = load<f32>(wy + ((<usize>j) << 2))
    sum += line * w * w
  }
  return sum
}
