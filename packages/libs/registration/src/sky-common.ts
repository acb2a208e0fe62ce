import { type CommonEquations, commonEquations, solveCommon } from './sky-common-equations.js'
import { linearPart, type Plate, type PlatePairs, termCount } from './sky-plate.js'
import { extraNoise } from './sky-residuals.js'

/** A frame of a common fit: the plate that it has so far, its pairs, and which star of the sky each is. */
export interface CommonFrame {
  start: Plate
  pairs: PlatePairs
  /** One number for each star of the sky, the same in all frames. */
  star: Int32Array
  /** One-sigma error of each centroid along an axis, pixels. */
  error?: Float64Array
}

export interface CommonOptions {
  /** Order of the distortion that all frames share. */
  order: number
  /** First guess of the error of a reference along an axis, milliarcseconds; the frames then tell it themselves. */
  referenceError: number
  /** Residuals beyond this many sigma are not used. */
  clip: number
}

/** One distortion for all frames, a pointing, turn, scale and slant for each. */
export interface CommonFit {
  plates: Plate[]
  /** Residuals of each frame, pixels, with the references where the frames together put them; 1 for those used. */
  residuals: { dx: Float64Array; dy: Float64Array; used: Uint8Array }[]
  /** Root mean square of the residuals used along one axis, pixels: what frames disagree among themselves. */
  rms: number
  /** Error of a reference along an axis as the frames see it, milliarcseconds. */
  referenceError: number
  /** What the residuals have beyond the errors of the centroids, pixels. */
  extra: number
}

const TURNS = 8

/**
 * Many frames of one camera fitted together (as SCAMP does: Bertin 2006, ASPC 351, 112). The references have errors: a star
 * that several frames saw is free to move by its own, and where it is comes out of all frames and the catalogue together, so
 * that the distortion is as good as the centroids, not as the references. The size of those errors is estimated on the way.
 */
export function fitCommon(frames: readonly CommonFrame[], options: Partial<CommonOptions> = {}): CommonFit {
  const { order, referenceError, clip } = { order: 3, referenceError: 50, clip: 4, ...options }
  const half = frames[0].start.half
  let plates = frames.map(({ start }) => start)
  const used = frames.map(({ pairs }) => new Uint8Array(pairs.x.length).fill(1))
  let [extra, reference] = [0.05, referenceError / 3.6e6]
  let state: { residuals: CommonFit['residuals']; rms: number } | undefined
  for (let turn = 0; turn < TURNS; turn++) {
    const sigma = frames.map(({ pairs, error }) =>
      Float64Array.from(pairs.x, (_, k) => Math.hypot(extra, error ? error[k] : 0)),
    )
    const equations = commonEquations(frames, plates, used, sigma, { order, half })
    const solution = solveCommon(equations, reference)
    plates = plates.map((plate, f) => movedPlate(plate, solution.values, f, equations))
    const before = { reference, extra, used: used.map((one) => one.slice()) }
    reference = Math.max(1e-12, solution.reference)
    const { residuals, left } = residualsAfter(frames, equations, solution, used)
    extra = Math.max(1e-4, extraNoise(left.dx, left.dy, left.claimed, 0))
    for (const [f, { dx, dy }] of residuals.entries()) {
      for (let k = 0; k < dx.length; k++) {
        const limit = clip * Math.SQRT2 * Math.hypot(extra, frames[f].error?.[k] ?? 0)
        used[f][k] = Math.hypot(dx[k], dy[k]) <= limit ? 1 : 0
      }
    }
    state = { residuals, rms: left.rms }
    const steady = (now: number, then: number) => Math.abs(now - then) <= 0.02 * then
    const sameStars = used.every((one, f) => one.every((value, k) => value === before.used[f][k]))
    if (turn > 1 && sameStars && steady(reference, before.reference) && steady(extra, before.extra)) break
  }
  return { ...state!, plates, referenceError: reference * 3.6e6, extra }
}

/** The plate with the corrections of the solution: the shared distortion replaced, its own linear part and pointing moved. */
function movedPlate(plate: Plate, values: Float64Array, frame: number, { shared, order }: CommonEquations): Plate {
  const [c11, c12, c21, c22] = linearPart(plate).matrix
  const { half } = plate
  const terms = termCount(order)
  const [u, v] = [new Float64Array(terms), new Float64Array(terms)]
  u.set(values.subarray(0, shared), 3)
  v.set(values.subarray(shared, 2 * shared), 3)
  const own = values.subarray(2 * shared + 6 * frame, 2 * shared + 6 * frame + 6)
  for (let i = 0; i < 3; i++) {
    u[i] = own[i] + (i === 1 ? 1 : 0)
    v[i] = own[3 + i] + (i === 2 ? 1 : 0)
  }
  const [first, second] = [new Float64Array(terms), new Float64Array(terms)]
  for (let i = 0; i < terms; i++) {
    first[i] = (c11 * u[i] + c12 * v[i]) * half
    second[i] = (c21 * u[i] + c22 * v[i]) * half
  }
  const sky = directionOnPlane(plate.sky, first[0], second[0])
  first[0] = second[0] = 0
  return { ...plate, sky, order, first, second }
}

function directionOnPlane([ra, dec]: readonly [number, number], east: number, north: number): [number, number] {
  const radians = Math.PI / 180
  const [e, n, s, c] = [east * radians, north * radians, Math.sin(dec * radians), Math.cos(dec * radians)]
  const along = c - n * s
  const turned = ra + Math.atan2(e, along) / radians
  return [((turned % 360) + 360) % 360, Math.atan2(s + n * c, Math.hypot(e, along)) / radians]
}

function residualsAfter(
  frames: readonly CommonFrame[],
  { observations, half }: CommonEquations,
  { left }: ReturnType<typeof solveCommon>,
  used: readonly Uint8Array[],
): {
  residuals: CommonFit['residuals']
  left: { dx: Float64Array; dy: Float64Array; claimed: Float64Array; rms: number }
} {
  const residuals = frames.map(({ pairs }, f) => ({
    dx: new Float64Array(pairs.x.length),
    dy: new Float64Array(pairs.x.length),
    used: used[f].slice(),
  }))
  const [dx, dy, claimed]: number[][] = [[], [], []]
  let [sum, n] = [0, 0]
  for (const [o, { frame, pair, seen }] of observations.entries()) {
    const [x, y] = [left[2 * o] * half, left[2 * o + 1] * half]
    residuals[frame].dx[pair] = x
    residuals[frame].dy[pair] = y
    if (!used[frame][pair]) continue
    sum += x * x + y * y
    n++
    if (seen < 2) continue // a star seen once moves to where it is seen
    const grow = Math.sqrt(seen / (seen - 1))
    dx.push(x * grow)
    dy.push(y * grow)
    claimed.push(frames[frame].error?.[pair] ?? 0)
  }
  if (dx.length === 0) {
    for (const { dx: x, dy: y } of residuals) {
      dx.push(...x)
      dy.push(...y)
      claimed.push(...new Array<number>(x.length).fill(0))
    }
  }
  const arrays = { dx: Float64Array.from(dx), dy: Float64Array.from(dy), claimed: Float64Array.from(claimed) }
  return { residuals, left: { ...arrays, rms: Math.sqrt(sum / Math.max(1, 2 * n)) } }
}
