/** How values between places are guessed: a sum of r^power around each of them, and a polynomial. */
export interface ScatteredKind {
  /** 1, 3 or 5: how smooth the surface is */
  power: 1 | 3 | 5
  /** of the polynomial, which is followed exactly: 0, 1 or 2 */
  degree: 0 | 1 | 2
}

/** What a place between known ones is made of. */
export interface ScatteredWeights {
  /** of each known value; they add up to 1 */
  weights: Float64Array
  /** their derivatives along each axis */
  slopes: Float64Array[]
  /** variance of the guess, in the unit of `leftOutVariance`; 0 at a known place */
  variance: number
}

/** An interpolation in any number of dimensions, whatever is interpolated. */
export interface Scattered {
  at(place: ArrayLike<number>): ScatteredWeights
  /** what is wrong with each value when it is guessed from all others */
  leftOut(values: ArrayLike<number>): Float64Array
  /** the variance that such a guess has, in the unit of `variance` */
  leftOutVariance: Float64Array
}

/** A little smoothness is given up, so that places that repeat one another share their weight instead of dividing by zero. */
const NUGGET = 1e-9

/**
 * Kriging of scattered places with the generalised covariance (-1)^((p+1)/2) r^p (Matheron 1973, Adv. Appl. Prob. 5, 439), which is the
 * polyharmonic spline; values left out by Dubrule (1983, Math. Geol. 15, 687). RangeError where the places do not determine the
 * polynomial. Scale the axes so that a unit means as much along each of them.
 */
export function scattered(places: readonly ArrayLike<number>[], { power, degree }: ScatteredKind): Scattered {
  const n = places.length
  const axes = places[0]?.length ?? 0
  const terms = 1 + (degree > 0 ? axes : 0) + (degree > 1 ? (axes * (axes + 1)) / 2 : 0)
  if (n < terms) throw new RangeError(`${n} places for a polynomial of ${terms} terms`)
  const { middle, half } = frameOf(places, axes)
  const own = places.map((place) => Float64Array.from({ length: axes }, (_, a) => (place[a] - middle[a]) / half))
  const size = n + terms
  const matrix = new Float64Array(size * size)
  const sign = power === 3 ? 1 : -1
  const polynomial = new Float64Array(terms)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++)
      matrix[i * size + j] = matrix[j * size + i] = sign * raised(distance(own[i], own[j]), power)
    matrix[i * size + i] = NUGGET
    polynomialAt(own[i], degree, polynomial)
    for (let k = 0; k < terms; k++) matrix[i * size + n + k] = matrix[(n + k) * size + i] = polynomial[k]
  }
  const inverse = invertedInPlace(matrix, size)
  const at = (place: ArrayLike<number>) => {
    const here = Float64Array.from({ length: axes }, (_, a) => (place[a] - middle[a]) / half)
    const right = rightSide(own, here, { power, degree, sign, terms })
    const solution = times(inverse, right.value, size)
    let variance = 0
    for (let i = 0; i < size; i++) variance -= right.value[i] * solution[i]
    const slopes = right.slopes.map((slope) =>
      times(inverse, slope, size)
        .slice(0, n)
        .map((one) => one / half),
    )
    return { weights: solution.slice(0, n), slopes, variance: Math.max(0, variance) }
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => Math.max(1e-12, inverse[i * size + i]))
  const leftOut = (values: ArrayLike<number>) =>
    Float64Array.from({ length: n }, (_, i) => {
      let sum = 0
      for (let j = 0; j < n; j++) sum += inverse[i * size + j] * values[j]
      return sum / diagonal[i]
    })
  return { at, leftOut, leftOutVariance: diagonal.map((one) => 1 / one) }
}

