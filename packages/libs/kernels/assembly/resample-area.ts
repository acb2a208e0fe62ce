// A frame on another grid by the areas that old and new pixels share: light is neither made nor lost.
import { Source } from './weigh-pixels'

const NO_DATA: i32 = 8

/** Corners of the new pixel as it is clipped: two lists of up to 16 doubles x, y. */
const polygon: usize = memory.data(512, 16)

/** Keeps what lies on the side of `limit` where sign * (coordinate - limit) >= 0; the number of corners left. */
function clip(from: usize, count: i32, to: usize, along: usize, limit: f64, sign: f64): i32 {
  let kept = 0
  for (let i = 0; i < count; i++) {
    const p = from + ((<usize>i) << 4)
    const q = from + ((<usize>((i + 1) % count)) << 4)
    const a = sign * (load<f64>(p + along) - limit)
    const b = sign * (load<f64>(q + along) - limit)
    if (a >= 0) {
      v128.store(to + ((<usize>kept) << 4), v128.load(p))
      kept++
    }
    if (a >= 0 != b >= 0) {
      const t = a / (a - b)
      const out = to + ((<usize>kept) << 4)
      kept++
      store<f64>(out, load<f64>(p) + t * (load<f64>(q) - load<f64>(p)))
      store<f64>(out, load<f64>(p, 8) + t * (load<f64>(q, 8) - load<f64>(p, 8)), 8)
    }
  }
  return kept
}

/** The area of the parallelogram (corners in `polygon`) within one pixel. */
function sharedArea(x: f64, y: f64): f64 {
  const a = polygon + 64
  const b = polygon + 288
  let n = clip(polygon, 4, a, 0, x - 0.5, 1)
  if (n > 2) n = clip(a, n, b, 0, x + 0.5, -1)
  if (n > 2) n = clip(b, n, a, 8, y - 0.5, 1)
  if (n > 2) n = clip(a, n, b, 8, y + 0.5, -1)
  let twice: f64 = 0
  for (let i = 0; i < n; i++) {
    const p = b + ((<usize>i) << 4)
    const q = b + ((<usize>((i + 1) % n)) << 4)
    twice += load<f64>(p) * load<f64>(q, 8) - load<f64>(q) * load<f64>(p, 8)
  }
  return n > 2 ? abs<f64>(twice) / 2 : 0
}

/**
 * `n` pixels whose centres are (u, v), (u + du, v + dv) … and whose other side is (eu, ev), all in pixels of the frame.
 * Each is the light of its area times `scale`; where more than half of that is beyond the frame there is no data.
 */
export function resampleArea(
  job: usize, n: i32, u: f64, v: f64, du: f64, dv: f64, eu: f64, ev: f64, scale: f64,
  target: usize, errors: usize, bits: usize,
): void {
  const source = changetype<Source>(job)
  const whole = abs<f64>(du * ev - dv * eu)
  const wide = (abs<f64>(du) + abs<f64>(eu)) / 2
  const high = (abs<f64>(dv) + abs<f64>(ev)) / 2
  for (let k = 0; k < n; k++) {
    const x = u + <f64>k * du
    const y = v + <f64>k * dv
    corner(0, x - (du + eu) / 2, y - (dv + ev) / 2)
    corner(1, x + (du - eu) / 2, y + (dv - ev) / 2)
    corner(2, x + (du + eu) / 2, y + (dv + ev) / 2)
    corner(3, x - (du - eu) / 2, y - (dv - ev) / 2)
    const left = max<i32>(0, <i32>Math.floor(x - wide + 0.5))
    const right = min<i32>(source.width - 1, <i32>Math.floor(x + wide + 0.5))
    const low = max<i32>(0, <i32>Math.floor(y - high + 0.5))
    const top = min<i32>(source.height - 1, <i32>Math.floor(y + high + 0.5))
    let sum: f64 = 0
    let variance: f64 = 0
    let covered: f64 = 0
    let found = 0
    for (let row = low; row <= top; row++) {
      for (let column = left; column <= right; column++) {
        const area = sharedArea(<f64>column, <f64>row)
        if (area == 0) continue
        const p = <usize>((row - source.first) * source.width + column)
        sum += area * <f64>load<f32>(source.pixels + (p << 2))
        covered += area
        if (errors) variance += area * area * <f64>load<f32>(source.variance + (p << 2))
        if (source.mask && area >= 0.1 * whole) found |= <i32>load<i16>(source.mask + (p << 1))
      }
    }
    const at = (<usize>k) << 2
    const outside = covered < 0.5 * whole || (found & NO_DATA) != 0
    const factor = (scale * whole) / covered
    store<f32>(target + at, outside ? NaN : <f32>(factor * sum))
    if (errors) store<f32>(errors + at, outside ? NaN : <f32>(factor * sqrt<f64>(variance)))
    if (bits) store<i16>(bits + (at >> 1), <i16>(outside ? found | NO_DATA : found))
  }
}

// @ts-ignore: decorator
@inline
function corner(k: usize, x: f64, y: f64): void {
  store<f64>(polygon + (k << 4), x)
  store<f64>(polygon + (k << 4), y, 8)
}
