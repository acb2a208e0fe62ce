// The profile of a point of light on the pixels of a stamp: normal equations of a fit of Moffat's, and the model of a frame
// (a Moffat profile and a table of what that leaves).

/**
 * The mean of the profile over a pixel is the profile times one plus this: its Laplacian over 24, over itself. `slope2` is
 * the square of half the gradient of u, `trace` that of the matrix.
 */
// @ts-ignore: decorator
@inline
function pixelTerm(beta: f64, u: f64, slope2: f64, trace: f64): f64 {
  return ((beta / 12) * ((2 * (beta + 1) * slope2) / u - trace)) / u
}

// @ts-ignore: decorator
@inline
function number(record: usize, k: i32): f64 {
  return load<f64>(record + (<usize>k << 3))
}

// @ts-ignore: decorator
@inline
function pair(a: f64, b: f64): v128 {
  return f64x2.replace_lane(f64x2.splat(a), 1, b)
}

/** Adds to two neighbours. */
// @ts-ignore: decorator
@inline
function add(at: usize, a: v128, b: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.mul(a, b)))
}

// @ts-ignore: decorator
@inline
function low(a: v128): v128 {
  return f64x2.splat(f64x2.extract_lane(a, 0))
}

// @ts-ignore: decorator
@inline
function high(a: v128): v128 {
  return f64x2.splat(f64x2.extract_lane(a, 1))
}

/**
 * Sum of squares of a stamp under a Moffat profile, and the normal equations (Levenberg's), `normal` 8 x 8, of which the
 * lower triangle is right, and `right`. `profile` holds amplitude, x, y, qxx, qxy, qyy, level, beta, and the first pixel of
 * the stamp. Pixels without a variance tell nothing.
 */
export function moffatEquations(value: usize, variance: usize, size: i32, profile: usize, normal: usize, right: usize): f64 {
  const amplitude = number(profile, 0)
  const x = number(profile, 1)
  const y = number(profile, 2)
  const qxx = number(profile, 3)
  const qxy = number(profile, 4)
  const qyy = number(profile, 5)
  const level = number(profile, 6)
  const beta = number(profile, 7)
  const x0 = number(profile, 8)
  const y0 = number(profile, 9)
  memory.fill(normal, 0, 512)
  memory.fill(right, 0, 64)
  let sum: f64 = 0
  for (let row = 0; row < size; row++) {
    const dy = <f64>row + y0 - y
    for (let column = 0; column < size; column++, value += 8, variance += 8) {
      const spread = load<f64>(variance)
      if (!(spread > 0)) continue
      const dx = <f64>column + x0 - x
      const u = 1 + qxx * dx * dx + 2 * qxy * dx * dy + qyy * dy * dy
      const logU = Math.log(u)
      const light = Math.exp(-beta * logU)
      const gx = qxx * dx + qxy * dy
      const gy = qxy * dx + qyy * dy
      const overPixel = 1 + pixelTerm(beta, u, gx * gx + gy * gy, qxx + qyy)
      const residual = load<f64>(value) - level - amplitude * light * overPixel
      const weight = 1 / spread
      sum += weight * residual * residual
      const slope = (amplitude * beta * light) / u
      const d01 = pair(light * overPixel, 2 * slope * gx)
      const d23 = pair(2 * slope * gy, -slope * dx * dx)
      const d45 = pair(-2 * slope * dx * dy, -slope * dy * dy)
      const d67 = pair(1, -amplitude * light * logU)
      addEquations(normal, right, weight, residual, d01, d23, d45, d67)
    }
  }
  return sum
}

