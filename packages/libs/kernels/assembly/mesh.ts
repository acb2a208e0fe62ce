// Level and noise of the meshes of an image.
import { clippedStatistics } from './clipped-statistics'
import { fourMasks } from './pixel-source'

/**
 * One row of `columns` meshes: `rows` rows of `width` pixels. Per mesh, what clippedStatistics finds of the pixels that
 * are finite and have none of `maskBits` in `mask` (0: no mask): seven float64 into `results`. `scratch` holds the
 * largest mesh twice, and 64 floats more.
 */
export function meshStatistics(
  pixels: usize, mask: usize, maskBits: i32, width: i32, rows: i32, columns: i32, clip: f64, factor: f64,
  iterations: i32, scratch: usize, results: usize,
): void {
  for (let i = 0; i < columns; i++) {
    const x0 = <i32>((<i64>i * width) / columns)
    const x1 = <i32>((<i64>(i + 1) * width) / columns)
    const n = (x1 - x0) * rows
    let to = scratch
    for (let y = 0; y < rows; y++) {
      copyRow(pixels, mask, maskBits, y * width + x0, x1 - x0, to)
      to += (<usize>(x1 - x0)) << 2
    }
    const buffer = (to + 31) & ~15
    clippedStatistics(scratch, n, clip, factor, iterations, 1, buffer, max<i32>(n, 64), results + <usize>(56 * i))
  }
}

/** Copies `n` pixels from pixel `p` on, NaN for masked ones. May write up to three values too many. */
function copyRow(pixels: usize, mask: usize, maskBits: i32, p: i32, n: i32, to: usize): void {
  const from = pixels + ((<usize>p) << 2)
  const zero = i32x4.splat(0)
  const bits = i32x4.splat(maskBits)
  const masks = mask + ((<usize>p) << 1)
  for (let x: usize = 0; x < <usize>n; x += 4) {
    let v = v128.load(from + (x << 2))
    if (mask) v = v128.or(v, i32x4.ne(v128.and(fourMasks(masks + (x << 1)), bits), zero))
    v128.store(to + (x << 2), v)
  }
}
