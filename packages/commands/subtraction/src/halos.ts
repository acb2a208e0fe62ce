import { median, medianOf } from '@nightpipe/math'
import type { Planes } from './difference.js'
import type { Registered } from './register.js'
import type { Side } from './side.js'

/** Stars of so many sigma of the sky are looked at, from so many FWHM off: nearer there is more than a halo. */
const BRIGHT = 1000
const FIRST = 2.5
/** They are looked at out to so many FWHM, and while a halo goes on twice as far, up to the last. */
const REACH = 10
const FARTHEST = 40
/** Medians of rings of so many errors, one after the other, are a halo. */
const SIGNIFICANT = 2
const TOGETHER = 3
/** Independent values that a ring must have to be believed. */
const LEAST = 6
/** Error of a median over that of a mean. */
const OF_MEDIAN = 1.2533

/** What a halo is measured on and taken off. */
interface Scene {
  planes: Planes
  blank: Uint8Array
  width: number
  height: number
  fwhm: number
}

interface Star {
  x: number
  y: number
  flux: number
}

/** A ring of one pixel about a star: median and error of what the matched filter and the difference have there. */
interface Ring {
  filtered: number
  plain: number
  error: number
}

/**
 * Takes off the halos of very bright stars, saturated ones too: their far wings differ with the seeing, and no kernel
 * reaches so far. They are smooth: of each star the median in rings, as far out as it stands out of the noise.
 */
export function takeOffHalos(
  planes: Planes,
  blank: Uint8Array,
  { fresh, reference, ratio, seeing }: { fresh: Side; reference: Registered; ratio: number; seeing: number },
): void {
  const { width, height } = fresh
  const scene = { planes, blank, width, height, fwhm: seeing }
  const noise = medianOf(everyHundredth(planes.fluxError))
  for (const star of brightStars(fresh, reference, ratio, seeing, BRIGHT * noise)) {
    const first = Math.ceil(FIRST * seeing)
    const rings: Ring[] = []
    let last = first
    for (let reach = REACH; reach <= FARTHEST; reach *= 2) {
      rings.push(...ringsAbout(star, scene, first + rings.length, Math.ceil(reach * seeing)))
      last = first + endOf(rings)
      if (last < first + rings.length - seeing) break
    }
    if (last > first) takeOff(star, scene, rings, first, last)
  }
}

/** Some of the values above 0. */
function everyHundredth(values: Float32Array): Float64Array {
  const some: number[] = []
  for (let p = 0; p < values.length; p += 101) if (values[p]! > 0) some.push(values[p]!)
  return Float64Array.from(some)
}

/** Of both frames, the brightest first: some are seen in one of them only. */
function brightStars(fresh: Side, { stars }: Registered, ratio: number, fwhm: number, least: number): Star[] {
  const mine = fresh.found.stars
  const all: Star[] = []
  for (let i = 0; i < mine.count; i++) all.push({ x: mine.x[i]!, y: mine.y[i]!, flux: mine.flux[i]! })
  for (let i = 0; i < stars.x.length; i++) all.push({ x: stars.x[i]!, y: stars.y[i]!, flux: stars.flux[i]! * ratio })
  const bright = all.filter(({ flux }) => flux > least).sort((a, b) => b.flux - a.flux || a.y - b.y || a.x - b.x)
  const kept: Star[] = []
  for (const star of bright) {
    if (!kept.some(({ x, y }) => Math.hypot(x - star.x, y - star.y) < fwhm)) kept.push(star)
  }
  return kept
}

/** Calls `visit` with each pixel whose distance from a star is between two, and that distance. */
function eachAbout(
  { x, y }: Star,
  { width, height }: Scene,
  first: number,
  last: number,
  visit: (p: number, away: number) => void,
) {
  for (let v = Math.max(0, Math.ceil(y - last)); v <= Math.min(height - 1, y + last); v++) {
    const across = (v - y) * (v - y)
    const [reach, hole] = [Math.sqrt(last * last - across), Math.sqrt(Math.max(0, first * first - across))]
    for (let u = Math.max(0, Math.ceil(x - reach)); u <= Math.min(width - 1, x + reach); u++) {
      if (Math.abs(u - x) < hole) u = Math.max(u, Math.ceil(x + hole))
      const away = Math.sqrt((u - x) * (u - x) + across)
      if (away >= first && away < last && u < width) visit(v * width + u, away)
    }
  }
}

