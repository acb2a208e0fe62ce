// The record that says what a combination does; libs/image/src/combine-job.ts fills it, word by word in this order.

export const MEDIAN: i32 = 0
export const MEAN: i32 = 1
export const CLIP: i32 = 2
export const TRIM: i32 = 3

/** Where a sigma comes from. */
export const NOWHERE: i32 = 0
export const FROM_ERRORS: i32 = 1
export const FROM_MODEL: i32 = 2
export const FROM_SCATTER: i32 = 3

@unmanaged
export class Job {
  planes: usize // records of 64 bytes
  n: i32
  method: i32
  errorFrom: i32
  clipFrom: i32
  clipLow: f32 // squared
  clipHigh: f32 // squared
  iterations: i32
  lowest: i32
  highest: i32
  maskBits: i32
  relative: f32
  inverseVariance: i32 // weights are 1 / variance
  uniform: i32 // planes have the same weight and the same noise model
  madFactor: usize // [count]: MAD to sigma
  loss: usize // [count]: variance of the combination over that of a mean of as many
  pairs: usize
  pairCount: i32
  middlePairs: usize // those that the middle value needs
  middlePairCount: i32
  values: usize // blocks of n x 64 bytes: the samples, NaN where there is none
  variances: usize
  distances: usize // |value - centre|
  sorted: usize
  result: usize // rows of 64 bytes, as below
  pixels: usize // where results go; 0: not wanted
  error: usize
  count: usize
  bias: usize // float32, subtracted from each plane before its scale; 0: none
  dark: usize // the same, times the plane's darkScale
  clipRelative: f32 // as `relative`, with what a clip allows besides
  allowance: usize // float32, a sigma that a clip allows for besides, pixel by pixel; 0: none
  unlike: f32 // samples may differ by so much of the value besides noise, and ordered ones tell it in their errors
}

// Rows of `result`, bytes from its start.
export const CENTRE: usize = 0
export const SPREAD: usize = 64
export const COUNT: usize = 128
export const VALUE: usize = 192
export const ERROR: usize = 256
export const SAMPLES: usize = 320 // how many samples went into the centre
export const SPARE: usize = 384
export const ALLOWED: usize = 448 // the allowance, squared
export const WHOLE: usize = 512 // sums over all planes, as combine-whole.ts has them

@unmanaged
export class Plane {
  source: usize
  format: i32
  zero: f32 // added first
  offset: f32 // then subtracted
  scale: f32 // then multiplied
  weight: f32
  mask: usize // int16; 0: none
  error: usize // float32; 0: none
  variance: f32 // model: variance + perUnit * level, in the scaled unit
  perUnit: f32
  hasBlank: i32
  blank: i32
  plain: i32 // floats, taken as they are
  darkScale: f32
  ceiling: f32 // samples at or above it, after `zero`, do not count
  spared: f32 // part of the model's variance that does not reach a trimmed mean, as noisy samples are at its ends
}

// @ts-ignore: decorator
@inline
export function planeOf(job: Job, k: i32): Plane {
  return changetype<Plane>(job.planes + ((<usize>k) << 6))
}

/** Row `k` of a block. */
// @ts-ignore: decorator
@inline
export function row(block: usize, k: i32): usize {
  return block + ((<usize>k) << 6)
}

// @ts-ignore: decorator
@inline
export function relativeVariance(relative: f32, value: v128): v128 {
  const sigma = f32x4.mul(f32x4.splat(relative), value) // not relative² value²: 0 times infinity is NaN
  return f32x4.mul(sigma, sigma)
}

/**
 * constant + perUnit · level, where the level is a value that is itself noisy, by sqrt(own). Near zero the value says
 * little about the level: it is drawn to zero, or errors of dark frames would follow the noise and be too large.
 */
// @ts-ignore: decorator
@inline
export function varianceAt(value: v128, own: v128, constant: v128, perUnit: v128): v128 {
  const bright = f32x4.pmax(f32x4.splat(0), value)
  const square = f32x4.mul(bright, bright)
  const trust = f32x4.div(square, f32x4.add(f32x4.add(square, own), f32x4.splat(1e-30)))
  return f32x4.add(constant, f32x4.mul(perUnit, f32x4.mul(bright, trust)))
}

/** Of a weighted sum of samples, by the noise models of their planes: sums of weights, of their squares, of those times the models. */
// @ts-ignore: decorator
@inline
export function modelVariance(
  job: Job, value: v128, weights: v128, weightSquares: v128, constant: v128, perUnit: v128,
): v128 {
  const own = f32x4.div(constant, f32x4.mul(weights, weights))
  const relative = f32x4.mul(weightSquares, relativeVariance(job.relative, value))
  return f32x4.add(varianceAt(value, own, constant, perUnit), relative)
}

/** Whether a model says the same variance whatever the level, as of biases; NaN and values beyond all measure are left to the model. */
// @ts-ignore: decorator
@inline
export function isConstant(job: Job, plane: Plane, value: v128): bool {
  if (plane.perUnit != 0 || job.relative != 0) return false
  return i32x4.all_true(f32x4.lt(f32x4.abs(value), f32x4.splat(1e18)))
}
