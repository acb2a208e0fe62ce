// 16 pixels of every plane into a block: scaled, masked, with NaN for what shall not count.
import { Job, Plane, planeOf, row } from './combine-job'
import { SHORTS, fourMasks, fourShorts } from './pixel-source'

/** The bits of infinity; the magnitude of NaN, as an integer, is larger. */
const INFINITE: i32 = 0x7f800000

/** Fills the blocks of values and variances from pixel `p` on; true when a value is NaN. */
export function loadBlock(job: Job, p: i32): bool {
  let bad = i32x4.splat(0)
  let largest = i32x4.splat(0)
  for (let k = 0; k < job.n; k++) {
    const from = planeOf(job, k)
    const to = row(job.values, k)
    if (from.plain) largest = i32x4.max_u(largest, loadPlain(from, p, to))
    else if (from.format == SHORTS && isBare(job, from)) bad = v128.or(bad, loadShorts(from, p, to))
    else if (from.format == SHORTS && isBareOfDark(job, from)) bad = v128.or(bad, loadNetShorts(from, p, job.bias, to))
    else bad = v128.or(bad, loadScaled(job, from, p, to))
    if (from.error) bad = v128.or(bad, loadVariance(job, from, p, to, row(job.variances, k)))
  }
  const wild = i32x4.ge_u(largest, i32x4.splat(INFINITE))
  if (v128.any_true(wild)) {
    for (let k = 0; k < job.n; k++) if (planeOf(job, k).plain) markInfinite(row(job.values, k))
    return true
  }
  return v128.any_true(bad)
}

/** Copies 16 floats, and returns the largest of their magnitudes as integers. */
// @ts-ignore: decorator
@inline
function loadPlain(from: Plane, p: i32, to: usize): v128 {
  const magnitude = i32x4.splat(0x7fffffff)
  const at = from.source + ((<usize>p) << 2)
  const a = v128.load(at)
  const b = v128.load(at, 16)
  const c = v128.load(at, 32)
  const d = v128.load(at, 48)
  v128.store(to, a)
  v128.store(to, b, 16)
  v128.store(to, c, 32)
  v128.store(to, d, 48)
  return i32x4.max_u(
    i32x4.max_u(v128.and(a, magnitude), v128.and(b, magnitude)),
    i32x4.max_u(v128.and(c, magnitude), v128.and(d, magnitude)),
  )
}

/** Integers of which every one has a finite value, whatever it is. */
// @ts-ignore: decorator
@inline
function isBare(job: Job, from: Plane): bool {
  return !(from.mask | job.bias | job.dark) && !from.hasBlank
}

/** The same less a bias. */
// @ts-ignore: decorator
@inline
function isBareOfDark(job: Job, from: Plane): bool {
  return !(from.mask | job.dark) && !from.hasBlank
}

/** 16 integers of a file; those at the ceiling become NaN. The same values as `loadScaled` gives, in half its steps. */
function loadShorts(from: Plane, p: i32, to: usize): v128 {
  const zero = f32x4.splat(from.zero)
  const offset = f32x4.splat(from.offset)
  const scale = f32x4.splat(from.scale)
  const ceiling = f32x4.splat(from.ceiling)
  const at = from.source + ((<usize>p) << 1)
  let bad = i32x4.splat(0)
  if (from.offset == 0 && from.scale == 1) {
    for (let g: usize = 0; g < 32; g += 16) {
      const v = v128.load(at + g)
      const stored = i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
      const a = f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(stored)), zero)
      const b = f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(stored)), zero)
      const full = f32x4.ge(a, ceiling)
      const alsoFull = f32x4.ge(b, ceiling)
      bad = v128.or(bad, v128.or(full, alsoFull))
      v128.store(to + (g << 1), v128.or(a, full))
      v128.store(to + (g << 1), v128.or(b, alsoFull), 16)
    }
    return bad
  }
  for (let g: usize = 0; g < 32; g += 16) {
    const v = v128.load(at + g)
    const stored = i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
    const a = f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(stored)), zero)
    const b = f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(stored)), zero)
    const full = f32x4.ge(a, ceiling)
    const alsoFull = f32x4.ge(b, ceiling)
    bad = v128.or(bad, v128.or(full, alsoFull))
    v128.store(to + (g << 1), v128.or(f32x4.mul(f32x4.sub(a, offset), scale), full)) // all bits set is a NaN
    v128.store(to + (g << 1), v128.or(f32x4.mul(f32x4.sub(b, offset), scale), alsoFull), 16)
  }
  return bad
}

