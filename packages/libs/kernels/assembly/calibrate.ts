// A raw frame made into a calibrated one, with its error and mask, in one pass.
import { varianceAt } from './combine-job'
import { SHORTS, fourFloats, fourMasks, fourShorts, oneNaN } from './pixel-source'

const SATURATED: i32 = 2
const NO_DATA: i32 = 8
const LOW_RESPONSE: i32 = 32

/** What is to be done; libs/image/src/calibrate.ts fills it, word by word in this order. Address 0: there is none. */
@unmanaged
class Calibration {
  source: usize
  format: i32
  zero: f32
  hasBlank: i32
  blank: i32
  width: i32
  overscan: usize // one level a row
  bias: usize
  biasError: usize
  biasWeight: f32 // of the variance of the bias
  linearity: usize // coefficients
  terms: i32
  dark: usize
  darkError: usize
  darkScale: f32
  flat: usize
  flatError: usize
  minimumFlat: f32
  perElectron: f32 // 1 / gain
  readVariance: f32 // ADU²
  scale: f32
  saturation: f32
  mask: usize
  signal: usize
  pixels: usize
  error: usize
  bits: usize
  turned: i32 // bias, dark and flat are big-endian
}

/** Calibrates pixels 0 to `n` of the arrays; the first is pixel `first` of the frame, which says what row it is in. */
export function calibrate(address: usize, first: i32, n: i32): void {
  const job = changetype<Calibration>(address)
  let p = 0
  while (p < n) {
    const row = (first + p) / job.width
    const end = min<i32>(n, (row + 1) * job.width - first)
    const level = job.overscan ? load<f32>(job.overscan + ((<usize>row) << 2)) : <f32>0
    if (job.turned != 0) {
      if (job.format == SHORTS && job.terms == 0 && job.error == 0) p = calibrateStored(job, p, end, level)
    } else if (job.format != SHORTS && job.terms == 0 && (job.error == 0 || job.signal != 0)) {
      p = calibrateMost(job, p, end, level)
    }
    for (; p < end; p += 4) calibrateFour(job, p, min<i32>(4, end - p), level)
    p = end
  }
}

/**
 * What `calibrateFour` does, for the common case: floats, linear, with an expected signal where there is an error. Four
 * pixels at a time while there are four; returns the next pixel.
 */
function calibrateMost(job: Calibration, start: i32, end: i32, level: f32): i32 {
  const raws = job.source
  const biases = job.bias
  const darks = job.dark
  const flats = job.flat
  const signals = job.signal
  const biasErrors = job.biasError
  const darkErrors = job.darkError
  const flatErrors = job.flatError
  const pixels = job.pixels
  const errors = job.error
  const levels = f32x4.splat(level)
  const darkScale = f32x4.splat(job.darkScale)
  const scale = f32x4.splat(job.scale)
  const zero = f32x4.splat(0)
  const nan = f32x4.splat(NaN)
  const largest = f32x4.splat(f32.MAX_VALUE)
  const readVariance = f32x4.splat(job.readVariance)
  const least = f32x4.splat(<f32>0.25 * job.readVariance)
  const perElectron = f32x4.splat(job.perElectron)
  const biasWeight = f32x4.splat(job.biasWeight)
  const bits = job.bits
  let flat = f32x4.splat(1)
  let p = start
  for (; p + 4 <= end; p += 4) {
    const at = (<usize>p) << 2
    const raw = v128.load(raws + at)
    let net = f32x4.sub(raw, levels)
    if (biases) net = f32x4.sub(net, v128.load(biases + at))
    if (darks) net = f32x4.sub(net, f32x4.mul(darkScale, v128.load(darks + at)))
    let result = net
    if (flats) {
      flat = v128.load(flats + at)
      result = f32x4.div(net, v128.or(flat, v128.not(f32x4.gt(flat, zero))))
    }
    const scaled = f32x4.mul(result, scale)
    const good = f32x4.le(f32x4.abs(scaled), largest)
    if (errors) {
      const photons = f32x4.mul(v128.load(signals + at), perElectron)
      let variance = f32x4.pmax(least, f32x4.add(readVariance, photons))
      if (biasErrors) variance = f32x4.add(variance, f32x4.mul(biasWeight, square(v128.load(biasErrors + at))))
      if (darkErrors) variance = f32x4.add(variance, square(f32x4.mul(darkScale, v128.load(darkErrors + at))))
      if (flatErrors) variance = f32x4.add(variance, square(f32x4.mul(result, v128.load(flatErrors + at))))
      const error = f32x4.div(f32x4.mul(f32x4.sqrt(variance), scale), flat)
      v128.store(errors + at, oneNaN(v128.bitselect(error, nan, good)))
    }
    if (bits) storeBits(job, p, 4, raw, flat, good)
    v128.store(pixels + at, v128.bitselect(scaled, nan, good))
  }
  return p
}

