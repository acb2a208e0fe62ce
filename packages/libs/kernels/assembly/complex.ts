// Complex images, real and imaginary parts apart: what is done to them between two Fourier transforms. `n` pixels.

/** out = a b. */
export function complexProduct(ar: usize, ai: usize, br: usize, bi: usize, re: usize, im: usize, n: i32): void {
  const end = (<usize>n) << 2
  let p: usize = 0
  for (; p + 16 <= end; p += 16) {
    const a = v128.load(ar + p)
    const b = v128.load(ai + p)
    const c = v128.load(br + p)
    const d = v128.load(bi + p)
    v128.store(re + p, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, d)))
    v128.store(im + p, f32x4.add(f32x4.mul(a, d), f32x4.mul(b, c)))
  }
  for (; p < end; p += 4) {
    const a = load<f32>(ar + p)
    const b = load<f32>(ai + p)
    const c = load<f32>(br + p)
    const d = load<f32>(bi + p)
    store<f32>(re + p, a * c - b * d)
    store<f32>(im + p, a * d + b * c)
  }
}

/** out = a + i b. */
export function complexJoin(ar: usize, ai: usize, br: usize, bi: usize, re: usize, im: usize, n: i32): void {
  const end = (<usize>n) << 2
  let p: usize = 0
  for (; p + 16 <= end; p += 16) {
    v128.store(re + p, f32x4.sub(v128.load(ar + p), v128.load(bi + p)))
    v128.store(im + p, f32x4.add(v128.load(ai + p), v128.load(br + p)))
  }
  for (; p < end; p += 4) {
    store<f32>(re + p, load<f32>(ar + p) - load<f32>(bi + p))
    store<f32>(im + p, load<f32>(ai + p) + load<f32>(br + p))
  }
}

/** The transforms a and b of two real images from the transform of the one plus i times the other. */
export function complexSplit(
  re: usize, im: usize, width: i32, height: i32, ar: usize, ai: usize, br: usize, bi: usize,
): void {
  for (let y = 0; y < height; y++) {
    const row = (<usize>(y * width)) << 2
    const back = (<usize>((y === 0 ? 0 : height - y) * width)) << 2
    splitOne(re, im, row, back, ar, ai, br, bi)
    let p = row + 4
    let q = back + ((<usize>(width - 1)) << 2)
    const end = row + ((<usize>width) << 2)
    for (; p + 16 <= end; p += 16, q -= 16) {
      const x = v128.load(re + p)
      const y0 = v128.load(im + p)
      const u = reversed(v128.load(re + q - 12))
      const v = reversed(v128.load(im + q - 12))
      const half = f32x4.splat(0.5)
      v128.store(ar + p, f32x4.mul(half, f32x4.add(x, u)))
      v128.store(ai + p, f32x4.mul(half, f32x4.sub(y0, v)))
      v128.store(br + p, f32x4.mul(half, f32x4.add(y0, v)))
      v128.store(bi + p, f32x4.mul(half, f32x4.sub(u, x)))
    }
    for (; p < end; p += 4, q -= 4) splitOne(re, im, p, q, ar, ai, br, bi)
  }
}

@inline function reversed(v: v128): v128 {
  return v128.shuffle<f32>(v, v, 3, 2, 1, 0)
}

@inline function splitOne(re: usize, im: usize, p: usize, q: usize, ar: usize, ai: usize, br: usize, bi: usize): void {
  const x = load<f32>(re + p)
  const y = load<f32>(im + p)
  const u = load<f32>(re + q)
  const v = load<f32>(im + q)
  store<f32>(ar + p, (x + u) * 0.5)
  store<f32>(ai + p, (y - v) * 0.5)
  store<f32>(br + p, (y + v) * 0.5)
  store<f32>(bi + p, (u - x) * 0.5)
}

/** target += up across[x] source, row by row: `across` holds `width` floats. */
export function addWeighed(
  source: usize, width: i32, height: i32, across: usize, up: usize, target: usize,
): void {
  for (let y = 0; y < height; y++) {
    const weight = load<f32>(up + ((<usize>y) << 2))
    const w = f32x4.splat(weight)
    const row = (<usize>(y * width)) << 2
    let x: usize = 0
    const end = (<usize>width) << 2
    for (; x + 16 <= end; x += 16) {
      const at = row + x
      const value = f32x4.mul(f32x4.mul(w, v128.load(across + x)), v128.load(source + at))
      v128.store(target + at, f32x4.add(v128.load(target + at), value))
    }
    for (; x < end; x += 4) {
      const at = row + x
      store<f32>(target + at, load<f32>(target + at) + weight * load<f32>(across + x) * load<f32>(source + at))
    }
  }
}
