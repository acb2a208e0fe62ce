// Complex Fourier transforms of the rows or columns of an image, four at a time: each lane of a vector is a transform of
// its own, so that nothing is ever shuffled inside one. Stockham's self-sorting algorithm with radices 4, 2, 3 and 5.
// `table`: n cosines, then n sines (of -2 π k / n). `factors`: int32, ended by 0. `scratch`: 4 n vectors of 16 bytes (16 n for columns).

/** The transform of n vectors at `re` and `im`; true when the result is in the second half of the scratch. */
function lanes(n: i32, re: usize, im: usize, toRe: usize, toIm: usize, table: usize, factors: usize): bool {
  let stride = 1
  let left = n
  let swapped = false
  for (let radix = load<i32>(factors); radix !== 0; radix = load<i32>(factors)) {
    const m = left / radix
    if (radix === 4) four(m, stride, re, im, toRe, toIm, table, n)
    else if (radix === 2) two(m, stride, re, im, toRe, toIm, table, n)
    else if (radix === 3) three(m, stride, re, im, toRe, toIm, table, n)
    else five(m, stride, re, im, toRe, toIm, table, n)
    left = m
    stride *= radix
    const r = re
    const i = im
    re = toRe
    im = toIm
    toRe = r
    toIm = i
    swapped = !swapped
    factors += 4
  }
  return swapped
}

@inline function cosine(table: usize, k: i32): v128 {
  return v128.load32_splat(table + ((<usize>k) << 2))
}

@inline function sine(table: usize, k: i32, n: i32): v128 {
  return v128.load32_splat(table + ((<usize>(k + n)) << 2))
}

@inline function put(toRe: usize, toIm: usize, at: usize, re: v128, im: v128, c: v128, s: v128): void {
  v128.store(toRe + at, f32x4.sub(f32x4.mul(re, c), f32x4.mul(im, s)))
  v128.store(toIm + at, f32x4.add(f32x4.mul(re, s), f32x4.mul(im, c)))
}

function two(m: i32, stride: i32, re: usize, im: usize, toRe: usize, toIm: usize, table: usize, n: i32): void {
  const step = (<usize>(stride * m)) << 4
  const one = (<usize>stride) << 4
  for (let p = 0; p < m; p++) {
    const c = cosine(table, p * stride)
    const s = sine(table, p * stride, n)
    let from = (<usize>(p * stride)) << 4
    let to = from << 1
    for (let q = 0; q < stride; q++, from += 16, to += 16) {
      const ar = v128.load(re + from)
      const ai = v128.load(im + from)
      const br = v128.load(re + from + step)
      const bi = v128.load(im + from + step)
      v128.store(toRe + to, f32x4.add(ar, br))
      v128.store(toIm + to, f32x4.add(ai, bi))
      put(toRe, toIm, to + one, f32x4.sub(ar, br), f32x4.sub(ai, bi), c, s)
    }
  }
}

function three(m: i32, stride: i32, re: usize, im: usize, toRe: usize, toIm: usize, table: usize, n: i32): void {
  const step = (<usize>(stride * m)) << 4
  const one = (<usize>stride) << 4
  const half = f32x4.splat(0.5)
  const root = f32x4.splat(0.8660254037844386)
  for (let p = 0; p < m; p++) {
    const k = p * stride
    const c1 = cosine(table, k)
    const s1 = sine(table, k, n)
    const c2 = cosine(table, 2 * k)
    const s2 = sine(table, 2 * k, n)
    let from = (<usize>k) << 4
    let to = from * 3
    for (let q = 0; q < stride; q++, from += 16, to += 16) {
      const ar = v128.load(re + from)
      const ai = v128.load(im + from)
      const br = v128.load(re + from + step)
      const bi = v128.load(im + from + step)
      const dr = v128.load(re + from + 2 * step)
      const di = v128.load(im + from + 2 * step)
      const sr = f32x4.add(br, dr)
      const si = f32x4.add(bi, di)
      const er = f32x4.mul(root, f32x4.sub(br, dr))
      const ei = f32x4.mul(root, f32x4.sub(bi, di))
      const hr = f32x4.sub(ar, f32x4.mul(half, sr))
      const hi = f32x4.sub(ai, f32x4.mul(half, si))
      v128.store(toRe + to, f32x4.add(ar, sr))
      v128.store(toIm + to, f32x4.add(ai, si))
      put(toRe, toIm, to + one, f32x4.add(hr, ei), f32x4.sub(hi, er), c1, s1)
      put(toRe, toIm, to + 2 * one, f32x4.sub(hr, ei), f32x4.add(hi, er), c2, s2)
    }
  }
}

