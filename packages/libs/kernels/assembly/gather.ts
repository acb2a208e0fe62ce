// One number of each of many records, in a row.

/** Of `count` records of `bytes` the float64 at their start. */
export function gatherDoubles(from: usize, bytes: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i++, from += bytes, to += 8) store<f64>(to, load<f64>(from))
}

export function gatherFloats(from: usize, bytes: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i++, from += bytes, to += 4) store<f32>(to, <f32>load<f64>(from))
}

/** Whole numbers of 32 bits, kept as float64. */
export function gatherIntegers(from: usize, bytes: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i++, from += bytes, to += 4) store<i32>(to, <i32>load<f64>(from))
}
