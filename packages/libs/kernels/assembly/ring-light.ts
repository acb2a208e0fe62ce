// The light about a star, in rings.

const BITS: i32 = 15
const NO_DATA: i32 = 8
const SATURATED: i32 = 2

/**
 * Sums over the pixels within `reach` of (x, y), each shared by the three of `rings` rings about it, `step` px apart: a parabola
 * through them, as what is asked of the light bends less than that. `sums` has float64: the light, the good pixels, all pixels
 * (`rings` + 1 of each), the light of saturated pixels (`rings`), and how many pixels are spoiled and are not there. Nothing
 * that is spoiled may lie within `radius`: false then.
 */
export function lightInRings(
  pixels: usize, mask: usize, width: i32, height: i32, x: f64, y: f64,
  radius: f64, reach: f64, step: f64, saturation: f64, rings: i32, sums: usize,
): bool {
  const plane = (<usize>(rings + 1)) << 3
  const fulls = sums + 3 * plane
  const counts = fulls + plane - 8
  memory.fill(sums, 0, 4 * plane + 8)
  const cx = <i32>Math.round(x)
  const cy = <i32>Math.round(y)
  const out = <i32>Math.ceil(reach)
  const core = (radius + 0.5) * (radius + 0.5)
  let spoiled = 0
  let unseen = 0
  for (let v = cy - out; v <= cy + out; v++) {
    const dy = <f64>v - y
    for (let u = cx - out; u <= cx + out; u++) {
      const dx = <f64>u - x
      const square = dx * dx + dy * dy
      const r = sqrt<f64>(square) / step
      const b = <i32>Math.round(r)
      if (b >= rings) continue
      const d = r - <f64>b
      const low = (d * (d - 1)) / 2
      const middle = 1 - d * d
      const high = (d * (d + 1)) / 2
      // rings go on beyond 0 as they came
      const before = sums + ((<usize>abs<i32>(b - 1)) << 3)
      const here = sums + ((<usize>b) << 3)
      share(before + 2 * plane, here + 2 * plane, low, middle, high)
      const inside = u >= 0 && v >= 0 && u < width && v < height
      const p = <usize>(v * width + u)
      const bits = inside ? (mask ? <i32>load<i16>(mask + (p << 1)) & BITS : 0) : NO_DATA
      const value = inside ? <f64>load<f32>(pixels + (p << 2)) : NaN
      const good = bits == 0 && value < saturation
      if (!good && square < core) return false
      const full = (bits == SATURATED || (bits == 0 && value >= saturation)) && value - value == 0
      if (full) {
        spoiled++
        const at = fulls + ((<usize>b) << 3)
        store<f64>(at, load<f64>(at) + value)
      }
      if (good || full) {
        share(before + plane, here + plane, low, middle, high)
        share(before, here, low * value, middle * value, high * value)
      } else if (bits & NO_DATA || value != value) unseen++
      else spoiled++
    }
  }
  store<f64>(counts, <f64>spoiled)
  store<f64>(counts + 8, <f64>unseen)
  return true
}

// @ts-ignore: decorator
@inline
function share(before: usize, here: usize, low: f64, middle: f64, high: f64): void {
  store<f64>(before, load<f64>(before) + low)
  store<f64>(here, load<f64>(here) + middle)
  store<f64>(here + 8, load<f64>(here + 8) + high)
}
