// An image with square bins of its pixels averaged into one.

/** `rows` rows of `columns` means of `factor` x `factor` pixels of an image of this width; NaN is left out, NaN where all are. */
export function binMean(pixels: usize, width: i32, factor: i32, columns: i32, rows: i32, out: usize): void {
  const line = (<usize>width) << 2
  for (let y = 0; y < rows; y++) {
    const from = pixels + <usize>(y * factor) * line
    const to = out + ((<usize>(y * columns)) << 2)
    let x = 0
    if (factor === 2) x = pairs(from, line, columns, to)
    for (; x < columns; x++) store<f32>(to + ((<usize>x) << 2), oneBin(from + ((<usize>(x * factor)) << 2), line, factor))
  }
}

function oneBin(from: usize, line: usize, factor: i32): f32 {
  let sum: f64 = 0
  let good = 0
  for (let v = 0; v < factor; v++, from += line) {
    for (let u = 0; u < factor; u++) {
      const value = load<f32>(from + ((<usize>u) << 2))
      if (value !== value) continue
      sum += <f64>value
      good++
    }
  }
  return <f32>(sum / <f64>good)
}

/** Bins of 2 x 2, two at a time; gives the number of those made. */
function pairs(from: usize, line: usize, columns: i32, to: usize): i32 {
  let x = 0
  for (; x + 2 <= columns; x += 2, from += 16, to += 8) {
    const low = v128.load(from)
    const high = v128.load(from + line)
    if (v128.any_true(v128.or(f32x4.ne(low, low), f32x4.ne(high, high)))) {
      store<f32>(to, oneBin(from, line, 2))
      store<f32>(to, oneBin(from + 8, line, 2), 4)
      continue
    }
    // in the order of the plain sum: along the lower row, then along the upper one
    const a = f64x2.promote_low_f32x4(v128.shuffle<f32>(low, low, 0, 2, 0, 2))
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(low, low, 1, 3, 1, 3))
    const c = f64x2.promote_low_f32x4(v128.shuffle<f32>(high, high, 0, 2, 0, 2))
    const d = f64x2.promote_low_f32x4(v128.shuffle<f32>(high, high, 1, 3, 1, 3))
    const sum = f64x2.add(f64x2.add(f64x2.add(a, b), c), d)
    v128.store64_lane(to, f32x4.demote_f64x2_zero(f64x2.mul(sum, f64x2.splat(0.25))), 0)
  }
  return x
}
