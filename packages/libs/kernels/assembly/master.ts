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

/** mask |= other & bits. */
export function inheritFlags(mask: usize, other: usize, bits: i32, n: i32): void {
  const wanted = i16x8.splat(<i16>bits)
  // The last vector may reach past the end: every array in kernel memory has 16 bytes to spare.
  for (let p: usize = 0; p < (<usize>n) << 1; p += 16) {
    v128.store(mask + p, v128.or(v128.load(mask + p), v128.and(v128.load(other + p), wanted)))
  }
}

/**
 * Statistics of the pixels whose mask is 0: into `sums` (float64) their number, sum and sum of squares of the distance
 * from `centre`, and, of all pixels, the sum of `count`, added to what is there; into `histogram` (uint32) of `bins` bins
 * from `low`, `perUnit` to the unit, the ends taking what lies beyond. `spare` holds three times as many bins.
 */
export function tallyStrip(
  pixels: usize, mask: usize, count: usize, n: i32, centre: f64, low: f32, perUnit: f32, bins: i32, histogram: usize,
  spare: usize, sums: usize,
): void {
  let good = 0
  let sum: f64 = 0
  let squares: f64 = 0
  let counted: i64 = 0
  const tops = f32x4.splat(<f32>(bins - 1))
  const lows = f32x4.splat(low)
  const scales = f32x4.splat(perUnit)
  const centres = f64x2.splat(centre)
  let sums2 = f64x2.splat(0)
  let squares2 = f64x2.splat(0)
  // Neighbours are much alike: each lane counts for itself, or the next would wait for what the one before has written.
  const size = (<usize>bins) << 2
  const third = spare + size
  const fourth = third + size
  memory.fill(spare, 0, 3 * size)
  let p = 0
  while (p + 4 <= n) {
    let pairs = i32x4.splat(0)
    const stop = min<i32>(n - 3, p + (4 << 13)) // before the sums of counts overflow
    for (; p < stop; p += 4) {
      const at = (<usize>p) << 1
      pairs = i32x4.add(pairs, i32x4.extadd_pairwise_i16x8_u(v128.load64_zero(count + at)))
      if (load<u64>(mask + at) != 0) {
        for (let k = p; k < p + 4; k++) {
          if (load<i16>(mask + ((<usize>k) << 1)) != 0) continue
          const v = load<f32>(pixels + ((<usize>k) << 2))
          const d = <f64>v - centre
          good++
          sum += d
          squares += d * d
          countIn(histogram, binOf(v, low, perUnit, bins))
        }
        continue
      }
      const v = v128.load(pixels + ((<usize>p) << 2))
      const a = f64x2.sub(f64x2.promote_low_f32x4(v), centres)
      const b = f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<u64>(v, v, 1, 0)), centres)
      good += 4
      sums2 = f64x2.add(sums2, f64x2.add(a, b))
      squares2 = f64x2.add(squares2, f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)))
      const place = f32x4.min(tops, f32x4.max(f32x4.splat(0), f32x4.mul(f32x4.sub(v, lows), scales)))
      const bin = i32x4.trunc_sat_f32x4_s(place)
      countIn(histogram, i32x4.extract_lane(bin, 0))
      countIn(spare, i32x4.extract_lane(bin, 1))
      countIn(third, i32x4.extract_lane(bin, 2))
      countIn(fourth, i32x4.extract_lane(bin, 3))
    }
    counted += <i64>i32x4.extract_lane(pairs, 0) + <i64>i32x4.extract_lane(pairs, 1)
  }
  for (; p < n; p++) {
    counted += load<u16>(count + ((<usize>p) << 1))
    if (load<i16>(mask + ((<usize>p) << 1)) != 0) continue
    const v = load<f32>(pixels + ((<usize>p) << 2))
    const d = <f64>v - centre
    good++
    sum += d
    squares += d * d
    countIn(histogram, binOf(v, low, perUnit, bins))
  }
  for (let bin: usize = 0; bin < size; bin += 4) {
    const more = load<u32>(spare + bin) + load<u32>(third + bin) + load<u32>(fourth + bin)
    store<u32>(histogram + bin, load<u32>(histogram + bin) + more)
  }
  sum += f64x2.extract_lane(sums2, 0) + f64x2.extract_lane(sums2, 1)
  squares += f64x2.extract_lane(squares2, 0) + f64x2.extract_lane(squares2, 1)
  store<f64>(sums, load<f64>(sums) + <f64>good)
  store<f64>(sums, load<f64>(sums, 8) + sum, 8)
  store<f64>(sums, load<f64>(sums, 16) + squares, 16)
  store<f64>(sums, load<f64>(sums, 24) + <f64>counted, 24)
}

// @ts-ignore: decorator
@inline
function binOf(v: f32, low: f32, perUnit: f32, bins: i32): i32 {
  return <i32>min<f32>(<f32>(bins - 1), max<f32>(0, (v - low) * perUnit))
}

// @ts-ignore: decorator
@inline
function countIn(histogram: usize, bin: i32): void {
  const at = histogram + ((<usize>bin) << 2)
  store<u32>(at, load<u32>(at) + 1)
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

/**
 * Errors that the photons of the surroundings make, in the place of those of a pixel's own value, which has noise of its
 * own: error² += perUnit (level - value) / count, negative levels and values being 0, where the value is within 4 errors
 * of `levels` of its `segment` columns.
 */
export function evenErrors(
  error: usize, pixels: usize, count: usize, columns: i32, rows: i32, segment: i32, levels: usize, perUnit: f32,
): void {
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const p = <usize>(y * columns + x)
      const n = load<u16>(count + (p << 1))
      const level = load<f32>(levels + ((<usize>(x / segment)) << 2))
      const v = load<f32>(pixels + (p << 2))
      const e = load<f32>(error + (p << 2))
      if (n == 0 || !(abs<f32>(v - level) < 4 * e)) continue
      const excess = max<f32>(0, level) - max<f32>(0, v)
      store<f32>(error + (p << 2), sqrt<f32>(max<f32>(0, e * e + (perUnit * excess) / <f32>n)))
    }
  }
}