/** What `calibrateFour` does with raw frame and masters as they stand in their files, linear and without errors; as above. */
function calibrateStored(job: Calibration, start: i32, end: i32, level: f32): i32 {
  const biases = job.bias
  const darks = job.dark
  const flats = job.flat
  const pixels = job.pixels
  const levels = f32x4.splat(level)
  const darkScale = f32x4.splat(job.darkScale)
  const scale = f32x4.splat(job.scale)
  const zero = f32x4.splat(0)
  const nan = f32x4.splat(NaN)
  const largest = f32x4.splat(f32.MAX_VALUE)
  const bits = job.bits
  let flat = f32x4.splat(1)
  let p = start
  for (; p + 4 <= end; p += 4) {
    const at = (<usize>p) << 2
    const raw = rawValues(job, p)
    let net = f32x4.sub(raw, levels)
    if (biases) net = f32x4.sub(net, fourFloats(biases + at))
    if (darks) net = f32x4.sub(net, f32x4.mul(darkScale, fourFloats(darks + at)))
    let result = net
    if (flats) {
      flat = fourFloats(flats + at)
      result = f32x4.div(net, v128.or(flat, v128.not(f32x4.gt(flat, zero))))
    }
    const scaled = f32x4.mul(result, scale)
    const good = f32x4.le(f32x4.abs(scaled), largest)
    if (bits) storeBits(job, p, 4, raw, flat, good)
    v128.store(pixels + at, v128.bitselect(scaled, nan, good))
  }
  return p
}

// @ts-ignore: decorator
@inline
function master(job: Calibration, at: usize): v128 {
  return job.turned ? fourFloats(at) : v128.load(at)
}

/** Pixels `p` to `p + some`, at most four. */
function calibrateFour(job: Calibration, p: i32, some: i32, level: f32): void {
  const at = (<usize>p) << 2
  const zero = f32x4.splat(0)
  const nan = f32x4.splat(NaN)
  const raw = rawValues(job, p)
  let net = f32x4.sub(raw, f32x4.splat(level))
  if (job.bias) net = f32x4.sub(net, master(job, job.bias + at))
  const bright = net
  let slope = f32x4.splat(1)
  if (job.terms) {
    slope = derivative(job, net)
    net = linear(job, net)
  }
  if (job.dark) net = f32x4.sub(net, f32x4.mul(f32x4.splat(job.darkScale), master(job, job.dark + at)))
  let flat = f32x4.splat(1)
  let result = net
  if (job.flat) {
    flat = master(job, job.flat + at)
    // no response: nothing can be said
    result = f32x4.div(net, v128.or(flat, v128.not(f32x4.gt(flat, zero))))
  }
  const scaled = f32x4.mul(result, f32x4.splat(job.scale))
  const good = f32x4.le(f32x4.abs(scaled), f32x4.splat(f32.MAX_VALUE))
  if (job.error) {
    let variance = f32x4.splat(job.readVariance)
    if (job.signal) {
      // a smooth signal is right on the average, below zero too: only far below is it cut
      const photons = f32x4.mul(v128.load(job.signal + at), f32x4.splat(job.perElectron))
      variance = f32x4.pmax(f32x4.splat(<f32>0.25 * job.readVariance), f32x4.add(variance, photons))
    } else {
      variance = varianceAt(bright, variance, variance, f32x4.splat(job.perElectron))
    }
    if (job.biasError) {
      const own = square(v128.load(job.biasError + at))
      variance = f32x4.add(variance, f32x4.mul(f32x4.splat(job.biasWeight), own))
    }
    if (job.terms) variance = f32x4.mul(variance, square(slope))
    if (job.darkError) {
      variance = f32x4.add(variance, square(f32x4.mul(f32x4.splat(job.darkScale), v128.load(job.darkError + at))))
    }
    if (job.flatError) variance = f32x4.add(variance, square(f32x4.mul(result, v128.load(job.flatError + at))))
    const error = f32x4.div(f32x4.mul(f32x4.sqrt(variance), f32x4.splat(job.scale)), flat)
    storeFew(job.error + at, oneNaN(v128.bitselect(error, nan, good)), some)
  }
  if (job.bits) storeBits(job, p, some, raw, flat, good)
  storeFew(job.pixels + at, v128.bitselect(scaled, nan, good), some)
}

