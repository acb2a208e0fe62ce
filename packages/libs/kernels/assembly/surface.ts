// A bicubic spline through a coarse grid of meshes. Its nodes are four planes of float64, columns times rows each: values,
// curvatures along y, along x, and along both. The first pixel of the image is from 0 to 1.

let w0: f64 = 0
let w1: f64 = 0
let w2: f64 = 0
let w3: f64 = 0

/** Sets the weights of the two nodes about place `t`, in meshes; gives the number of the first. Beyond the outermost the spline goes on straight, or, `cubic`, as it is. */
function weigh(t: f64, n: i32, cubic: bool): i32 {
  const cell = n == 1 ? 0 : min<i32>(n - 2, max<i32>(0, <i32>Math.floor(t)))
  const b = n == 1 ? 0 : t - <f64>cell
  const a = 1 - b
  w0 = a
  w1 = b
  w2 = !cubic && b < 0 ? -b / 3 : !cubic && b > 1 ? (b - 1) / 6 : (a * a * a - a) / 6
  w3 = !cubic && b < 0 ? -b / 6 : !cubic && b > 1 ? (b - 1) / 3 : (b * b * b - b) / 6
  return cell
}

// @ts-ignore: decorator
@inline
function blend(here: usize, next: usize, plane: usize): f64 {
  const values = w0 * load<f64>(here) + w1 * load<f64>(next)
  return values + w2 * load<f64>(here + plane) + w3 * load<f64>(next + plane)
}

// @ts-ignore: decorator
@inline
function linesOf<T>(
  nodes: usize, columns: i32, rows: i32, pitch: f64, high: f64, cubic: bool, y0: i32, y1: i32, target: usize,
): void {
  const plane = (<usize>(columns * rows)) << 3
  const row = rows == 1 ? 0 : (<usize>columns) << 3
  for (let y = y0; y < y1; y++) {
    const here = nodes + ((<usize>(weigh((<f64>y + high) / pitch - 0.5, rows, cubic) * columns)) << 3)
    for (let both: usize = 0; both < 2; both++) {
      let at = here + both * 2 * plane
      for (let i = 0; i < columns; i++, at += 8, target += sizeof<T>()) store<T>(target, <T>blend(at, at + row, plane))
    }
  }
}

/** Of rows `y0` to `y1` of an image, the values and then the curvatures along x at the columns of meshes. Rows are taken at `high` of a pixel. */
export function surfaceLines(
  nodes: usize, columns: i32, rows: i32, pitch: f64, high: f64, cubic: bool, y0: i32, y1: i32, target: usize,
): void {
  linesOf<f32>(nodes, columns, rows, pitch, high, cubic, y0, y1, target)
}

export function surfaceLines64(
  nodes: usize, columns: i32, rows: i32, pitch: f64, high: f64, cubic: bool, y0: i32, y1: i32, target: usize,
): void {
  linesOf<f64>(nodes, columns, rows, pitch, high, cubic, y0, y1, target)
}

/** The surface at the pixels nearest to `count` places, x and y float64 each, as float64; NaN at a place that is no number. */
export function surfaceAt(
  nodes: usize, columns: i32, rows: i32, pitchX: f64, pitchY: f64, high: f64, cubic: bool, width: i32, height: i32,
  xs: usize, ys: usize, count: i32, out: usize,
): void {
  const plane = (<usize>(columns * rows)) << 3
  const nextRow = rows == 1 ? 0 : (<usize>columns) << 3
  const nextColumn: usize = columns == 1 ? 0 : 8
  for (let i: usize = 0; i < <usize>count; i++) {
    const x = min<f64>(<f64>(width - 1), max<f64>(0, Math.round(load<f64>(xs + (i << 3)))))
    const y = min<f64>(<f64>(height - 1), max<f64>(0, Math.round(load<f64>(ys + (i << 3)))))
    if (x != x || y != y) {
      store<f64>(out + (i << 3), NaN)
      continue
    }
    let at = nodes + ((<usize>(weigh((y + high) / pitchY - 0.5, rows, cubic) * columns)) << 3)
    const a = w0
    const b = w1
    const c = w2
    const d = w3
    at += (<usize>weigh((x + 0.5) / pitchX - 0.5, columns, cubic)) << 3
    const next = at + nextRow
    const value = a * along(at, nextColumn, plane) + b * along(next, nextColumn, plane)
    const bent = value + c * along(at + plane, nextColumn, plane) + d * along(next + plane, nextColumn, plane)
    store<f64>(out + (i << 3), bent)
  }
}

// @ts-ignore: decorator
@inline
function along(at: usize, next: usize, plane: usize): f64 {
  const values = w0 * load<f64>(at) + w1 * load<f64>(at + next)
  return values + w2 * load<f64>(at + 2 * plane) + w3 * load<f64>(at + 2 * plane + next)
}