/** What a pixel adds, by its derivatives: pairs of columns from the first to the diagonal. */
// @ts-ignore: decorator
@inline
function addEquations(n: usize, right: usize, weight: f64, residual: f64, d01: v128, d23: v128, d45: v128, d67: v128): void {
  const w = f64x2.splat(weight)
  const r = f64x2.splat(residual)
  const w01 = f64x2.mul(w, d01)
  const w23 = f64x2.mul(w, d23)
  const w45 = f64x2.mul(w, d45)
  const w67 = f64x2.mul(w, d67)
  add(right, w01, r)
  add(right + 16, w23, r)
  add(right + 32, w45, r)
  add(right + 48, w67, r)
  add(n, low(w01), d01)
  add(n + 64, high(w01), d01)
  let wd = low(w23)
  add(n + 128, wd, d01)
  add(n + 144, wd, d23)
  wd = high(w23)
  add(n + 192, wd, d01)
  add(n + 208, wd, d23)
  wd = low(w45)
  add(n + 256, wd, d01)
  add(n + 272, wd, d23)
  add(n + 288, wd, d45)
  wd = high(w45)
  add(n + 320, wd, d01)
  add(n + 336, wd, d23)
  add(n + 352, wd, d45)
  wd = low(w67)
  add(n + 384, wd, d01)
  add(n + 400, wd, d23)
  add(n + 416, wd, d45)
  add(n + 432, wd, d67)
  wd = high(w67)
  add(n + 448, wd, d01)
  add(n + 464, wd, d23)
  add(n + 480, wd, d45)
  add(n + 496, wd, d67)
}

/** Weight of the first to the last of four nodes for cubic convolution (Keys 1981), at a fraction t between the middle two. */
// @ts-ignore: decorator
@inline
function cubic(node: i32, t: f64): f64 {
  if (node == 0) return ((-0.5 * t + 1) * t - 0.5) * t
  if (node == 1) return (1.5 * t - 2.5) * t * t + 1
  if (node == 2) return ((-1.5 * t + 2) * t + 0.5) * t
  return (0.5 * t - 0.5) * t * t
}

/**
 * Light of a point of flux 1 at columns x rows places `pitch` apart, into `out`; its derivatives by x and y after it, where
 * `slopes` is set. `here` holds qxx, qxy, qyy, beta, scale, the step of the table, x, y, the first place, and the pitch.
 * The table has nodes x nodes values, scaled too; 0: none. Its slope is left out: that of the profile is near enough to
 * lead a fit to its minimum.
 */
