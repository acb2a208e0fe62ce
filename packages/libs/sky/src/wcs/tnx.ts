import type { CardLookup } from '../tan.js'
import type { TnxDistortion } from './distortion.js'

/** IRAF's names of the three kinds of surface. */
const CHEBYSHEV = 1
const LEGENDRE = 2

/** Which products of powers a surface holds. */
const NO_CROSS_TERMS = 0
const HALF_CROSS_TERMS = 2

/** Reads the corrections of a TNX header (V. Lyalyuk & F. Valdes, IRAF's TNX page) from its WAT1_nnn and WAT2_nnn cards. */
export function readTnx(card: CardLookup, axes: readonly [number, number]): TnxDistortion | undefined {
  const texts = axes.map((axis) => watText(card, axis)) as [string, string]
  const surfaces = [surfaceOf(texts[0], 'lngcor'), surfaceOf(texts[1], 'latcor')]
  if (surfaces.includes(undefined)) return undefined
  const [first, second] = surfaces as [number[][], number[][]]
  return first.length === 0 && second.length === 0 ? undefined : { kind: 'TNX', first, second, source: texts }
}

/** The text that IRAF spread over WATn_001, WATn_002, …: cards are filled to 68 characters, so lost blanks come back. */
function watText(card: CardLookup, axis: number): string {
  let text = ''
  for (let k = 1; k <= 999; k++) {
    const part = card(`WAT${axis}_${String(k).padStart(3, '0')}`)
    if (typeof part !== 'string') break
    text += part.padEnd(68)
  }
  return text.trimEnd()
}

/** The surface of one axis as a power series in degrees; empty where the header has no such attribute. */
function surfaceOf(text: string, name: string): number[][] | undefined {
  const quoted = new RegExp(`${name}\\s*=\\s*"([^"]*)"`).exec(text)?.[1]
  if (quoted === undefined) return []
  const numbers = quoted.trim().split(/\s+/).map(Number)
  if (numbers.some((value) => !Number.isFinite(value)) || numbers.length < 9) return undefined
  const [kind, nx, ny, cross, x0, x1, y0, y1, ...coefficients] = numbers
  if (!(nx >= 1 && ny >= 1 && nx <= 12 && ny <= 12) || !(kind >= 1 && kind <= 3) || x1 === x0 || y1 === y0)
    return undefined
  const along = basis(kind, nx, x0, x1)
  const up = basis(kind, ny, y0, y1)
  const series = Array.from({ length: nx }, () => new Array<number>(ny).fill(0))
  let next = 0
  for (let n = 0; n < ny; n++) {
    for (let m = 0; m < nx; m++) {
      if (cross === NO_CROSS_TERMS && m > 0 && n > 0) continue
      if (cross === HALF_CROSS_TERMS && m + n >= Math.max(nx, ny)) continue
      if (next >= coefficients.length) return undefined
      addProduct(series, along[m], up[n], coefficients[next++])
    }
  }
  return series
}

function addProduct(series: number[][], a: readonly number[], b: readonly number[], scale: number): void {
  for (const [p, x] of a.entries()) for (const [q, y] of b.entries()) series[p][q] += scale * x * y
}

/** The first `count` basis functions of x as power series of x itself; Chebyshev and Legendre run from low to high. */
function basis(kind: number, count: number, low: number, high: number): number[][] {
  const normal = kind === CHEBYSHEV || kind === LEGENDRE ? [-(high + low) / (high - low), 2 / (high - low)] : [0, 1]
  const functions: number[][] = [[1], normal]
  for (let k = 2; k < count; k++) {
    const rise = times(normal, functions[k - 1])
    const [scale, less] = kind === CHEBYSHEV ? [2, 1] : kind === LEGENDRE ? [(2 * k - 1) / k, (k - 1) / k] : [1, 0]
    functions.push(rise.map((value, p) => scale * value - less * (functions[k - 2][p] ?? 0)))
  }
  return functions.slice(0, count)
}

function times(a: readonly number[], b: readonly number[]): number[] {
  const product = new Array<number>(a.length + b.length - 1).fill(0)
  for (const [p, x] of a.entries()) for (const [q, y] of b.entries()) product[p + q] += x * y
  return product
}
