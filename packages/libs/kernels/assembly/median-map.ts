// The median of the meshes about each mesh of a map.
import { selectInPlace } from './select'

/**
 * `border` is a map with `half` more values on each side; the median of the 2 half + 1 values squared about each place goes
 * into `out`, as float32. With `shrink`, the window keeps centred within the map. `scratch` holds one window.
 */
export function medianMap(
  border: usize, columns: i32, rows: i32, half: i32, shrink: bool, scratch: usize, out: usize,
): void {
  const wide = columns + 2 * half
  for (let j = 0; j < rows; j++) {
    const high = shrink ? min<i32>(half, min<i32>(j, rows - 1 - j)) : half
    for (let i = 0; i < columns; i++, out += 4) {
      const across = shrink ? min<i32>(half, min<i32>(i, columns - 1 - i)) : half
      let n = 0
      for (let v = half - high; v <= half + high; v++) {
        let at = border + ((<usize>((j + v) * wide + i + half - across)) << 3)
        for (let u = -across; u <= across; u++, n++, at += 8) store<f64>(scratch + ((<usize>n) << 3), load<f64>(at))
      }
      store<f32>(out, <f32>selectInPlace<f64>(scratch, n, n >> 1))
    }
  }
}
