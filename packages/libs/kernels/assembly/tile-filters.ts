// What is done to the pixels of a tile of a difference between two Fourier transforms. Planes are float32, n pixels.

// @ts-ignore: decorator
@inline
function wide(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at))
}

// @ts-ignore: decorator
@inline
function put(at: usize, pair: v128): void {
  v128.store64_lane(at, f32x4.demote_f64x2_zero(pair), 0)
}

/** values /= by. */
export function divideFloats(at: usize, n: i32, by: f32): void {
  const end = at + ((<usize>n) << 2)
  const w = f32x4.splat(by)
  for (; at + 16 <= end; at += 16) v128.store(at, f32x4.div(v128.load(at), w))
  for (; at < end; at += 4) store<f32>(at, load<f32>(at) / by)
}

/** Each value by itself. */
export function squareFloats(at: usize, n: i32): void {
  const end = at + ((<usize>n) << 2)
  for (; at + 16 <= end; at += 16) v128.store(at, f32x4.mul(v128.load(at), v128.load(at)))
  for (; at < end; at += 4) store<f32>(at, load<f32>(at) * load<f32>(at))
}

/** No value is above `most`; NaN stays. */
export function limitFloats(at: usize, n: i32, most: f32): void {
  const end = at + ((<usize>n) << 2)
  const limit = f32x4.splat(most)
  for (; at + 16 <= end; at += 16) v128.store(at, f32x4.pmin(v128.load(at), limit))
  for (; at < end; at += 4) if (load<f32>(at) > most) store<f32>(at, most)
}

/** out = a b + c d, complex. n is a multiple of 4. */
export function complexSum(
  ar: usize, ai: usize, br: usize, bi: usize, cr: usize, ci: usize, dr: usize, di: usize, re: usize, im: usize, n: i32,
): void {
  const end = (<usize>n) << 2
  for (let p: usize = 0; p < end; p += 16) {
    const a = v128.load(ar + p)
    const b = v128.load(ai + p)
    const c = v128.load(br + p)
    const d = v128.load(bi + p)
    const e = v128.load(cr + p)
    const f = v128.load(ci + p)
    const g = v128.load(dr + p)
    const h = v128.load(di + p)
    const one = f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, d))
    const two = f32x4.add(f32x4.mul(a, d), f32x4.mul(b, c))
    v128.store(re + p, f32x4.add(one, f32x4.sub(f32x4.mul(e, g), f32x4.mul(f, h))))
    v128.store(im + p, f32x4.add(two, f32x4.add(f32x4.mul(e, h), f32x4.mul(f, g))))
  }
}

/**
 * The filters of a difference whose noise has the power broad + sharp |K|²: `white` makes it white (and keeps it as it is
 * at frequency 0), `match` is the matched filter for the point spread besides. Returns Σ |point|² times the flattening. n is a
 * multiple of 4.
 */
export function whiteFilters(
  kr: usize, ki: usize, pr: usize, pi: usize, sharp: f64, broad: f64, white: usize, mr: usize, mi: usize, n: i32,
): f64 {
  const end = (<usize>n) << 2
  const start = <f64>load<f32>(kr)
  const top = f64x2.splat(broad + sharp * (start * start))
  const s = f64x2.splat(sharp)
  const b = f64x2.splat(broad)
  let norm = f64x2.splat(0)
  for (let p: usize = 0; p < end; p += 8) {
    const kx = wide(kr + p)
    const ky = wide(ki + p)
    const power = f64x2.add(b, f64x2.mul(s, f64x2.add(f64x2.mul(kx, kx), f64x2.mul(ky, ky))))
    const flattening = f64x2.div(top, power)
    put(white + p, f64x2.sqrt(flattening))
    const px = wide(pr + p)
    const py = wide(pi + p)
    put(mr + p, f64x2.mul(flattening, px))
    put(mi + p, f64x2.neg(f64x2.mul(flattening, py)))
    norm = f64x2.add(norm, f64x2.mul(flattening, f64x2.add(f64x2.mul(px, px), f64x2.mul(py, py))))
  }
  return f64x2.extract_lane(norm, 0) + f64x2.extract_lane(norm, 1)
}

/** out = broad - matched; 0 where the variance is 0 (beyond the image), and where `blank` is not 0. */
export function tileResidual(broad: usize, matched: usize, variance: usize, blank: usize, out: usize, n: i32): void {
  const end = (<usize>n) << 2
  let p: usize = 0
  for (; p + 16 <= end; p += 16) {
    const difference = f32x4.sub(v128.load(broad + p), v128.load(matched + p))
    const inside = f32x4.ne(v128.load(variance + p), f32x4.splat(0))
    const bytes = v128.load32_zero(blank + (p >> 2))
    const bits = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes))
    const seen = v128.and(inside, i32x4.eq(bits, i32x4.splat(0)))
    v128.store(out + p, v128.and(difference, seen))
  }
  for (; p < end; p += 4) {
    const unseen = load<f32>(variance + p) == 0 || load<u8>(blank + (p >> 2)) != 0
    store<f32>(out + p, unseen ? 0 : load<f32>(broad + p) - load<f32>(matched + p))
  }
}

/**
 * Takes the polynomial with coefficients `along` (degree + 1 of them, float64) of `place` (n float64) off a row of pixels,
 * but where the variance is 0 or `blank` is not.
 */
export function subtractPolynomial(
  pixels: usize, variance: usize, blank: usize, place: usize, along: usize, degree: i32, n: i32,
): void {
  for (let x = 0; x < n; x++) {
    const at = (<usize>x) << 2
    if (load<f32>(variance + at) == 0 || load<u8>(blank + <usize>x) != 0) continue
    const u = load<f64>(place + ((<usize>x) << 3))
    let value: f64 = 0
    for (let i = degree; i >= 0; i--) value = value * u + load<f64>(along + ((<usize>i) << 3))
    store<f32>(pixels + at, <f32>(<f64>load<f32>(pixels + at) - value))
  }
}

/**
 * A row of a filtered tile in the unit of the new image, into five rows of `out`, each `stride` floats after the other:
 * difference, error, score, error of a flux, flux of the stars. Signals and variances are complex: those of the filtered
 * difference, and, as imaginary part, of the stars and of the difference. `factors`: n float64, or 0 for 1.
 */
export function finishTileRow(
  white: usize, signals: usize, stars: usize, signalVariance: usize, variance: usize, factors: usize, norm: f64, n: i32,
  out: usize, stride: i32,
): void {
  const line = (<usize>stride) << 2
  for (let x = 0; x < n; x++) {
    const at = (<usize>x) << 2
    const factor: f64 = factors ? load<f64>(factors + ((<usize>x) << 3)) : 1
    const size = abs<f64>(factor)
    const sigma = sqrt<f64>(max<f64>(<f64>load<f32>(signalVariance + at), 1e-30))
    let to = out + at
    store<f32>(to, <f32>(factor * <f64>load<f32>(white + at)))
    to += line
    store<f32>(to, <f32>(size * sqrt<f64>(max<f64>(0, <f64>load<f32>(variance + at)))))
    to += line
    const signal = <f64>load<f32>(signals + at)
    store<f32>(to, <f32>((factor < 0 ? -signal : signal) / sigma))
    to += line
    store<f32>(to, <f32>((size * sigma) / norm))
    to += line
    store<f32>(to, <f32>((size * <f64>load<f32>(stars + at)) / norm))
  }
}