function four(m: i32, stride: i32, re: usize, im: usize, toRe: usize, toIm: usize, table: usize, n: i32): void {
  const step = (<usize>(stride * m)) << 4
  const one = (<usize>stride) << 4
  for (let p = 0; p < m; p++) {
    const k = p * stride
    const c1 = cosine(table, k)
    const s1 = sine(table, k, n)
    const c2 = cosine(table, 2 * k)
    const s2 = sine(table, 2 * k, n)
    const c3 = cosine(table, 3 * k)
    const s3 = sine(table, 3 * k, n)
    let from = (<usize>k) << 4
    let to = from << 2
    for (let q = 0; q < stride; q++, from += 16, to += 16) {
      const ar = v128.load(re + from)
      const ai = v128.load(im + from)
      const br = v128.load(re + from + step)
      const bi = v128.load(im + from + step)
      const cr = v128.load(re + from + 2 * step)
      const ci = v128.load(im + from + 2 * step)
      const dr = v128.load(re + from + 3 * step)
      const di = v128.load(im + from + 3 * step)
      const er = f32x4.add(ar, cr)
      const ei = f32x4.add(ai, ci)
      const fr = f32x4.sub(ar, cr)
      const fi = f32x4.sub(ai, ci)
      const gr = f32x4.add(br, dr)
      const gi = f32x4.add(bi, di)
      const hr = f32x4.sub(br, dr)
      const hi = f32x4.sub(bi, di)
      v128.store(toRe + to, f32x4.add(er, gr))
      v128.store(toIm + to, f32x4.add(ei, gi))
      put(toRe, toIm, to + one, f32x4.add(fr, hi), f32x4.sub(fi, hr), c1, s1)
      put(toRe, toIm, to + 2 * one, f32x4.sub(er, gr), f32x4.sub(ei, gi), c2, s2)
      put(toRe, toIm, to + 3 * one, f32x4.sub(fr, hi), f32x4.add(fi, hr), c3, s3)
    }
  }
}

function five(m: i32, stride: i32, re: usize, im: usize, toRe: usize, toIm: usize, table: usize, n: i32): void {
  const step = (<usize>(stride * m)) << 4
  const one = (<usize>stride) << 4
  const ca = f32x4.splat(0.30901699437494745) // cos 72°, cos 144°, sin 72°, sin 144°
  const cb = f32x4.splat(-0.8090169943749475)
  const sa = f32x4.splat(0.9510565162951535)
  const sb = f32x4.splat(0.5877852522924731)
  for (let p = 0; p < m; p++) {
    const k = p * stride
    let from = (<usize>k) << 4
    let to = from * 5
    for (let q = 0; q < stride; q++, from += 16, to += 16) {
      const ar = v128.load(re + from)
      const ai = v128.load(im + from)
      const b1 = v128.load(re + from + step)
      const i1 = v128.load(im + from + step)
      const b2 = v128.load(re + from + 2 * step)
      const i2 = v128.load(im + from + 2 * step)
      const b3 = v128.load(re + from + 3 * step)
      const i3 = v128.load(im + from + 3 * step)
      const b4 = v128.load(re + from + 4 * step)
      const i4 = v128.load(im + from + 4 * step)
      const pr = f32x4.add(b1, b4)
      const pi = f32x4.add(i1, i4)
      const qr = f32x4.add(b2, b3)
      const qi = f32x4.add(i2, i3)
      const ur = f32x4.sub(b1, b4)
      const ui = f32x4.sub(i1, i4)
      const vr = f32x4.sub(b2, b3)
      const vi = f32x4.sub(i2, i3)
      const er = f32x4.add(ar, f32x4.add(f32x4.mul(ca, pr), f32x4.mul(cb, qr)))
      const ei = f32x4.add(ai, f32x4.add(f32x4.mul(ca, pi), f32x4.mul(cb, qi)))
      const fr = f32x4.add(ar, f32x4.add(f32x4.mul(cb, pr), f32x4.mul(ca, qr)))
      const fi = f32x4.add(ai, f32x4.add(f32x4.mul(cb, pi), f32x4.mul(ca, qi)))
      const gr = f32x4.add(f32x4.mul(sa, ur), f32x4.mul(sb, vr))
      const gi = f32x4.add(f32x4.mul(sa, ui), f32x4.mul(sb, vi))
      const hr = f32x4.sub(f32x4.mul(sb, ur), f32x4.mul(sa, vr))
      const hi = f32x4.sub(f32x4.mul(sb, ui), f32x4.mul(sa, vi))
      v128.store(toRe + to, f32x4.add(ar, f32x4.add(pr, qr)))
      v128.store(toIm + to, f32x4.add(ai, f32x4.add(pi, qi)))
      put(toRe, toIm, to + one, f32x4.add(er, gi), f32x4.sub(ei, gr), cosine(table, k), sine(table, k, n))
      put(toRe, toIm, to + 2 * one, f32x4.add(fr, hi), f32x4.sub(fi, hr), cosine(table, 2 * k), sine(table, 2 * k, n))
      put(toRe, toIm, to + 3 * one, f32x4.sub(fr, hi), f32x4.add(fi, hr), cosine(table, 3 * k), sine(table, 3 * k, n))
      put(toRe, toIm, to + 4 * one, f32x4.sub(er, gi), f32x4.add(ei, gr), cosine(table, 4 * k), sine(table, 4 * k, n))
    }
  }
}