// @ts-ignore: decorator
@inline
function rawValues(job: Calibration, p: i32): v128 {
  if (job.format != SHORTS) return v128.load(job.source + ((<usize>p) << 2))
  const stored = fourShorts(job.source + ((<usize>p) << 1))
  const value = f32x4.add(f32x4.convert_i32x4_s(stored), f32x4.splat(job.zero))
  if (!job.hasBlank) return value
  return v128.or(value, i32x4.eq(stored, i32x4.splat(job.blank))) // all bits set is a NaN
}

/** net (1 + c0 net + c1 net² …) */
function linear(job: Calibration, net: v128): v128 {
  let sum = f32x4.splat(0)
  for (let i = job.terms - 1; i >= 0; i--) {
    sum = f32x4.mul(net, f32x4.add(v128.load32_splat(job.linearity + ((<usize>i) << 2)), sum))
  }
  return f32x4.add(net, f32x4.mul(net, sum))
}

/** 1 + 2 c0 net + 3 c1 net² … */
function derivative(job: Calibration, net: v128): v128 {
  let sum = f32x4.splat(0)
  for (let i = job.terms - 1; i >= 0; i--) {
    const c = f32x4.splat(load<f32>(job.linearity + ((<usize>i) << 2)) * <f32>(i + 2))
    sum = f32x4.mul(net, f32x4.add(c, sum))
  }
  return f32x4.add(f32x4.splat(1), sum)
}

// @ts-ignore: decorator
@inline
function square(v: v128): v128 {
  return f32x4.mul(v, v)
}

// @ts-ignore: decorator
@inline
function storeFew(to: usize, v: v128, some: i32): void {
  if (some == 4) {
    v128.store(to, v)
    return
  }
  store<f32>(to, f32x4.extract_lane(v, 0))
  if (some > 1) store<f32>(to, f32x4.extract_lane(v, 1), 4)
  if (some > 2) store<f32>(to, f32x4.extract_lane(v, 2), 8)
}

// @ts-ignore: decorator
@inline
function storeBits(job: Calibration, p: i32, some: i32, raw: v128, flat: v128, good: v128): void {
  const at = (<usize>p) << 1
  let bits = job.mask ? fourMasks(job.mask + at) : i32x4.splat(0)
  bits = v128.or(bits, v128.and(f32x4.ge(raw, f32x4.splat(job.saturation)), i32x4.splat(SATURATED)))
  bits = v128.or(bits, v128.andnot(i32x4.splat(LOW_RESPONSE), f32x4.ge(flat, f32x4.splat(job.minimumFlat))))
  bits = v128.or(bits, v128.andnot(i32x4.splat(NO_DATA), good))
  const packed = i16x8.narrow_i32x4_s(bits, bits)
  if (some == 4) {
    v128.store64_lane(job.bits + at, packed, 0)
    return
  }
  store<i16>(job.bits + at, <i16>i16x8.extract_lane_s(packed, 0))
  if (some > 1) store<i16>(job.bits + at, <i16>i16x8.extract_lane_s(packed, 1), 2)
  if (some > 2) store<i16>(job.bits + at, <i16>i16x8.extract_lane_s(packed, 2), 4)
}