/** The middle of the places, and half of their largest extent: distances of about 1 keep the equations well conditioned. */
function frameOf(places: readonly ArrayLike<number>[], axes: number) {
  const middle = new Float64Array(axes)
  let half = 0
  for (let a = 0; a < axes; a++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const place of places) {
      low = Math.min(low, place[a])
      high = Math.max(high, place[a])
    }
    middle[a] = (low + high) / 2
    half = Math.max(half, (high - low) / 2)
  }
  return { middle, half: half || 1 }
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += (a[k] - b[k]) ** 2
  return Math.sqrt(sum)
}

const raised = (r: number, power: 1 | 3 | 5) => (power === 1 ? r : power === 3 ? r * r * r : r * r * (r * r * r))

function polynomialAt(place: Float64Array, degree: number, out: Float64Array): void {
  out[0] = 1
  if (degree === 0) return
  const axes = place.length
  out.set(place, 1)
  if (degree === 1) return
  let k = 1 + axes
  for (let a = 0; a < axes; a++) for (let b = a; b < axes; b++) out[k++] = place[a] * place[b]
}

interface Shape extends ScatteredKind {
  sign: number
  terms: number
}

/** Covariances with a place and the polynomial there, and the slopes of both along each axis. */
function rightSide(places: readonly Float64Array[], here: Float64Array, { power, degree, sign, terms }: Shape) {
  const [n, axes] = [places.length, here.length]
  const value = new Float64Array(n + terms)
  const slopes = Array.from({ length: axes }, () => new Float64Array(n + terms))
  for (let i = 0; i < n; i++) {
    const r = distance(here, places[i])
    value[i] = sign * raised(r, power)
    // d r^p / dx = p r^(p-2) x; the cusp of r itself at a known place has no slope
    const rate = sign * power * (power === 1 ? (r > 0 ? 1 / r : 0) : power === 3 ? r : r * r * r)
    for (let a = 0; a < axes; a++) slopes[a][i] = rate * (here[a] - places[i][a])
  }
  polynomialAt(here, degree, value.subarray(n))
  for (let a = 0; degree > 0 && a < axes; a++) {
    slopes[a][n + 1 + a] = 1
    let k = n + 1 + axes
    for (let b = 0; degree > 1 && b < axes; b++) {
      for (let c = b; c < axes; c++, k++) slopes[a][k] = (a === b ? here[c] : 0) + (a === c ? here[b] : 0)
    }
  }
  return { value, slopes }
}

function times(matrix: Float64Array, vector: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size)
  for (let i = 0; i < size; i++) {
    let sum = 0
    for (let j = 0; j < size; j++) sum += matrix[i * size + j] * vector[j]
    out[i] = sum
  }
  return out
}

/** The inverse of a symmetric matrix that need not be positive, by Gauss and Jordan with the largest pivot of each column. */
function invertedInPlace(matrix: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size)
  for (let i = 0; i < size; i++) inverse[i * size + i] = 1
  for (let k = 0; k < size; k++) {
    let pivot = k
    for (let i = k + 1; i < size; i++)
      if (Math.abs(matrix[i * size + k]) > Math.abs(matrix[pivot * size + k])) pivot = i
    if (!(Math.abs(matrix[pivot * size + k]) > 1e-10))
      throw new RangeError('the places do not determine the polynomial')
    for (const rows of [matrix, inverse]) exchange(rows, k, pivot, size)
    const scale = 1 / matrix[k * size + k]
    for (let j = 0; j < size; j++) {
      matrix[k * size + j] *= scale
      inverse[k * size + j] *= scale
    }
    for (let i = 0; i < size; i++) {
      const factor = matrix[i * size + k]
      if (i === k || factor === 0) continue
      for (let j = k; j < size; j++) matrix[i * size + j] -= factor * matrix[k * size + j]
      for (let j = 0; j < size; j++) inverse[i * size + j] -= factor * inverse[k * size + j]
    }
  }
  return inverse
}

function exchange(rows: Float64Array, a: number, b: number, size: number): void {
  if (a === b) return
  const kept = rows.slice(a * size, (a + 1) * size)
  rows.copyWithin(a * size, b * size, (b + 1) * size)
  rows.set(kept, b * size)
}
