/**
 * Rows of a calibration frame on their way into a master:
 *   target = (source - pedestal[row] - bias - darkScale * dark) * scale
 * Columns x0 … x0+width of source rows that are `stride` long; rows of bias, dark and target are `targetStride` long.
 * `bias` or `dark` 0: there is none. Samples at or above `saturation` become NaN, so that no combination uses them.
 */
export function prepareStrip(
  source: usize, stride: i32, x0: i32, width: i32, rows: i32, targetStride: i32,
  pedestal: usize, bias: usize, dark: usize, darkScale: f32, scale: f32, saturation: f32, target: usize,
): void {
  const scales = f32x4.splat(scale)
  const darkScales = f32x4.splat(darkScale)
  const limits = f32x4.splat(saturation)
  const nan = f32x4.splat(NaN)
  for (let y = 0; y < rows; y++) {
    const level = load<f32>(pedestal + ((<usize>y) << 2))
    const levels = f32x4.splat(level)
    let from = source + ((<usize>(y * stride + x0)) << 2)
    const skip = (<usize>(y * targetStride)) << 2
    let b = bias + skip
    let d = dark + skip
    let to = target + skip
    let x = 0
    for (; x + 4 <= width; x += 4) {
      const raw = v128.load(from)
      let v = f32x4.sub(raw, levels)
      if (bias) v = f32x4.sub(v, v128.load(b))
      if (dark) v = f32x4.sub(v, f32x4.mul(darkScales, v128.load(d)))
      v = f32x4.mul(v, scales)
      v128.store(to, v128.bitselect(nan, v, f32x4.ge(raw, limits)))
      from += 16; b += 16; d += 16; to += 16
    }
    for (; x < width; x++) {
      const raw = load<f32>(from)
      let v: f32 = raw - level
      if (bias) v -= load<f32>(b)
      if (dark) v -= darkScale * load<f32>(d)
      store<f32>(to, raw >= saturation ? <f32>NaN : v * scale)
      from += 4; b += 4; d += 4; to += 4
    }
  }
}