export function samplePsf(here: usize, table: usize, nodes: i32, columns: i32, rows: i32, out: usize, slopes: i32): void {
  const qxx = number(here, 0)
  const qxy = number(here, 1)
  const qyy = number(here, 2)
  const beta = number(here, 3)
  const scale = number(here, 4)
  const step = number(here, 5)
  const x = number(here, 6)
  const y = number(here, 7)
  const x0 = number(here, 8)
  const y0 = number(here, 9)
  const pitch = number(here, 10)
  const middle = <f64>(nodes - 1) / 2
  const plane = (<usize>(columns * rows)) << 3
  for (let row = 0; row < rows; row++) {
    const dy = <f64>row * pitch + y0 - y
    const ty = dy / step + middle
    const iy = <i32>Math.floor(ty)
    const inRow = nodes > 0 && iy >= 1 && iy < nodes - 2
    const v = ty - <f64>iy
    const v0 = cubic(0, v)
    const v1 = cubic(1, v)
    const v2 = cubic(2, v)
    const v3 = cubic(3, v)
    for (let column = 0; column < columns; column++, out += 8) {
      const dx = <f64>column * pitch + x0 - x
      const u = 1 + qxx * dx * dx + 2 * qxy * dx * dy + qyy * dy * dy
      const gx = qxx * dx + qxy * dy
      const gy = qxy * dx + qyy * dy
      const overPixel = 1 + pixelTerm(beta, u, gx * gx + gy * gy, qxx + qyy)
      const profile = scale * Math.exp(-beta * Math.log(u)) * overPixel
      let value = profile
      if (inRow) {
        const tx = dx / step + middle
        const ix = <i32>Math.floor(tx)
        if (ix >= 1 && ix < nodes - 2) {
          const t = tx - <f64>ix
          const at = table + ((<usize>((iy - 1) * nodes + ix - 1)) << 3)
          const line = (<usize>nodes) << 3
          const t0 = cubic(0, t)
          const t1 = cubic(1, t)
          const t2 = cubic(2, t)
          const t3 = cubic(3, t)
          let sum = v0 * alongNodes(at, t0, t1, t2, t3)
          sum += v1 * alongNodes(at + line, t0, t1, t2, t3)
          sum += v2 * alongNodes(at + 2 * line, t0, t1, t2, t3)
          sum += v3 * alongNodes(at + 3 * line, t0, t1, t2, t3)
          value += scale * sum
        }
      }
      store<f64>(out, value)
      if (slopes != 0) {
        const slope = (2 * beta * profile) / u
        store<f64>(out + plane, slope * gx)
        store<f64>(out + 2 * plane, slope * gy)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function alongNodes(at: usize, t0: f64, t1: f64, t2: f64, t3: f64): f64 {
  return t0 * load<f64>(at) + t1 * load<f64>(at, 8) + t2 * load<f64>(at, 16) + t3 * load<f64>(at, 24)
}

/**
 * What the pixels that two discs of stars share add to the normal equations of a fit of both: `sums`, per x per float64,
 * the products of the slopes of the first and of the second; after them, per float64, of the first with what is `left`.
 * `left` and `weight` (floats, 0 where a pixel tells nothing) lie in rows of `width`; the slopes of a disc, per planes of
 * float64 (1 or 3), have rows of `columnsA` and planes of `planeA` numbers. All addresses are of the first shared pixel.
 */
export function pairEquations(
  left: usize, weight: usize, width: i32, columns: i32, rows: i32, a: usize, columnsA: i32, planeA: i32, b: usize,
  columnsB: i32, planeB: i32, per: i32, sums: usize,
): void {
  const stepA = (<usize>planeA) << 3
  const stepB = (<usize>planeB) << 3
  let s00 = f64x2.splat(0)
  let s02 = f64x2.splat(0)
  let s10 = f64x2.splat(0)
  let s12 = f64x2.splat(0)
  let s20 = f64x2.splat(0)
  let s22 = f64x2.splat(0)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const pixel = (<usize>x) << 2
      const at = (<usize>x) << 3
      const w = <f64>load<f32>(weight + pixel)
      const a0 = load<f64>(a + at)
      const b0 = load<f64>(b + at)
      if (w == 0 || a0 == 0 || b0 == 0) continue
      const rest = <f64>load<f32>(left + pixel)
      if (per == 1) {
        s02 = f64x2.add(s02, f64x2.mul(f64x2.splat(w * a0), pair(b0, rest)))
        continue
      }
      const b01 = pair(b0, load<f64>(b + stepB + at))
      const b2 = pair(load<f64>(b + 2 * stepB + at), rest)
      const w0 = f64x2.splat(w * a0)
      const w1 = f64x2.splat(w * load<f64>(a + stepA + at))
      const w2 = f64x2.splat(w * load<f64>(a + 2 * stepA + at))
      s00 = f64x2.add(s00, f64x2.mul(w0, b01))
      s02 = f64x2.add(s02, f64x2.mul(w0, b2))
      s10 = f64x2.add(s10, f64x2.mul(w1, b01))
      s12 = f64x2.add(s12, f64x2.mul(w1, b2))
      s20 = f64x2.add(s20, f64x2.mul(w2, b01))
      s22 = f64x2.add(s22, f64x2.mul(w2, b2))
    }
    left += (<usize>width) << 2
    weight += (<usize>width) << 2
    a += (<usize>columnsA) << 3
    b += (<usize>columnsB) << 3
  }
  if (per == 1) {
    v128.store(sums, s02)
    return
  }
  v128.store(sums, s00)
  store<f64>(sums, f64x2.extract_lane(s02, 0), 16)
  v128.store(sums, s10, 24)
  store<f64>(sums, f64x2.extract_lane(s12, 0), 40)
  v128.store(sums, s20, 48)
  store<f64>(sums, f64x2.extract_lane(s22, 0), 64)
  store<f64>(sums, f64x2.extract_lane(s02, 1), 72)
  store<f64>(sums, f64x2.extract_lane(s12, 1), 80)
  store<f64>(sums, f64x2.extract_lane(s22, 1), 88)
}
