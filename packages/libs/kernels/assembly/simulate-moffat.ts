import { naturalLog } from './simulate-philox'

// Gauss-Legendre nodes and weights on [-1/2, 1/2]: 1, 2, 3, 4 and 6 points, eight numbers apart.
const NODES: usize = memory.data<f32>([
  0, 0, 0, 0, 0, 0, 0, 0,
  -0.2886751345948129, 0.2886751345948129, 0, 0, 0, 0, 0, 0,
  -0.3872983346207417, 0, 0.3872983346207417, 0, 0, 0, 0, 0,
  -0.4305681557970263, -0.1699905217924281, 0.1699905217924281, 0.4305681557970263, 0, 0, 0, 0,
  -0.4662347571015760, -0.3306046932331323, -0.1193095930415985, 0.1193095930415985, 0.3306046932331323, 0.4662347571015760, 0, 0,
])
const WEIGHTS: usize = memory.data<f32>([
  1, 0, 0, 0, 0, 0, 0, 0,
  0.5, 0.5, 0, 0, 0, 0, 0, 0,
  0.2777777777777778, 0.4444444444444444, 0.2777777777777778, 0, 0, 0, 0, 0,
  0.1739274225687269, 0.3260725774312731, 0.3260725774312731, 0.1739274225687269, 0, 0, 0, 0,
  0.0856622461895852, 0.1803807865240693, 0.2339569672863455, 0.2339569672863455, 0.1803807865240693, 0.0856622461895852, 0, 0,
])

/** 2^x for -126 < x < 127, relative error 1e-7. */
function powerOfTwo(x: v128): v128 {
  const whole = f32x4.nearest(x)
  const r = f32x4.mul(f32x4.sub(x, whole), f32x4.splat(0.6931471805599453))
  let p = f32x4.splat(1.0 / 5040.0)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 720.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 120.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 24.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.0 / 6.0))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1))
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(127)), 23)
  return f32x4.mul(p, scale)
}

// @ts-ignore: decorator
@inline
function moffat(q: v128, beta: v128): v128 {
  const log2 = f32x4.mul(naturalLog(f32x4.add(q, f32x4.splat(1))), f32x4.splat(1.4426950408889634))
  return powerOfTwo(f32x4.mul(log2, beta))
}

/** Which row of the tables an axis needs at this distance from the centre, core radius included; 0: expand instead. */
// @ts-ignore: decorator
@inline
function ruleAt(distance: f32): i32 {
  if (distance < 2.5) return 4
  if (distance < 5) return 3
  return distance < 7 ? 2 : 0
}

let XX: f32 = 0
let XY: f32 = 0
let YY: f32 = 0
let BETA: f32 = 0

/** Mean of the profile over four pixels by Gauss and Legendre's rule; `dxs`, `dy` from the centre of the star. */
function integrated(dxs: v128, dy: f32, rule: i32): v128 {
  const n = rule == 4 ? 6 : rule + 1
  const nodes = NODES + (<usize>(rule << 5))
  const weights = WEIGHTS + (<usize>(rule << 5))
  const minusBeta = f32x4.splat(-BETA)
  const xx = f32x4.splat(XX)
  let sum = f32x4.splat(0)
  for (let j = 0; j < n; j++) {
    const v = dy + load<f32>(nodes + ((<usize>j) << 2))
    const wy = load<f32>(weights + ((<usize>j) << 2))
    const constant = f32x4.splat(YY * v * v)
    const linear = f32x4.splat(XY * v)
    for (let i = 0; i < n; i++) {
      const u = f32x4.add(dxs, f32x4.splat(load<f32>(nodes + ((<usize>i) << 2))))
      const q = f32x4.add(f32x4.mul(u, f32x4.add(f32x4.mul(u, xx), linear)), constant)
      sum = f32x4.add(sum, f32x4.mul(moffat(q, minusBeta), f32x4.splat(wy * load<f32>(weights + ((<usize>i) << 2)))))
    }
  }
  return sum
}

/** The same far out: the value in the middle and a 24th of its Laplacian. */
function expanded(dxs: v128, dy: f32): v128 {
  const twoX = f32x4.mul(dxs, f32x4.splat(2 * XX))
  const gx = f32x4.add(twoX, f32x4.splat(XY * dy))
  const gy = f32x4.add(f32x4.mul(dxs, f32x4.splat(XY)), f32x4.splat(2 * YY * dy))
  const q = f32x4.add(f32x4.mul(dxs, f32x4.add(f32x4.mul(dxs, f32x4.splat(XX)), f32x4.splat(XY * dy))), f32x4.splat(YY * dy * dy))
  const inverse = f32x4.div(f32x4.splat(1), f32x4.add(q, f32x4.splat(1)))
  const steep = f32x4.mul(f32x4.add(f32x4.mul(gx, gx), f32x4.mul(gy, gy)), f32x4.mul(inverse, f32x4.splat(BETA + 1)))
  const curved = f32x4.mul(f32x4.sub(steep, f32x4.splat(2 * (XX + YY))), f32x4.mul(inverse, f32x4.splat(BETA / 24)))
  return f32x4.mul(moffat(q, f32x4.splat(-BETA)), f32x4.add(curved, f32x4.splat(1)))
}

/**
 * Adds peak (1 + xx dx² + xy dx dy + yy dy²)^-beta, integrated over each pixel, to the pixels x0 ≤ x < x1, y0 ≤ y < y1
 * of an image whose rows are `stride` long, as far as they lie within `radius` (and a little) of the centre (cx, cy);
 * `core` is the smaller core radius.
 */
export function simulateMoffat(
  target: usize, stride: i32, x0: i32, x1: i32, y0: i32, y1: i32, cx: f32, cy: f32, radius: f32,
  xx: f32, xy: f32, yy: f32, beta: f32, peak: f32, core: f32,
): void {
  XX = xx; XY = xy; YY = yy; BETA = beta
  const lanes = f32x4(0, 1, 2, 3)
  const peaks = f32x4.splat(peak)
  for (let y = y0; y < y1; y++) {
    const dy = <f32>y - cy
    const reach2 = radius * radius - dy * dy
    if (reach2 <= 0) continue
    const reach = sqrt<f32>(reach2)
    const from = max(x0, <i32>floor<f32>(cx - reach))
    const to = min(x1, <i32>ceil<f32>(cx + reach) + 1)
    for (let x = from; x < to; x += 4) {
      const dx = <f32>x - cx
      const near: f32 = dx > 0.5 ? dx - 0.5 : dx + 3.5 < 0 ? dx + 3.5 : 0
      const rule = ruleAt(sqrt<f32>(near * near + dy * dy + core * core))
      const dxs = f32x4.add(f32x4.splat(dx), lanes)
      const value = f32x4.mul(rule ? integrated(dxs, dy, rule) : expanded(dxs, dy), peaks)
      const at = target + ((<usize>(y * stride + x)) << 2)
      if (x + 4 <= to) v128.store(at, f32x4.add(v128.load(at), value))
      else {
        store<f32>(at, load<f32>(at) + f32x4.extract_lane(value, 0))
        if (x + 1 < to) store<f32>(at + 4, load<f32>(at + 4) + f32x4.extract_lane(value, 1))
        if (x + 2 < to) store<f32>(at + 8, load<f32>(at + 8) + f32x4.extract_lane(value, 2))
      }
    }
  }
}
