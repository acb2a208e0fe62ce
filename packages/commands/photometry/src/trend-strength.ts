/** One light curve beside a trend: values that are NaN are missing. */
export interface Course {
  value: ArrayLike<number>
  error: ArrayLike<number>
  /** What the other stars show, frame by frame. */
  course: ArrayLike<number>
}

/** How strongly stars follow a trend, as most of them do: their middle, and how far they lie from it. */
export interface Usual {
  middle: number
  scatter: number
}

export interface Followed {
  strength: number
  /** Of the strength; larger where the star does more than the trend, the event and its errors explain. */
  error: number
  /** Mean of the course over the points of the star, weighed as they are. */
  level: number
  /** Change of magnitude in the event that was found beside the trend; 0: none. */
  event: number
}

/** Places at which an event may begin or end, at most. */
const EDGES = 48
/** Points in an event, and outside it, at least. */
const LEAST = 3
/** An event is believed that lowers chi square by so much: among a thousand of pure chance none does. */
const BELIEVED = 20

/**
 * How strongly a star follows a trend, as least squares say, given what is usual: and whether it has an event beside it, a
 * stretch of frames in which it is fainter or brighter by one amount, as a transit makes it. Where that explains the star
 * better the two are fitted together, and no part of the event is taken for the trend (Foreman-Mackey et al. 2015, ApJ 806,
 * 215: trends and transits at once).
 */
export function followedBeside(star: Course, usual: Usual): Followed {
  const sums = sumsOf(star, usual)
  const { w, c, r } = sums.all
  const plain = solveTwo(sums)
  const n = sums.places.length
  let best = { chi: plain.chi, strength: plain.strength, error: plain.error, event: 0 }
  const step = Math.max(1, n / EDGES)
  for (let from = 0; from < n; from += step) {
    for (let to = from + step; to <= n + 1e-9; to += step) {
      const [a, b] = [Math.round(from), Math.round(to)]
      if (b - a < LEAST || n - (b - a) < LEAST) continue
      const box = {
        w: sums.upTo.w[b]! - sums.upTo.w[a]!,
        c: sums.upTo.c[b]! - sums.upTo.c[a]!,
        r: sums.upTo.r[b]! - sums.upTo.r[a]!,
      }
      // what is left of the event, of its likeness to the trend and of its data, once the level is taken out
      const square = box.w - (box.w * box.w) / w
      const like = box.c - (box.w * c) / w
      const data = box.r - (box.w * r) / w
      const determinant = plain.square * square - like * like
      if (!(determinant > 1e-6 * plain.square * square)) continue
      const strength = (plain.data * square - like * data) / determinant
      const event = (data * plain.square - like * plain.data) / determinant
      const chi = plain.total - strength * plain.data - event * data
      if (chi < best.chi) best = { chi, strength, error: Math.sqrt(square / determinant), event }
    }
  }
  const misfit = (chi: number) => Math.max(1, chi / Math.max(1, n - 3))
  // errors that are too small make events of what is noise
  if (plain.chi - best.chi < BELIEVED * misfit(best.chi)) best = { ...plain, event: 0 }
  const error = best.error * Math.sqrt(misfit(best.chi))
  return { strength: best.strength, error, level: c / w, event: best.event }
}

/** Sums over the points that there are, and up to each of them; what is usual counts as one more measurement. */
function sumsOf({ value, error, course }: Course, { middle, scatter }: Usual) {
  const places = Array.from({ length: value.length }, (_, i) => i).filter((i) => Number.isFinite(value[i]!))
  const n = places.length
  const upTo = { w: new Float64Array(n + 1), c: new Float64Array(n + 1), r: new Float64Array(n + 1) }
  const known = scatter > 0 ? 1 / scatter ** 2 : 0
  const pairs = { cc: known, cr: known * middle, rr: known * middle * middle }
  // far from 0 the squares would lose their digits
  const base = n > 0 ? value[places[0]!]! : 0
  places.forEach((i, k) => {
    const weight = 1 / error[i]! ** 2
    const [along, rest] = [course[i]!, value[i]! - base]
    upTo.w[k + 1] = upTo.w[k]! + weight
    upTo.c[k + 1] = upTo.c[k]! + weight * along
    upTo.r[k + 1] = upTo.r[k]! + weight * rest
    pairs.cc += weight * along * along
    pairs.cr += weight * along * rest
    pairs.rr += weight * rest * rest
  })
  return { places, upTo, all: { w: upTo.w[n]!, c: upTo.c[n]!, r: upTo.r[n]! }, pairs }
}

/** Level and strength alone. */
function solveTwo({ all: { w, c, r }, pairs }: ReturnType<typeof sumsOf>) {
  const square = pairs.cc - (c * c) / w
  const data = pairs.cr - (c * r) / w
  const total = pairs.rr - (r * r) / w
  const strength = square > 0 ? data / square : 0
  return {
    square,
    data,
    total,
    strength,
    error: square > 0 ? 1 / Math.sqrt(square) : Infinity,
    chi: total - strength * data,
  }
}
