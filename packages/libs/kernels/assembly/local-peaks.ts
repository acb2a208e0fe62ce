// Where an image is highest.

/**
 * Local maxima of 3 x 3 pixels above a limit that belongs to squares of `tile` x `tile` pixels, `columns` of them in a
 * row; of equal neighbours the first counts. Writes up to `capacity` pixel numbers to `list`; returns how many there are.
 * Pixels of the outermost `edge` rows and columns are none.
 */
export function localPeaks(
  pixels: usize, width: i32, height: i32, limits: usize, tile: i32, columns: i32, edge: i32, list: usize, capacity: i32,
): i32 {
  let count = 0
  const stride = (<usize>width) << 2
  for (let y = edge; y < height - edge; y++) {
    const row = pixels + (<usize>y) * stride
    const limitRow = limits + ((<usize>((y / tile) * columns)) << 2)
    let x = edge
    while (x < width - edge) {
      const square = x / tile
      const limit = load<f32>(limitRow + ((<usize>square) << 2))
      const end = min<i32>((square + 1) * tile, width - edge)
      const limits4 = f32x4.splat(limit)
      while (x < end) {
        if (x + 8 <= end) {
          const at = row + ((<usize>x) << 2)
          const above = v128.or(f32x4.gt(v128.load(at), limits4), f32x4.gt(v128.load(at, 16), limits4))
          if (!v128.any_true(above)) {
            x += 8
            continue
          }
        }
        const last = min<i32>(x + 8, end)
        for (; x < last; x++) {
          const at = row + ((<usize>x) << 2)
          const value = load<f32>(at)
          if (!(value > limit && value > load<f32>(at - 4) && value >= load<f32>(at + 4))) continue
          const low = at - stride
          const high = at + stride
          if (!(value > load<f32>(low) && value > load<f32>(low - 4) && value > load<f32>(low + 4))) continue
          if (!(value >= load<f32>(high) && value >= load<f32>(high - 4) && value >= load<f32>(high + 4))) continue
          if (count < capacity) store<i32>(list + ((<usize>count) << 2), y * width + x)
          count++
        }
      }
    }
  }
  return count
}
