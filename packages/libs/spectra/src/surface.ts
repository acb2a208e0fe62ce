import { leastSquares, legendre, MAD_TO_SIGMA, median } from '@nightpipe/math'

/** A smooth function of two variables, each in −1 … 1: a product of Legendre polynomials. */
export interface Surface {
  at(u: number, v: number): number
  /** the Legendre coefficients in u of its cut at v */
  cut(v: number): Float64Array
}

export interface Points {
  u: number[]
  v: number[]
  value: number[]
  weight: number[]
}

/** The smoothest product of polynomials of these degrees through the points, outliers set aside. */
export function fitSurface({ u, v, value, weight }: Points, du: number, dv: number, stiffness = 0.02): Surface {
  const [a, b] = [new Float64Array(du + 1), new Float64Array(dv + 1)]
  const terms: [number, number][] = []
  for (let m = 0; m <= du; m++) for (let n = 0; n <= dv; n++) if (m / (du + 1) + n / (dv + 1) < 1.3) terms.push([m, n])
  let use = value.map((_, k) => k).filter((k) => weight[k]! > 0)
  let solution = new Float64Array(terms.length)
  const at = (p: number, q: number) => {
    legendre(p, a)
    legendre(q, b)
    let sum = 0
    for (let t = 0; t < terms.length; t++) sum += solution[t]! * a[terms[t]![0]]! * b[terms[t]![1]]!
    return sum
  }
  const cut = (q: number) => {
    legendre(q, b)
    const along = new Float64Array(du + 1)
    for (let t = 0; t < terms.length; t++) along[terms[t]![0]]! += solution[t]! * b[terms[t]![1]]!
    return along
  }
  for (let round = 0; round < 4; round++) {
    if (use.length < 3 * terms.length) break
    const matrix = new Float64Array((use.length + terms.length) * terms.length)
    const right = new Float64Array(use.length + terms.length)
    use.forEach((k, row) => {
      legendre(u[k]!, a)
      legendre(v[k]!, b)
      for (let t = 0; t < terms.length; t++)
        matrix[row * terms.length + t] = weight[k]! * a[terms[t]![0]]! * b[terms[t]![1]]!
      right[row] = weight[k]! * value[k]!
    })
    // where nothing was measured the surface does not bend much
    for (let t = 0; t < terms.length; t++)
      matrix[(use.length + t) * terms.length + t] = stiffness * terms[t]![0] * terms[t]![1] + 1e-3
    solution = leastSquares(matrix, right, terms.length).solution as Float64Array<ArrayBuffer>
    const residuals = use.map((k) => Math.abs(value[k]! - at(u[k]!, v[k]!)))
    const limit = Math.max(0.05, 3 * MAD_TO_SIGMA * median([...residuals]))
    use = use.filter((_, k) => residuals[k]! <= limit)
  }
  return { at, cut }
}
