// First and second moments of a source within its isophote (Bertin & Arnouts 1996, A&AS 117, 393).
import { Detection, meshAt } from './regions'
import { Scene } from './stamp'

/** A source. The first ten numbers are what assembly/sources.ts measures it by. */
@unmanaged
export class Source {
  number: f64
  x: f64
  y: f64
  a: f64
  b: f64
  xx: f64
  yy: f64
  xy: f64
  /** Variance of a pixel of the sky there, and half of the size of its stamp. */
  sky: f64
  half: f64
  theta: f64
  /** Sum of the net pixels, and of the filtered ones; variance of the first. */
  flux: f64
  filteredFlux: f64
  variance: f64
  /** Highest net pixel, highest filtered one, and where they are. */
  peak: f64
  filteredPeak: f64
  peakAt: f64
  brightestAt: f64
  x0: f64
  x1: f64
  y0: f64
  y1: f64
  flags: f64
  /** Its pixels: where they begin, and how many. */
  from: f64
  area: f64
  /** Bits of the mask of its pixels, all together. */
  bits: f64
  /** The filtered pixel that the least area still has: what wings must stay below. */
  held: f64
  /** Where the isophote is, and how many pixels lie above the middle between it and the peak. */
  limit: f64
  upper: f64
}

/** The highest filtered pixels, as many as the least area, at most 64, the highest first. */
let highest: usize = 0

/** Where this thread has room for them: 256 bytes. */
export function keepHighest(at: usize): void {
  highest = at
}

function rank(value: f32, count: i32, most: i32): void {
  let k = min<i32>(count, most - 1)
  if (count >= most && load<f32>(highest + ((<usize>k) << 2)) >= value) return
  for (; k > 0 && load<f32>(highest + ((<usize>(k - 1)) << 2)) < value; k--) {
    store<f32>(highest + ((<usize>k) << 2), load<f32>(highest + ((<usize>(k - 1)) << 2)))
  }
  store<f32>(highest + ((<usize>k) << 2), value)
}

/** Measures `n` pixels from place `from` on in the lists of a detection. */
export function measureIsophote(source: Source, d: Detection, scene: Scene, from: i32, n: i32): void {
  const width = scene.width
  const pixels = d.pixels + ((<usize>from) << 2)
  const filtered = d.filtered + ((<usize>from) << 2)
  const start = load<i32>(pixels)
  const startY = start / width
  const startX = start - startY * width
  let sum: f64 = 0, sx: f64 = 0, sy: f64 = 0, sxx: f64 = 0, syy: f64 = 0, sxy: f64 = 0, flux: f64 = 0, noise: f64 = 0
  let peak: f64 = -Infinity
  let filteredPeak: f64 = -Infinity
  let peakAt = start
  let brightestAt = start
  const most = max<i32>(1, min<i32>(64, d.minimumArea))
  let left = 0, right = 0, top = 0, bits = 0, row = startY, rowStart = startY * width
  for (let k: usize = 0; k < (<usize>n) << 2; k += 4) {
    const p = load<i32>(pixels + k)
    while (p >= rowStart + width) {
      row++
      rowStart += width
    }
    const dx = p - rowStart - startX
    const x = <f64>dx
    const y = <f64>(row - startY)
    const value = <f64>load<f32>(filtered + k)
    const raw = <f64>load<f32>(scene.net + ((<usize>p) << 2))
    if (most > 1) {
      // SExtractor passes over the pixel at which it sorts those before
      if (!d.classic || <i32>(k >> 2) != most) rank(<f32>value, <i32>(k >> 2), most)
    }
    sum += value
    sx += value * x
    sy += value * y
    sxx += value * x * x
    syy += value * y * y
    sxy += value * x * y
    if (raw == raw) {
      flux += raw
      if (scene.error) {
        const sigma = <f64>load<f32>(scene.error + ((<usize>p) << 2))
        noise += sigma * sigma
      } else if (raw > 0) noise += raw * scene.perUnit
      if (raw > peak) {
        peak = raw
        brightestAt = p
      }
    }
    if (value > filteredPeak) {
      filteredPeak = value
      peakAt = p
    }
    left = min<i32>(left, dx)
    right = max<i32>(right, dx)
    top = row - startY
    if (d.mask) bits |= <i32>load<i16>(d.mask + ((<usize>p) << 1))
  }
  const x = sx / sum
  const y = sy / sum
  const sky = meshAt(d, scene, <i32>Math.round(x) + startX, <i32>Math.round(y) + startY)
  source.sky = sky * sky
  source.x = x + startX
  source.y = y + startY
  source.flux = flux
  source.filteredFlux = sum
  source.variance = noise + (scene.error ? 0 : source.sky * <f64>n)
  source.peak = peak
  source.filteredPeak = filteredPeak
  source.peakAt = peakAt
  source.brightestAt = brightestAt
  source.x0 = startX + left
  source.x1 = startX + right
  source.y0 = startY
  source.y1 = startY + top
  source.from = from
  source.area = n
  source.bits = bits
  source.held = most > 1 ? <f64>load<f32>(highest + ((<usize>(min<i32>(most, n) - 1)) << 2)) : filteredPeak
  source.number = source.half = 0
  source.limit = d.isophote * d.factor * sky
  const middle = <f32>((source.limit + filteredPeak) / 2)
  let upper = 0
  for (let k: usize = 0; k < (<usize>n) << 2; k += 4) if (load<f32>(filtered + k) > middle) upper++
  source.upper = upper
  setEllipse(source, sxx / sum - x * x, syy / sum - y * y, sxy / sum - x * y)
}

/** The ellipse of these second moments; sources one pixel wide get the variance of a pixel, 1/12. */
function setEllipse(source: Source, varianceX: f64, varianceY: f64, mixed: f64): void {
  let vx = varianceX
  let vy = varianceY
  if (!(vx * vy - mixed * mixed >= 0.00694)) {
    vx += 0.0833333
    vy += 0.0833333
  }
  const determinant = max<f64>(vx * vy - mixed * mixed, 1e-6)
  const mean = (vx + vy) / 2
  const half = Math.sqrt(((vx - vy) * (vx - vy)) / 4 + mixed * mixed)
  source.a = Math.sqrt(mean + half)
  source.b = Math.sqrt(max<f64>(mean - half, 0))
  source.theta = Math.atan2(2 * mixed, vx - vy) / 2
  source.xx = vy / determinant
  source.yy = vx / determinant
  source.xy = (-2 * mixed) / determinant
}