/** Every column, in place. `width` is a multiple of 4. `scratch`: 16 n vectors. */
export function fftColumns(
  re: usize, im: usize, width: i32, height: i32, table: usize, factors: usize, scratch: usize,
): void {
  const half = (<usize>height) << 4
  const row = (<usize>width) << 2
  let x: usize = 0
  // a line of the cache holds four vectors: it is fetched once for all of them
  for (; x + 64 <= row; x += 64) {
    const to = scratch
    for (let y: usize = 0, r = re + x, i = im + x, at = to; y < <usize>height; y++, r += row, i += row, at += 16) {
      for (let k: usize = 0, q = at; k < 64; k += 16, q += 4 * half) {
        v128.store(q, v128.load(r + k))
        v128.store(q + half, v128.load(i + k))
      }
    }
    let swapped = false
    for (let k: usize = 0; k < 4; k++) {
      const at = to + 4 * half * k
      swapped = lanes(height, at, at + half, at + 2 * half, at + 3 * half, table, factors)
    }
    const from = swapped ? to + 2 * half : to
    for (let y: usize = 0, r = re + x, i = im + x, at = from; y < <usize>height; y++, r += row, i += row, at += 16) {
      for (let k: usize = 0, q = at; k < 64; k += 16, q += 4 * half) {
        v128.store(r + k, v128.load(q))
        v128.store(i + k, v128.load(q + half))
      }
    }
  }
  for (; x < row; x += 16) {
    for (let y: usize = 0, from = x, to = scratch; y < <usize>height; y++, from += row, to += 16) {
      v128.store(to, v128.load(re + from))
      v128.store(to + half, v128.load(im + from))
    }
    const other = scratch + 2 * half
    const swapped = lanes(height, scratch, scratch + half, other, other + half, table, factors)
    for (let y: usize = 0, to = x, from = swapped ? other : scratch; y < <usize>height; y++, to += row, from += 16) {
      v128.store(re + to, v128.load(from))
      v128.store(im + to, v128.load(from + half))
    }
  }
}

/** Every row, in place. Width and height are multiples of 4. */
export function fftRows(
  re: usize, im: usize, width: i32, height: i32, table: usize, factors: usize, scratch: usize,
): void {
  const half = (<usize>width) << 4
  const row = (<usize>width) << 2
  const other = scratch + 2 * half
  for (let y = 0; y < height; y += 4) {
    const at = <usize>y * row
    turn(re + at, row, width, scratch)
    turn(im + at, row, width, scratch + half)
    const swapped = lanes(width, scratch, scratch + half, other, other + half, table, factors)
    const from = swapped ? other : scratch
    turnBack(from, width, re + at, row)
    turnBack(from + half, width, im + at, row)
  }
}

/** Four rows to vectors that hold one pixel of each. */
function turn(from: usize, row: usize, width: i32, to: usize): void {
  for (let x = 0; x < width; x += 4, from += 16, to += 64) {
    transpose(v128.load(from), v128.load(from + row), v128.load(from + 2 * row), v128.load(from + 3 * row), to, 16)
  }
}

function turnBack(from: usize, width: i32, to: usize, row: usize): void {
  for (let x = 0; x < width; x += 4, from += 64, to += 16) {
    transpose(v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), to, row)
  }
}

@inline function transpose(a: v128, b: v128, c: v128, d: v128, to: usize, step: usize): void {
  const e = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
  const f = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
  const g = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const h = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(e, f, 0, 1, 4, 5))
  v128.store(to + step, v128.shuffle<f32>(e, f, 2, 3, 6, 7))
  v128.store(to + 2 * step, v128.shuffle<f32>(g, h, 0, 1, 4, 5))
  v128.store(to + 3 * step, v128.shuffle<f32>(g, h, 2, 3, 6, 7))
}
