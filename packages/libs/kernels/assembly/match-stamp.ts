// What a stamp about a star says of a matching kernel: the stamp convolved with lines, and its normal equations. float64.

/**
 * Rows of a square of side `wide`, each convolved with a line of `n` values: out[x] = Σ line[k] source[x + n - 1 - k],
 * `side` = wide - n + 1 values a row.
 */
export function stampRows(source: usize, wide: i32, line: usize, n: i32, out: usize): void {
  const side = wide - n + 1
  const last = (<usize>(n - 1)) << 3
  for (let y = 0; y < wide; y++) {
    const row = source + ((<usize>(y * wide)) << 3) + last
    const to = out + ((<usize>(y * side)) << 3)
    let x = 0
    for (; x + 8 <= side; x += 8) eight(row + ((<usize>x) << 3), -8, line, n, f64x2.splat(1), to + ((<usize>x) << 3))
    for (; x < side; x++) one(row + ((<usize>x) << 3), -8, line, n, 1, to + ((<usize>x) << 3))
  }
}

/** Columns of `side` x (side + n - 1) values, each convolved with a line and multiplied by `scale`: side x side values. */
export function stampColumns(rows: usize, side: i32, line: usize, n: i32, scale: f64, out: usize): void {
  const step = -((<isize>side) << 3)
  const first = rows + ((<usize>((n - 1) * side)) << 3)
  const count = side * side
  let p = 0
  for (; p + 8 <= count; p += 8) eight(first + ((<usize>p) << 3), step, line, n, f64x2.splat(scale), out + ((<usize>p) << 3))
  for (; p < count; p++) one(first + ((<usize>p) << 3), step, line, n, scale, out + ((<usize>p) << 3))
}

/** Eight sums of n products, in order: of (scale line[k]) and what lies `step` bytes further for each k. */
@inline function eight(from: usize, step: isize, line: usize, n: i32, scale: v128, to: usize): void {
  let a = f64x2.splat(0)
  let b = a
  let c = a
  let d = a
  for (let k = 0; k < n; k++, line += 8, from += step) {
    const w = f64x2.mul(scale, v128.load64_splat(line))
    a = f64x2.add(a, f64x2.mul(w, v128.load(from)))
    b = f64x2.add(b, f64x2.mul(w, v128.load(from, 16)))
    c = f64x2.add(c, f64x2.mul(w, v128.load(from, 32)))
    d = f64x2.add(d, f64x2.mul(w, v128.load(from, 48)))
  }
  v128.store(to, a)
  v128.store(to, b, 16)
  v128.store(to, c, 32)
  v128.store(to, d, 48)
}

@inline function one(from: usize, step: isize, line: usize, n: i32, scale: f64, to: usize): void {
  let sum: f64 = 0
  for (let k = 0; k < n; k++, line += 8, from += step) sum += scale * load<f64>(line) * load<f64>(from)
  store<f64>(to, sum)
}

/**
 * Normal equations of `unknowns` images of `n` values each, one after the other, against `data` with `weight`: the whole
 * matrix and the right-hand side. `weighed` has room for n values.
 */
export function stampEquations(
  images: usize, unknowns: i32, data: usize, weight: usize, n: i32, weighed: usize, matrix: usize, right: usize,
): void {
  const size = (<usize>n) << 3
  const row = (<usize>unknowns) << 3
  for (let i = 0; i < unknowns; i++) {
    const image = images + <usize>i * size
    let p: usize = 0
    for (; p + 16 <= size; p += 16) v128.store(weighed + p, f64x2.mul(v128.load(weight + p), v128.load(image + p)))
    if (p < size) store<f64>(weighed + p, load<f64>(weight + p) * load<f64>(image + p))
    store<f64>(right + ((<usize>i) << 3), dot(weighed, data, size))
    const across = matrix + <usize>i * row
    let j = 0
    for (; j + 4 <= i + 1; j += 4) fourDots(weighed, images + <usize>j * size, size, across + ((<usize>j) << 3))
    for (; j <= i; j++) store<f64>(across + ((<usize>j) << 3), dot(weighed, images + <usize>j * size, size))
    for (j = 0; j < i; j++) {
      store<f64>(matrix + <usize>j * row + ((<usize>i) << 3), load<f64>(across + ((<usize>j) << 3)))
    }
  }
}

@inline function both(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** Even and odd places are added up apart. */
function dot(a: usize, b: usize, size: usize): f64 {
  let sum = f64x2.splat(0)
  let p: usize = 0
  for (; p + 16 <= size; p += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(a + p), v128.load(b + p)))
  return p < size ? both(sum) + load<f64>(a + p) * load<f64>(b + p) : both(sum)
}

/** The same with four neighbouring images at once: each value of `a` is read once. */
function fourDots(a: usize, b: usize, size: usize, to: usize): void {
  let s = f64x2.splat(0)
  let t = s
  let u = s
  let v = s
  const c = b + size
  const d = c + size
  const e = d + size
  let p: usize = 0
  for (; p + 16 <= size; p += 16) {
    const w = v128.load(a + p)
    s = f64x2.add(s, f64x2.mul(w, v128.load(b + p)))
    t = f64x2.add(t, f64x2.mul(w, v128.load(c + p)))
    u = f64x2.add(u, f64x2.mul(w, v128.load(d + p)))
    v = f64x2.add(v, f64x2.mul(w, v128.load(e + p)))
  }
  const rest: f64 = p < size ? load<f64>(a + p) : 0
  store<f64>(to, p < size ? both(s) + rest * load<f64>(b + p) : both(s))
  store<f64>(to, p < size ? both(t) + rest * load<f64>(c + p) : both(t), 8)
  store<f64>(to, p < size ? both(u) + rest * load<f64>(d + p) : both(u), 16)
  store<f64>(to, p < size ? both(v) + rest * load<f64>(e + p) : both(v), 24)
}
