// Lines of an arc, fitted together: Gaussians integrated over pixels, and what their pixels say of them.

/** Nodes (px from the middle) and weights of Gauss and Legendre over a pixel. */
const NODE: f64 = 0.3872983346207417
const OUTER: f64 = 5.0 / 18.0
const INNER: f64 = 4.0 / 9.0

/**
 * Normal equations of lines of one width on a level, in the pixels `from` to `to` of an order, and χ². Of the `n` unknowns at `p` the first
 * is the level, the second sigma, then light and place of each line; all are float64. The lower triangle of `normal`, and `gradient`, are
 * filled; pixels of infinite sigma tell nothing. `slopes` holds n + 1 values for each pixel: the derivatives, then the model.
 */
export function lineEquations(
  p: usize,
  n: i32,
  light: usize,
  sigma: usize,
  from: i32,
  to: i32,
  normal: usize,
  gradient: usize,
  slopes: usize,
): f64 {
  const stride = (<usize>(n + 1)) << 3
  const level = load<f64>(p)
  for (let x = from, row = slopes; x <= to; x++, row += stride) {
    memory.fill(row, 0, stride)
    store<f64>(row, 1)
    store<f64>(row + stride - 8, level)
  }
  for (let k = 2; k < n; k += 2) addLine(p, k, from, to, slopes, stride)
  memory.fill(normal, 0, (<usize>(n * n)) << 3)
  memory.fill(gradient, 0, (<usize>n) << 3)
  let chiSquare: f64 = 0
  for (let x = from, row = slopes; x <= to; x++, row += stride) {
    const at = (<usize>x) << 3
    const error = load<f64>(sigma + at)
    if (error == Infinity) continue
    const weight = 1 / error
    const residual = (load<f64>(light + at) - load<f64>(row + stride - 8)) * weight
    chiSquare += residual * residual
    for (let i = 0; i < n; i++) {
      const own = (<usize>i) << 3
      const slope = load<f64>(row + own) * weight
      store<f64>(row + own, slope)
      if (slope == 0) continue
      store<f64>(gradient + own, load<f64>(gradient + own) + slope * residual)
      const line = normal + ((<usize>(i * n)) << 3)
      for (let j: usize = 0; j <= own; j += 8) {
        store<f64>(line + j, load<f64>(line + j) + slope * load<f64>(row + j))
      }
    }
  }
  return chiSquare
}

/** Adds line `k` to the model and its derivatives. From pixel to pixel a Gaussian changes by a factor that itself changes by one. */
// @ts-ignore: decorator
@inline
function addLine(p: usize, k: i32, from: i32, to: i32, slopes: usize, stride: usize): void {
  const own = (<usize>k) << 3
  const width = load<f64>(p + 8)
  const flux = load<f64>(p + own)
  const place = load<f64>(p + own + 8)
  const reach = 6 * width + 1
  const first = <i32>max<f64>(<f64>from, Math.ceil(place - reach))
  const last = <i32>min<f64>(<f64>to, Math.floor(place + reach))
  if (!(last >= first)) return
  const step = 1 / width
  const bend = Math.exp(-step * step)
  const norm = step / Math.sqrt(2 * Math.PI)
  for (let node = -1; node <= 1; node++) {
    const start = (<f64>first + <f64>node * NODE - place) * step
    let density = (node == 0 ? INNER : OUTER) * norm * Math.exp(-0.5 * start * start)
    let next = Math.exp(-step * (start + 0.5 * step))
    let row = slopes + <usize>(first - from) * stride
    for (let i = 0; i <= last - first; i++, row += stride) {
      const u = start + <f64>i * step
      const light = flux * density
      const model = row + stride - 8
      store<f64>(model, load<f64>(model) + light)
      store<f64>(row + own, load<f64>(row + own) + density)
      store<f64>(row + own + 8, load<f64>(row + own + 8) + light * u * step)
      store<f64>(row + 8, load<f64>(row + 8) + light * (u * u - 1) * step)
      density *= next
      next *= bend
    }
  }
}
