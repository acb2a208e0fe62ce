import { allocate, kernels } from '@nightpipe/kernels'
import { solve, solver } from '@nightpipe/math'

/** Full width at half maximum of a Gaussian, in sigma. */
export const GAUSSIAN_FWHM = 2 * Math.sqrt(2 * Math.log(2))

/** One Gaussian of a group. */
export interface LineFit {
  /** px */
  x: number
  error: number
  /** whole light */
  flux: number
  fluxError: number
  /** of the Gaussian, before the pixels took their share, px */
  sigma: number
  chiSquare: number
}

/** A gain of χ² below which another step would move no line by a hundredth of its error. */
const SETTLED = 1e-4

/** Lines that are fitted together, at most. */
export const MOST_TOGETHER = 6

/** An order on which lines are fitted, in kernel memory, and room for that: call it within `scoped`. */
export interface LineBench {
  light: Float64Array
  sigma: Float64Array
  slopes: Float64Array
  unknowns: [Float64Array, Float64Array]
  normal: [Float64Array, Float64Array]
  gradient: [Float64Array, Float64Array]
}

export function lineBench(light: Float64Array, sigma: Float64Array): LineBench {
  const copy = (values: Float64Array) => {
    const own = allocate(Float64Array, values.length)
    own.set(values)
    return own
  }
  const n = 2 + 2 * MOST_TOGETHER
  const two = (length: number) =>
    [allocate(Float64Array, length), allocate(Float64Array, length)] as [Float64Array, Float64Array]
  const slopes = allocate(Float64Array, (n + 1) * light.length)
  return { light: copy(light), sigma: copy(sigma), slopes, unknowns: two(n), normal: two(n * n), gradient: two(n) }
}

/**
 * Gaussians of one common width, integrated over pixels, on a constant background, fitted together near the given peaks
 * (Levenberg and Marquardt). The width is held near the expected one (within about 20 %) where the light does not tell; errors are
 * scaled by the root of χ² per degree of freedom where that is above 1.
 */
export function fitLines(bench: LineBench, peaks: ArrayLike<number>, fwhm: number): LineFit[] {
  const { light, sigma } = bench
  const from = Math.max(0, Math.floor(peaks[0] - 1.7 * fwhm))
  const to = Math.min(light.length - 1, Math.ceil(peaks[peaks.length - 1] + 1.7 * fwhm))
  const width = fwhm / GAUSSIAN_FWHM
  const n = 2 + 2 * peaks.length
  let pixels = 0
  for (let x = from; x <= to; x++) if (sigma[x] !== Number.POSITIVE_INFINITY) pixels++
  const problem: Problem = { bench, from, to, width, pixels, matrix: new Float64Array(n * n) }
  let [current, next] = [stateOf(bench, 0, n), stateOf(bench, 1, n)]
  // background, width, then height of the peak and place of each line
  current.parameters[0] = 0
  current.parameters[1] = width
  for (let k = 0; k < peaks.length; k++) {
    const x = peaks[k]
    current.parameters[2 + 2 * k] = Math.max(light[x], 0) * width * Math.sqrt(2 * Math.PI)
    current.parameters[3 + 2 * k] = x
  }
  evaluate(problem, current)
  let damping = 1e-3
  for (let step = 0; step < 30 && damping < 1e8; step++) {
    moveFrom(current, damping, fwhm, problem.matrix, next.parameters)
    evaluate(problem, next)
    const gain = current.cost - next.cost
    damping = gain >= 0 ? damping / 10 : damping * 10
    if (!(gain >= 0)) continue
    ;[current, next] = [next, current]
    if (gain < SETTLED + 1e-7 * current.cost) break
  }
  return describe(current, peaks.length, pixels)
}

interface Problem {
  bench: LineBench
  from: number
  to: number
  width: number
  /** that tell something */
  pixels: number
  /** scratch */
  matrix: Float64Array
}

interface State {
  parameters: Float64Array
  normal: Float64Array
  gradient: Float64Array
  /** χ² with the term of the width */
  cost: number
  chiSquare: number
}

const stateOf = ({ unknowns, normal, gradient }: LineBench, k: 0 | 1, n: number): State => ({
  parameters: unknowns[k].subarray(0, n),
  normal: normal[k].subarray(0, n * n),
  gradient: gradient[k].subarray(0, n),
  ...{ cost: 0, chiSquare: 0 },
})

/** χ² of the parameters, its gradient and its curvature. */
function evaluate({ bench, from, to, width }: Problem, state: State): void {
  const { parameters, normal, gradient } = state
  const n = parameters.length
  const order = [bench.light.byteOffset, bench.sigma.byteOffset, from, to] as const
  const into = [normal.byteOffset, gradient.byteOffset, bench.slopes.byteOffset] as const
  state.chiSquare = kernels().lineEquations(parameters.byteOffset, n, ...order, ...into)
  const pull = (width - parameters[1]) / (0.2 * width)
  gradient[1] += pull / (0.2 * width)
  normal[n + 1] += 1 / (0.2 * width) ** 2
  state.cost = state.chiSquare + pull * pull
}

/** The next parameters; a step moves no line by more than half a width and keeps the width within a factor of 1.5. */
function moveFrom(state: State, damping: number, fwhm: number, matrix: Float64Array, out: Float64Array): void {
  const { parameters, normal, gradient } = state
  const n = parameters.length
  matrix.set(normal)
  for (let i = 0; i < n; i++) matrix[i * n + i] = matrix[i * n + i] * (1 + damping) + 1e-30
  out.set(parameters)
  let step: Float64Array
  try {
    step = solve(matrix, gradient)
  } catch {
    return // lines that cannot be told apart: what is there stays
  }
  for (let i = 0; i < n; i++) out[i] += step[i]
  out[1] = Math.min(parameters[1] * 1.5, Math.max(parameters[1] / 1.5, out[1], 0.3))
  for (let k = 3; k < n; k += 2) out[k] = parameters[k] + Math.min(fwhm / 2, Math.max(-fwhm / 2, step[k]))
}

function describe({ parameters: p, normal, chiSquare }: State, lines: number, pixels: number): LineFit[] {
  const n = p.length
  const reduced = chiSquare / Math.max(1, pixels - n)
  const scale = Math.max(1, reduced)
  const variance = variancesOf(normal, n)
  return Array.from({ length: lines }, (_, line) => {
    const k = 2 + 2 * line
    return {
      ...{ x: p[k + 1], error: Math.sqrt(scale * variance(k + 1)), flux: p[k] },
      ...{ fluxError: Math.sqrt(scale * variance(k)), sigma: p[1], chiSquare: reduced },
    }
  })
}

/** Diagonal elements of the inverse. */
function variancesOf(normal: Float64Array, n: number): (k: number) => number {
  const unit = new Float64Array(n)
  try {
    const solved = solver(normal, n)
    return (k) => {
      unit.fill(0)
      unit[k] = 1
      return solved(unit)[k]
    }
  } catch {
    return () => Number.POSITIVE_INFINITY
  }
}
