/** What became of a pixel of a column. */
export const PixelState = { used: 0, outside: 1, bad: 2, saturated: 4, rejected: 8 } as const

/**
 * One column of a group of neighbouring orders: pixels d, and fluxes f of the traces with profiles P, so that
 * d = Σ f P + noise. Scratch that is filled anew for every column. Rows count from the lowest of the group.
 */
export interface ColumnFit {
  rows: number
  data: Float64Array
  /** of the read noise and whatever else does not come with the light of the traces, unit² */
  dark: Float64Array
  /** one over the variance of the model, unit⁻² */
  inverse: Float64Array
  model: Float64Array
  /** PixelState */
  state: Uint8Array
  traces: number
  /** rows of every profile */
  span: number
  /** first row of each profile; may be negative, where a profile sticks out of the detector */
  start: Int32Array
  profile: Float64Array
  flux: Float64Array
  /** one sigma; NaN where no pixel tells the flux */
  error: Float64Array
  /** neighbours whose profiles overlap, at most */
  band: number
  /** [trace][0 … band]: of the normal equations, then their factor */
  matrix: Float64Array
  right: Float64Array
  column: Float64Array
}

export function createColumnFit(traces: number, rows: number, span: number, band: number): ColumnFit {
  return {
    ...{ rows: 0, traces: 0, span, band },
    data: new Float64Array(rows),
    dark: new Float64Array(rows),
    inverse: new Float64Array(rows),
    model: new Float64Array(rows),
    state: new Uint8Array(rows),
    start: new Int32Array(traces),
    profile: new Float64Array(traces * span),
    flux: new Float64Array(traces),
    error: new Float64Array(traces),
    matrix: new Float64Array(traces * (band + 1)),
    right: new Float64Array(traces),
    column: new Float64Array(traces),
  }
}

/** A share of the light below this part of the largest tells too little of the flux to be asked at first. */
const CORE = 0.15

const ratios = new Float64Array(256)
const weights = new Float64Array(256)

/**
 * Fluxes to begin with that few bad pixels cannot spoil: those that make Σ |d − f P| least, trace by trace, which is the
 * median of d / P weighted by P. Light of neighbours is taken off as far as it is known.
 */
export function startFluxes(fit: ColumnFit): void {
  const { span, start, profile, data, state, flux, rows } = fit
  for (let a = 0; a < fit.traces; a++) {
    let peak = 0
    for (let k = 0; k < span; k++) peak = Math.max(peak, profile[a * span + k]!)
    let n = 0
    let total = 0
    for (let k = 0; k < span && n < 256; k++) {
      const row = start[a]! + k
      const p = profile[a * span + k]!
      if (row < 0 || row >= rows || p < CORE * peak || p <= 0 || state[row] !== 0) continue
      const ratio = data[row]! / p
      let at = n++
      for (; at > 0 && ratios[at - 1]! > ratio; at--) {
        ratios[at] = ratios[at - 1]!
        weights[at] = weights[at - 1]!
      }
      ratios[at] = ratio
      weights[at] = p
      total += p
    }
    let below = 0
    let k = 0
    while (k < n && below + weights[k]! < total / 2) below += weights[k++]!
    flux[a] = n > 0 ? ratios[Math.min(k, n - 1)]! : 0
  }
}

/** What the fluxes give every pixel, and its variance: `perElectron` is that of a unit of light. */
export function updateModel(fit: ColumnFit, perElectron: number): void {
  const { rows, model, inverse, dark, span, start, profile, flux } = fit
  model.fill(0, 0, rows)
  for (let a = 0; a < fit.traces; a++) {
    const f = flux[a]!
    const from = Math.max(0, -start[a]!)
    const to = Math.min(span, rows - start[a]!)
    for (let k = from; k < to; k++) model[start[a]! + k]! += f * profile[a * span + k]!
  }
  for (let row = 0; row < rows; row++) {
    const light = model[row]!
    inverse[row] = 1 / (light > 0 ? dark[row]! + perElectron * light : dark[row]!)
  }
}

