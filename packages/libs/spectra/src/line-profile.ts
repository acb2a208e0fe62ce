import { solve } from '@nightpipe/math'

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

/** Nodes and weights of Gauss and Legendre over a pixel: the integral of a Gaussian of σ > 0.7 px is good to 1e-5 of its height. */
const NODES = [-Math.sqrt(0.15), 0, Math.sqrt(0.15)]
const WEIGHTS = [5 / 18, 4 / 9, 5 / 18]

/** A gain of χ² below which another step would move no line by a hundredth of its error. */
const SETTLED = 1e-4

/**
 * Gaussians of one common width, integrated over pixels, on a constant background, fitted together near the given peaks
 * (Levenberg and Marquardt). The width is held near the expected one (within about 20 %) where the light does not tell; errors are
 * scaled by the root of χ² per degree of freedom where that is above 1.
 */
export function fitLines(light: Float64Array, sigma: Float64Array, peaks: readonly number[], fwhm: number): LineFit[] {
  const from = Math.max(0, Math.floor(peaks[0] - 1.7 * fwhm))
  const to = Math.min(light.length - 1, Math.ceil(peaks[peaks.length - 1] + 1.7 * fwhm))
  const width = fwhm / GAUSSIAN_FWHM
  const n = 2 + 2 * peaks.length
  const problem = { light, sigma, from, to, width, slope: new Float64Array(n), matrix: new Float64Array(n * n) }
  let [current, next] = [emptyState(n), emptyState(n)]
  // background, width, then height of the peak and place of each line
  current.parameters[1] = width
  peaks.forEach((x, k) => {
    current.parameters[2 + 2 * k] = Math.max(light[x], 0) * width * Math.sqrt(2 * Math.PI)
    current.parameters[3 + 2 * k] = x
  })
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
  return describe(current, peaks.length)
}

interface Problem {
  light: Float64Array
  sigma: Float64Array
  from: number
  to: number
  width: number
  /** scratch */
  slope: Float64Array
  matrix: Float64Array
}

interface State {
  parameters: Float64Array
  normal: Float64Array
  gradient: Float64Array
  /** χ² with the term of the width */
  cost: number
  chiSquare: number
  pixels: number
}

const emptyState = (n: number): State => ({
  parameters: new Float64Array(n),
  normal: new Float64Array(n * n),
  gradient: new Float64Array(n),
  ...{ cost: 0, chiSquare: 0, pixels: 0 },
})

/** χ² of the parameters, its gradient and its curvature. */
function evaluate({ light, sigma, from, to, width, slope }: Problem, state: State): void {
  const { parameters, normal, gradient } = state
  const n = parameters.length
  normal.fill(0)
  gradient.fill(0)
  let chiSquare = 0
  let pixels = 0
  for (let x = from; x <= to; x++) {
    if (sigma[x] === Number.POSITIVE_INFINITY) continue
    const weight = 1 / sigma[x]
    const residual = (light[x] - profile(parameters, x, slope)) * weight
    chiSquare += residual * residual
    pixels++
    for (let i = 0; i < n; i++) {
      const s = slope[i] * weight
      if (s === 0) continue
      gradient[i] += s * residual
      for (let j = 0; j <= i; j++) normal[i * n + j] += s * slope[j] * weight
    }
  }
  const pull = (width - parameters[1]) / (0.2 * width)
  gradient[1] += pull / (0.2 * width)
  normal[n + 1] += 1 / (0.2 * width) ** 2
  state.cost = chiSquare + pull * pull
  state.chiSquare = chiSquare
  state.pixels = pixels
}

/** The model in a pixel, and its derivatives. */
function profile(p: Float64Array, x: number, slope: Float64Array): number {
  const sigma = p[1]
  const norm = 1 / (sigma * Math.sqrt(2 * Math.PI))
  let total = p[0]
  slope.fill(0)
  slope[0] = 1
  for (let k = 2; k < p.length; k += 2) {
    if (Math.abs(x - p[k + 1]) > 6 * sigma + 1) continue
    for (let node = 0; node < 3; node++) {
      const u = (x + NODES[node] - p[k + 1]) / sigma
      const density = WEIGHTS[node] * norm * Math.exp(-0.5 * u * u)
      const light = p[k] * density
      total += light
      slope[k] += density
      slope[k + 1] += (light * u) / sigma
      slope[1] += (light * (u * u - 1)) / sigma
    }
  }
  return total
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

function describe({ parameters: p, normal, chiSquare, pixels }: State, lines: number): LineFit[] {
  const n = p.length
  const reduced = chiSquare / Math.max(1, pixels - n)
  const scale = Math.max(1, reduced)
  return Array.from({ length: lines }, (_, line) => {
    const k = 2 + 2 * line
    return {
      ...{ x: p[k + 1], error: Math.sqrt(scale * variance(normal, n, k + 1)), flux: p[k] },
      ...{ fluxError: Math.sqrt(scale * variance(normal, n, k)), sigma: p[1], chiSquare: reduced },
    }
  })
}

/** One diagonal element of the inverse. */
function variance(normal: Float64Array, n: number, k: number): number {
  const unit = new Float64Array(n)
  unit[k] = 1
  try {
    return solve(normal, unit)[k]
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
