import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

const [NODE, WEIGHTS] = [Math.sqrt(0.15), [5 / 18, 4 / 9, 5 / 18]]

/** The model in a pixel and its derivatives, plainly. */
function profile(p: readonly number[], x: number): { model: number; slope: number[] } {
  const [level, sigma] = p as [number, number]
  const slope = p.map((_, k) => (k === 0 ? 1 : 0))
  let model = level
  for (let k = 2; k < p.length; k += 2) {
    if (Math.abs(x - p[k + 1]!) > 6 * sigma + 1) continue
    for (let node = 0; node < 3; node++) {
      const u = (x + (node - 1) * NODE - p[k + 1]!) / sigma
      const density = (WEIGHTS[node]! * Math.exp(-0.5 * u * u)) / (sigma * Math.sqrt(2 * Math.PI))
      model += p[k]! * density
      slope[k]! += density
      slope[k + 1]! += (p[k]! * density * u) / sigma
      slope[1]! += (p[k]! * density * (u * u - 1)) / sigma
    }
  }
  return { model, slope }
}

const near = (a: number, b: number, size: number) => Math.abs(a - b) <= 1e-12 * size

for (const [name, p] of [
  ['two lines', [12, 1.9, 4000, 30.3, 250, 36.9]],
  ['a very narrow line', [0, 0.3, 100, 20.1]],
  ['a wide line whose ends are beyond the pixels', [-3, 17, 9e4, 5]],
] as const) {
  t.test(`the normal equations of lines are those of their pixels: ${name}`, (t) => {
    const [width, from, to, n] = [60, 2, 57, p.length]
    const light = Float64Array.from({ length: width }, (_, x) => profile(p, x).model * 1.02 + Math.sin(7 * x))
    const sigma = Float64Array.from({ length: width }, (_, x) => (x === 31 ? Number.POSITIVE_INFINITY : 1 + 0.1 * x))
    let chiSquare = 0
    const [matrix, right] = [new Float64Array(n * n), new Float64Array(n)]
    for (let x = from; x <= to; x++) {
      if (x === 31) continue
      const { model, slope } = profile(p, x)
      chiSquare += ((light[x]! - model) / sigma[x]!) ** 2
      for (let i = 0; i < n; i++) {
        right[i]! += (slope[i]! * (light[x]! - model)) / sigma[x]! ** 2
        for (let j = 0; j <= i; j++) matrix[i * n + j]! += (slope[i]! * slope[j]!) / sigma[x]! ** 2
      }
    }
    scoped(() => {
      const lent = (values: ArrayLike<number>) => {
        const own = allocate(Float64Array, values.length)
        own.set(values)
        return own
      }
      const [unknowns, own, errors] = [lent(p), lent(light), lent(sigma)]
      const [normal, gradient] = [allocate(Float64Array, n * n).fill(9), allocate(Float64Array, n).fill(9)]
      const slopes = allocate(Float64Array, (n + 1) * width)
      const order = [own.byteOffset, errors.byteOffset, from, to] as const
      const into = [normal.byteOffset, gradient.byteOffset, slopes.byteOffset] as const
      const found = kernels().lineEquations(unknowns.byteOffset, n, ...order, ...into)
      t.ok(near(found, chiSquare, chiSquare), 'chi square')
      for (let i = 0; i < n; i++) {
        const size = Math.sqrt(matrix[i * (n + 1)]! * chiSquare) // no sum of products can be larger
        t.ok(near(gradient[i]!, right[i]!, size), `gradient ${i}`)
        for (let j = 0; j <= i; j++) {
          const most = Math.sqrt(matrix[i * (n + 1)]! * matrix[j * (n + 1)]!)
          t.ok(near(normal[i * n + j]!, matrix[i * n + j]!, most), `matrix ${i} ${j}`)
        }
      }
    })
    t.end()
  })
}

t.test('the evidence is that of a Gaussian with the expected and the measured precision', (t) => {
  const n = 5
  const root = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Math.sin(1 + i * n + j)))
  const full = root.map((a) => root.map((b) => 3 * a.reduce((sum, value, k) => sum + value * b[k]!, 0)))
  const right = Array.from({ length: n }, (_, k) => 1 + k)
  const precision = [0, 2, 0.5, 7, 1]
  // by elimination: the determinant, and the solution
  const m = full.map((row, i) => [...row.map((value, j) => value + (i === j ? precision[i]! : 0)), right[i]!])
  let logDeterminant = 0
  for (let k = 0; k < n; k++) {
    logDeterminant += Math.log(m[k]![k]!)
    for (let i = k + 1; i < n; i++) {
      const factor = m[i]![k]! / m[k]![k]!
      for (let j = k; j <= n; j++) m[i]![j]! -= factor * m[k]![j]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let k = n - 1; k >= 0; k--) {
    const known = m[k]!.slice(k + 1, n).reduce((sum, value, j) => sum + value * x[k + 1 + j]!, 0)
    x[k] = (m[k]![n]! - known) / m[k]![k]!
  }
  const gain = x.reduce((sum, value, k) => sum + value * right[k]!, 0)
  const expected = precision.filter(Boolean).reduce((sum, value) => sum + Math.log(value), 0)
  scoped(() => {
    const [normal, side, own] = [n * n, n, n].map((length) => allocate(Float64Array, length))
    normal!.set(full.flatMap((row, i) => row.map((value, j) => (j <= i ? value : 99))))
    side!.set(right)
    own!.set(precision)
    const at = [normal!.byteOffset, side!.byteOffset, own!.byteOffset] as const
    const evidence = kernels().logEvidence(...at, n, allocate(Float64Array, n * n + 2 * n).fill(5).byteOffset)
    t.ok(near(evidence, 0.5 * (gain - logDeterminant + expected), 100))
    normal![0] = -4
    t.equal(kernels().logEvidence(...at, n, allocate(Float64Array, n * n + 2 * n).byteOffset), Number.NEGATIVE_INFINITY)
  })
  t.end()
})