/** A trace whose pixels hold less than this much of what they could tell has no flux. */
const LEAST = 1e-12

/** Weighted least squares for all fluxes of the column at once, and their errors. */
export function solveFluxes(fit: ColumnFit): void {
  const { traces, band, span, start, profile, data, inverse, state, rows, matrix, right } = fit
  const stride = band + 1
  matrix.fill(0, 0, traces * stride)
  right.fill(0, 0, traces)
  for (let a = 0; a < traces; a++) {
    const from = Math.max(0, -start[a]!)
    const to = Math.min(span, rows - start[a]!)
    let sum = 0
    let diagonal = 0
    for (let k = from; k < to; k++) {
      const row = start[a]! + k
      if (state[row] !== 0) continue
      const p = profile[a * span + k]!
      const weighted = p * inverse[row]!
      diagonal += weighted * p
      sum += weighted * data[row]!
    }
    matrix[a * stride] = diagonal
    right[a] = sum
    for (let j = 1; j <= band && a + j < traces; j++) {
      const b = a + j
      const low = Math.max(0, start[a]!, start[b]!)
      const high = Math.min(rows, start[a]! + span, start[b]! + span)
      if (low >= high) break
      let cross = 0
      for (let row = low; row < high; row++) {
        if (state[row] !== 0) continue
        cross += profile[a * span + row - start[a]!]! * profile[b * span + row - start[b]!]! * inverse[row]!
      }
      matrix[a * stride + j] = cross
    }
  }
  factorAndSolve(fit)
}

/** Banded L D Lᵀ of the normal equations, their solution, and the roots of the diagonal of their inverse. */
function factorAndSolve(fit: ColumnFit): void {
  const { traces, band, matrix, right, flux, error } = fit
  const stride = band + 1
  for (let a = 0; a < traces; a++) {
    if (!(matrix[a * stride]! > LEAST)) {
      // nothing tells this flux: an equation of its own, f = 0
      for (let j = 1; j <= band; j++) {
        matrix[a * stride + j] = 0
        if (a >= j) matrix[(a - j) * stride + j] = 0
      }
      matrix[a * stride] = -1
      right[a] = 0
    }
  }
  for (let a = 0; a < traces; a++) {
    const pivot = matrix[a * stride]!
    for (let j = 1; j <= band && a + j < traces; j++) {
      const factor = matrix[a * stride + j]! / pivot
      if (factor === 0) continue
      for (let i = j; i <= band && a + i < traces; i++) {
        matrix[(a + j) * stride + i - j]! -= factor * matrix[a * stride + i]!
      }
      right[a + j]! -= factor * right[a]!
    }
  }
  for (let a = traces - 1; a >= 0; a--) {
    let rest = right[a]!
    for (let j = 1; j <= band && a + j < traces; j++) rest -= matrix[a * stride + j]! * flux[a + j]!
    flux[a] = rest / matrix[a * stride]!
  }
  for (let a = 0; a < traces; a++) error[a] = Math.sqrt(inverseDiagonal(fit, a))
}

/** How many neighbours the inverse is followed to: overlaps are faint, and their powers fainter. */
const FAR = 4

/** Of A = L D Lᵀ, an element of the diagonal of the inverse: Σ z² / d with L z = e. NaN where nothing tells the flux. */
function inverseDiagonal({ traces, band, matrix, column }: ColumnFit, a: number): number {
  const stride = band + 1
  const end = Math.min(traces, a + 1 + FAR * band)
  column.fill(0, a, end)
  column[a] = 1
  let sum = 0
  for (let b = a; b < end; b++) {
    const z = column[b]!
    if (z === 0) continue
    const pivot = matrix[b * stride]!
    if (pivot < 0) return Number.NaN
    sum += (z * z) / pivot
    for (let j = 1; j <= band && b + j < end; j++) column[b + j]! -= (matrix[b * stride + j]! / pivot) * z
  }
  return sum
}