/** 16 integers of a file less the bias; NaN where it has no number and at the ceiling. The values of `loadScaled` again. */
function loadNetShorts(from: Plane, p: i32, bias: usize, to: usize): v128 {
  const zero = f32x4.splat(from.zero)
  const offset = f32x4.splat(from.offset)
  const scale = f32x4.splat(from.scale)
  const ceiling = f32x4.splat(from.ceiling)
  const largest = f32x4.splat(f32.MAX_VALUE)
  const at = from.source + ((<usize>p) << 1)
  const biasAt = bias + ((<usize>p) << 2)
  let bad = i32x4.splat(0)
  for (let g: usize = 0; g < 32; g += 16) {
    const v = v128.load(at + g)
    const stored = i8x16.swizzle(v, i8x16(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))
    const a = f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(stored)), zero)
    const b = f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(stored)), zero)
    const x = f32x4.mul(f32x4.sub(f32x4.sub(a, offset), v128.load(biasAt + (g << 1))), scale)
    const y = f32x4.mul(f32x4.sub(f32x4.sub(b, offset), v128.load(biasAt + (g << 1), 16)), scale)
    const lost = v128.not(v128.and(f32x4.lt(a, ceiling), f32x4.le(f32x4.abs(x), largest)))
    const alsoLost = v128.not(v128.and(f32x4.lt(b, ceiling), f32x4.le(f32x4.abs(y), largest)))
    bad = v128.or(bad, v128.or(lost, alsoLost))
    v128.store(to + (g << 1), v128.or(x, lost))
    v128.store(to + (g << 1), v128.or(y, alsoLost), 16)
  }
  return bad
}

function markInfinite(to: usize): void {
  for (let g: usize = 0; g < 64; g += 16) {
    const v = v128.load(to + g)
    const good = f32x4.le(f32x4.abs(v), f32x4.splat(f32.MAX_VALUE))
    v128.store(to + g, v128.or(v, v128.not(good))) // all bits set is a NaN
  }
}

function loadScaled(job: Job, from: Plane, p: i32, to: usize): v128 {
  const largest = f32x4.splat(f32.MAX_VALUE)
  const zero = f32x4.splat(from.zero)
  const offset = f32x4.splat(from.offset)
  const scale = f32x4.splat(from.scale)
  const ceiling = f32x4.splat(from.ceiling)
  const darkScale = f32x4.splat(from.darkScale)
  const bits = i32x4.splat(job.maskBits)
  let bad = i32x4.splat(0)
  for (let g: usize = 0; g < 16; g += 4) {
    const first = (<usize>p) + g
    let v: v128
    let blank = i32x4.splat(0)
    if (from.format == SHORTS) {
      const stored = fourShorts(from.source + (first << 1))
      if (from.hasBlank) blank = i32x4.eq(stored, i32x4.splat(from.blank))
      v = f32x4.convert_i32x4_s(stored)
    } else {
      v = v128.load(from.source + (first << 2))
    }
    v = f32x4.add(v, zero)
    let good = v128.andnot(f32x4.lt(v, ceiling), blank)
    v = f32x4.sub(v, offset)
    if (job.bias) v = f32x4.sub(v, v128.load(job.bias + (first << 2)))
    if (job.dark) v = f32x4.sub(v, f32x4.mul(darkScale, v128.load(job.dark + (first << 2))))
    v = f32x4.mul(v, scale)
    good = v128.and(good, f32x4.le(f32x4.abs(v), largest))
    if (from.mask) {
      good = v128.and(good, i32x4.eq(v128.and(fourMasks(from.mask + (first << 1)), bits), i32x4.splat(0)))
    }
    bad = v128.or(bad, v128.not(good))
    v128.store(to + (g << 2), v128.or(v, v128.not(good)))
  }
  return bad
}

/** Squared errors; where they are weights, a sample with an error of 0 or NaN counts for nothing. */
function loadVariance(job: Job, from: Plane, p: i32, to: usize, variances: usize): v128 {
  const scale = f32x4.splat(from.scale)
  let bad = i32x4.splat(0)
  for (let g: usize = 0; g < 64; g += 16) {
    const e = f32x4.mul(v128.load(from.error + ((<usize>p) << 2) + g), scale)
    const variance = f32x4.mul(e, e)
    v128.store(variances + g, variance)
    if (!job.inverseVariance) continue
    const weightless = v128.not(
      v128.and(f32x4.gt(variance, f32x4.splat(0)), f32x4.le(variance, f32x4.splat(f32.MAX_VALUE))),
    )
    v128.store(to + g, v128.or(v128.load(to + g), weightless))
    bad = v128.or(bad, weightless)
  }
  return bad
}
