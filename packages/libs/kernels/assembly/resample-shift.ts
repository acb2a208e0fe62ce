// A frame moved by one shift: the two directions one after the other, with the same weights everywhere.

// @ts-ignore: decorator
@inline
function clampTo(value: i32, count: i32): i32 {
  return max<i32>(0, min<i32>(count - 1, value))
}

/**
 * `rows` rows of `n` new pixels. The first tap of new pixel (0, 0) is pixel (px, py) of a plane of `width` x `height`,
 * whose outermost pixels repeat; `wx` and `wy` hold `taps` weights. `scratch` holds `taps` rows of n pixels.
 */
export function resampleShift(
  plane: usize, width: i32, height: i32, px: i32, py: i32, wx: usize, wy: usize, taps: i32, n: i32, rows: i32,
  target: usize, scratch: usize,
): void {
  const stride = (<usize>n) << 2
  // rows that were moved along x wait in a ring of as many as there are taps
  for (let y = 0; y < rows + taps - 1; y++) {
    const from = plane + ((<usize>(clampTo(py + y, height) * width)) << 2)
    alongRow(from, width, px, wx, taps, n, scratch + (<usize>(y % taps)) * stride)
    if (y < taps - 1) continue
    const row = y - taps + 1
    acrossRows(scratch, stride, row, taps, wy, n, target + (<usize>row) * stride)
  }
}

function alongRow(from: usize, width: i32, px: i32, wx: usize, taps: i32, n: i32, to: usize): void {
  let x = 0
  const firstInner = max<i32>(0, -px)
  const lastInner = min<i32>(n, width - px - taps + 1)
  for (; x < min<i32>(firstInner, n); x++) oneAlong(from, width, px + x, wx, taps, to + ((<usize>x) << 2))
  for (; x + 8 <= lastInner; x += 8) {
    let at = from + ((<usize>(px + x)) << 2)
    let w = v128.load32_splat(wx)
    let a = f32x4.mul(w, v128.load(at))
    let b = f32x4.mul(w, v128.load(at, 16))
    for (let i = 1; i < taps; i++) {
      at += 4
      w = v128.load32_splat(wx + ((<usize>i) << 2))
      a = f32x4.add(a, f32x4.mul(w, v128.load(at)))
      b = f32x4.add(b, f32x4.mul(w, v128.load(at, 16)))
    }
    const out = to + ((<usize>x) << 2)
    v128.store(out, a)
    v128.store(out, b, 16)
  }
  for (; x < n; x++) oneAlong(from, width, px + x, wx, taps, to + ((<usize>x) << 2))
}

function oneAlong(from: usize, width: i32, px: i32, wx: usize, taps: i32, to: usize): void {
  let sum: f32 = 0
  for (let i = 0; i < taps; i++) {
    sum += load<f32>(wx + ((<usize>i) << 2)) * load<f32>(from + ((<usize>clampTo(px + i, width)) << 2))
  }
  store<f32>(to, sum)
}

function acrossRows(ring: usize, stride: usize, row: i32, taps: i32, wy: usize, n: i32, to: usize): void {
  let x = 0
  for (; x + 4 <= n; x += 4) {
    const at = (<usize>x) << 2
    let sum = f32x4.splat(0)
    for (let j = 0; j < taps; j++) {
      const from = ring + (<usize>((row + j) % taps)) * stride + at
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(wy + ((<usize>j) << 2)), v128.load(from)))
    }
    v128.store(to + at, sum)
  }
  for (; x < n; x++) {
    let sum: f32 = 0
    for (let j = 0; j < taps; j++) {
      const from = ring + (<usize>((row + j) % taps)) * stride + ((<usize>x) << 2)
      sum += load<f32>(wy + ((<usize>j) << 2)) * load<f32>(from)
    }
    store<f32>(to + ((<usize>x) << 2), sum)
  }
}

/**
 * No pixel of `rows` rows of `n` is further below the lowest of the four about its place than `margin`: the first of
 * those of pixel (0, 0) is pixel (x0, y0) of the plane.
 */
export function liftRows(
  plane: usize, width: i32, height: i32, x0: i32, y0: i32, n: i32, rows: i32, margin: f32, target: usize,
): void {
  const margins = f32x4.splat(margin)
  for (let y = 0; y < rows; y++) {
    const low = plane + ((<usize>(clampTo(y0 + y, height) * width)) << 2)
    const high = plane + ((<usize>(clampTo(y0 + y + 1, height) * width)) << 2)
    const to = target + ((<usize>(y * n)) << 2)
    for (let x = 0; x < n; x++) {
      if (x0 + x >= 0 && x0 + x + 5 <= width && x + 4 <= n) {
        const at = (<usize>(x0 + x)) << 2
        const left = f32x4.pmin(v128.load(low + at), v128.load(high + at))
        const right = f32x4.pmin(v128.load(low + at, 4), v128.load(high + at, 4))
        const limit = f32x4.sub(f32x4.pmin(left, right), margins)
        const out = to + ((<usize>x) << 2)
        v128.store(out, f32x4.pmax(v128.load(out), limit))
        x += 3
        continue
      }
      const a = (<usize>clampTo(x0 + x, width)) << 2
      const b = (<usize>clampTo(x0 + x + 1, width)) << 2
      const limit = min<f32>(min<f32>(load<f32>(low + a), load<f32>(low + b)), min<f32>(load<f32>(high + a), load<f32>(high + b)))
      const out = to + ((<usize>x) << 2)
      store<f32>(out, max<f32>(load<f32>(out), limit - margin))
    }
  }
}
