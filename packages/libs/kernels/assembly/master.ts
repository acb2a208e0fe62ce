/**
 * The mask of a strip of a master, judged against bounds that hold for `segment` columns each. Per segment three values:
 * below the first or above the second a pixel is bad (1), between the first and the third of low response (32). NaN, or
 * no sample at all, is no data (8). What `mask` holds already stays. Adds to `counts` (bad, above, low, no data; int32).
 */
export function flagStrip(
  pixels: usize, count: usize, columns: i32, rows: i32, segment: i32, bounds: usize, mask: usize, counts: usize,
): void {
  for (let y = 0; y < rows; y++) {
    for (let x0 = 0; x0 < columns; x0 += segment) {
      const bound = bounds + <usize>(x0 / segment) * 12
      const low = load<f32>(bound)
      const high = load<f32>(bound, 4)
      const weak = load<f32>(bound, 8)
      const floor = f32x4.splat(max<f32>(low, weak))
      const ceiling = f32x4.splat(high)
      const end = min<i32>(columns, x0 + segment)
      let x = x0
      while (x < end) {
        const p = <usize>(y * columns + x)
        if (x + 4 <= end) {
          const v = v128.load(pixels + (p << 2))
          const inside = v128.and(f32x4.ge(v, floor), f32x4.le(v, ceiling))
          const counted = i16x8.all_true(v128.or(v128.load64_zero(count + (p << 1)), i16x8(0, 0, 0, 0, 1, 1, 1, 1)))
          if (i32x4.all_true(inside) && counted && load<u64>(mask + (p << 1)) == 0) {
            x += 4
            continue
          }
        }
        const stop = min<i32>(end, x + 4)
        for (; x < stop; x++) flagPixel(pixels, count, <usize>(y * columns + x), low, high, weak, mask, counts)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function flagPixel(pixels: usize, count: usize, p: usize, low: f32, high: f32, weak: f32, mask: usize, counts: usize): void {
  const v = load<f32>(pixels + (p << 2))
  let bits = <i32>load<i16>(mask + (p << 1))
  if (load<u16>(count + (p << 1)) == 0 || v != v) {
    bits |= 8
    add(counts, 12)
  } else if (v > high) {
    bits |= 1
    add(counts, 4)
  } else if (v < low) {
    bits |= 1
  } else if (v < weak) {
    bits |= 32
    add(counts, 8)
  }
  if (bits & 1) add(counts, 0)
  store<i16>(mask + (p << 1), <i16>bits)
}

// @ts-ignore: decorator
@inline
function add(counts: usize, offset: usize): void {
  store<i32>(counts + offset, load<i32>(counts + offset) + 1)
}

/**
 * Statistics of the pixels whose mask is 0: into `sums` (float64) their number, sum and sum of squares of the distance
 * from `centre`, added to what is there; into `histogram` (uint32) of `bins` bins from `low`, `perUnit` to the unit, the
 * ends taking what lies beyond.
 */
export function tallyStrip(
  pixels: usize, mask: usize, n: i32, centre: f64, low: f32, perUnit: f32, bins: i32, histogram: usize, sums: usize,
): void {
  let good = 0
  let sum: f64 = 0
  let squares: f64 = 0
  const last = <f32>(bins - 1)
  for (let p = 0; p < n; p++) {
    if (load<i16>(mask + ((<usize>p) << 1)) != 0) continue
    const v = load<f32>(pixels + ((<usize>p) << 2))
    const d = <f64>v - centre
    good++
    sum += d
    squares += d * d
    const bin = <usize>min<f32>(last, max<f32>(0, (v - low) * perUnit))
    const at = histogram + (bin << 2)
    store<u32>(at, load<u32>(at) + 1)
  }
  store<f64>(sums, load<f64>(sums) + <f64>good)
  store<f64>(sums, load<f64>(sums, 8) + sum, 8)
  store<f64>(sums, load<f64>(sums, 16) + squares, 16)
}

/** error = √(error² + (aFactor a)² + (bFactor b)²); `a` or `b` 0: there is none. */
export function joinErrors(error: usize, a: usize, aFactor: f32, b: usize, bFactor: f32, n: i32): void {
  const fa = f32x4.splat(aFactor)
  const fb = f32x4.splat(bFactor)
  // The last vector may reach past the end: every array in kernel memory has 16 bytes to spare.
  for (let p: usize = 0; p < (<usize>n) << 2; p += 16) {
    const e = v128.load(error + p)
    let variance = f32x4.mul(e, e)
    if (a) {
      const x = f32x4.mul(fa, v128.load(a + p))
      variance = f32x4.add(variance, f32x4.mul(x, x))
    }
    if (b) {
      const x = f32x4.mul(fb, v128.load(b + p))
      variance = f32x4.add(variance, f32x4.mul(x, x))
    }
    v128.store(error + p, f32x4.sqrt(variance))
  }
}