/** Rings from `first` on, centred at whole distances; those of few pixels have no end to their errors. */
function ringsAbout(star: Star, scene: Scene, first: number, last: number): Ring[] {
  const { planes, blank, fwhm } = scene
  // a ring of one pixel holds about as many as it is long
  const pixels = Array.from({ length: last - first }, (_, k) => new Uint32Array(Math.ceil(7 * (first + k)) + 16))
  const counts = new Uint32Array(last - first)
  eachAbout(star, scene, first - 0.5, last - 0.5, (p, away) => {
    if (blank[p] !== 0 || !(planes.fluxError[p]! > 0) || Number.isNaN(planes.difference[p]!)) return
    const ring = Math.round(away) - first
    pixels[ring]![counts[ring]!++] = p
  })
  return pixels.map((all, k) => ringOf(all.subarray(0, counts[k]), planes, fwhm))
}

function ringOf(pixels: Uint32Array, { score, fluxError, difference }: Planes, fwhm: number): Ring {
  const n = pixels.length
  // the pixels that the matched filter makes alike are not independent
  const independent = n / ((Math.PI / 4) * (1.2 * fwhm) ** 2)
  if (!(independent * fwhm > LEAST)) return { filtered: 0, plain: 0, error: Number.POSITIVE_INFINITY }
  const [filtered, plain, error] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  for (let k = 0; k < n; k++) {
    const p = pixels[k]!
    filtered[k] = score[p]! * fluxError[p]!
    plain[k] = difference[p]!
    error[k] = fluxError[p]!
  }
  return {
    filtered: median(filtered),
    plain: median(plain),
    error: (OF_MEDIAN * median(error)) / Math.sqrt(independent),
  }
}

/** Rings that belong to the halo: up to the last few that stand out to the same side. */
function endOf(rings: readonly Ring[]): number {
  for (let end = rings.length; end >= TOGETHER; end--) {
    const some = rings.slice(end - TOGETHER, end)
    if ([1, -1].every((sign) => some.some(({ filtered, error }) => sign * filtered < SIGNIFICANT * error))) continue
    return end
  }
  return 0
}

/** Takes the smoothed profile off; beyond its end it fades within one FWHM. */
function takeOff(star: Star, scene: Scene, rings: readonly Ring[], first: number, last: number): void {
  const { planes, fwhm } = scene
  const [filtered, plain] = (['filtered', 'plain'] as const).map((key) =>
    smoothed(
      rings.map((ring) => ring[key]),
      first,
    ),
  )
  const end = Math.min(last + fwhm, first + rings.length - 1)
  eachAbout(star, scene, first, end, (p, away) => {
    const k = Math.floor(away) - first
    const part = away - first - k
    const fade = Math.min(1, (end - away) / Math.max(1, end - last))
    const at = (profile: readonly number[]) => fade * ((1 - part) * profile[k]! + part * (profile[k + 1] ?? 0))
    const sigma = planes.fluxError[p]!
    if (sigma > 0) planes.score[p]! -= at(filtered!) / sigma
    planes.difference[p]! -= at(plain!)
  })
}

/** Means of three rings, as if light fell off with the third power of the distance. */
function smoothed(values: readonly number[], first: number): number[] {
  const cube = (k: number) => (first + k) * (first + k) * (first + k)
  const flat = values.map((value, k) => value * cube(k))
  return flat.map((value, k) => {
    const three = [flat[k - 1] ?? value, value, flat[k + 1] ?? value]
    return three.reduce((a, b) => a + b) / 3 / cube(k)
  })
}
