import { medianOf } from '@nightpipe/math'
import type { CosmicRayOptions } from '../../src/cosmic-rays.js'
import { sharpnessOf } from '../../src/cosmic-star.js'
import { sampleSky, skyAt } from '../../src/sky-map.js'

/** The search of `findCosmicRays` spelled out: every map whole, every iteration from scratch. No stars are measured. */
export function denseCosmicRays(
  frame: { pixels: Float32Array; error: Float32Array; mask: Int16Array; width: number; height: number },
  options: CosmicRayOptions,
): Uint8Array {
  const { width, height } = frame
  const n = width * height
  const near = (p: number, radius: number, clampEdge: boolean) => {
    const list: number[] = []
    const x = p % width
    const y = Math.floor(p / width)
    for (let v = y - radius; v <= y + radius; v++) {
      for (let u = x - radius; u <= x + radius; u++) {
        const inside = u >= 0 && v >= 0 && u < width && v < height
        if (!inside && !clampEdge) continue
        list.push(Math.min(height - 1, Math.max(0, v)) * width + Math.min(width - 1, Math.max(0, u)))
      }
    }
    return list
  }
  const map = (f: (p: number) => number) => Float32Array.from({ length: n }, (_, p) => f(p))
  const medians = (plane: Float32Array, radius: number) =>
    map((p) => medianOf(near(p, radius, true).map((q) => plane[q])))
  const grow = (set: Uint8Array) => Uint8Array.from(set, (_, p) => (near(p, 1, false).some((q) => set[q]) ? 1 : 0))

  const bad = Uint8Array.from(frame.mask, (bits, p) => ((bits & 9) !== 0 || !Number.isFinite(frame.pixels[p]) ? 1 : 0))
  const saturated = Uint8Array.from(frame.mask, (bits) => ((bits & 2) !== 0 ? 1 : 0))
  const barred = Uint8Array.from(bad, (is, p) => (is || near(p, 2, false).some((q) => saturated[q]) ? 1 : 0))
  const sky = sampleSky(frame.pixels, width, height, { mask: frame.mask })
  const flagged = new Uint8Array(n)
  const stars = sharpnessOf(options.fwhm || 1)
  let pixels = frame.pixels
  let error = frame.error
  const repair = (plane: Float32Array, otherwise: number) =>
    map((p) => {
      if (!flagged[p] && !bad[p]) return plane[p]
      const good = near(p, 2, false).filter((q) => !flagged[q] && !bad[q])
      return good.length > 0 ? medianOf(good.map((q) => plane[q])) : otherwise
    })
  const clean = () => {
    pixels = repair(frame.pixels, sky.medianLevel)
    error = repair(frame.error, sky.medianSigma)
  }
  clean()
  const at = (x: number, y: number) =>
    Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))
  for (let iteration = 0; iteration < options.iterations; iteration++) {
    const noise = medians(error, 2)
    const laplacian = Float64Array.from({ length: n }, (_, p) => {
      const x = p % width
      const y = Math.floor(p / width)
      let sum = 0
      for (const h of [pixels[at(x - 1, y)], pixels[at(x + 1, y)]]) {
        for (const v of [pixels[at(x, y - 1)], pixels[at(x, y + 1)]]) sum += Math.max(0, 2 * pixels[p] - h - v)
      }
      return sum / 4
    })
    const significance = map((p) => laplacian[p] / (2 * noise[p]))
    const flag = (test: (p: number) => boolean) =>
      Uint8Array.from({ length: n }, (_, p) => (!flagged[p] && !barred[p] && test(p) ? 1 : 0))
    const join = (set: Uint8Array) => {
      for (let p = 0; p < n; p++) if (set[p]) flagged[p] = 1
    }
    const before = flagged.reduce((sum, is) => sum + is, 0)
    const five = medians(pixels, 2)
    if (options.method === 'paper') {
      const medianS = medians(significance, 2)
      const s = map((p) => significance[p] - medianS[p])
      const three = medians(pixels, 1)
      const seven = medians(three, 3)
      const { sigclip, sigfrac, objlim } = options
      const first = flag((p) => s[p] > sigclip && s[p] / Math.max(0.01, (three[p] - seven[p]) / noise[p]) > objlim)
      const beside = grow(first)
      const second = flag((p) => beside[p] === 1 && s[p] > sigclip)
      const core = Uint8Array.from(first, (is, p) => is | second[p])
      const besideCore = grow(core)
      const third = flag((p) => besideCore[p] === 1 && s[p] > sigfrac * sigclip)
      for (const set of [core, third]) join(set)
    } else {
      const beyondRepair = (q: number) => {
        if (!flagged[q] && !bad[q]) return pixels[q]
        const touching = near(q, 1, false).filter((r) => !flagged[r] && !bad[r])
        return touching.length > 0 ? Math.max(pixels[q], medianOf(touching.map((r) => pixels[r]))) : pixels[q]
      }
      const sharp = (p: number, margin: number) => {
        const x = p % width
        const y = Math.floor(p / width)
        const level = skyAt(sky, sky.level, x, y)
        return [
          [1, 0],
          [0, 1],
          [1, 1],
          [1, -1],
        ].some(([dx, dy], d) => {
          const [a, b] = [at(x + dx, y + dy), at(x - dx, y - dy)]
          const beside = (beyondRepair(a) + beyondRepair(b)) / 2
          const mean = beside - level + (margin * Math.hypot(error[a], error[b])) / 2
          return mean < options.contrast * stars.ratio[d] * (pixels[p] - level - margin * error[p])
        })
      }
      const own = (p: number) => ((frame.mask[p] & 32) !== 0 ? Math.max(noise[p], error[p]) : noise[p])
      const passes = (p: number, height: number, edge: number, margin: number) =>
        laplacian[p] > edge * 2 * own(p) && pixels[p] - five[p] > height * own(p) && sharp(p, margin)
      const { sigclip, sigfrac, margin } = options
      join(flag((p) => passes(p, sigclip, (2 / 3) * sigclip, margin)))
      const beside = grow(flagged)
      join(flag((p) => beside[p] === 1 && passes(p, sigfrac * sigclip, sigclip / 3, 1)))
    }
    if (flagged.reduce((sum, is) => sum + is, 0) === before) break
    clean()
  }
  return flagged
}
