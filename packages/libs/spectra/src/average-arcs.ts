import { medianOf } from '@nightpipe/math'
import type { FittedLine, WavelengthSolution } from './wavelength-fit.js'
import {
  diffractionOrder,
  fitWavelengthPolynomial,
  polynomialDispersion,
  polynomialError,
  polynomialWavelength,
  type WavelengthPoint,
  type WavelengthPolynomial,
} from './wavelength-polynomial.js'

/** Columns at which solutions are compared, and arcs from which on the median is taken. */
const NODES = 33
const MANY = 5

/**
 * The wavelengths of several arcs, which need not light the same fibres: those of the fibre that most of them have (the
 * reference), averaged; and those of each other fibre as far as they differ from the reference in the same arc, so that
 * drifts between arcs of one pair of fibres and arcs of the other do not enter. Up to four arcs their mean, of more the median.
 */
export function averageArcs(arcs: readonly (readonly WavelengthSolution[])[]): WavelengthSolution[] {
  const fibres = [...new Set(arcs.flatMap((arc) => arc.map(({ fibre }) => fibre)))].sort((a, b) => a - b)
  const having = (fibre: number) => arcs.flatMap((arc) => arc.find((one) => one.fibre === fibre) ?? [])
  const reference = fibres.reduce(
    (best, fibre) => (having(fibre).length > having(best).length ? fibre : best),
    fibres[0]!,
  )
  return fibres.flatMap((fibre) => {
    const own = having(fibre)
    const pairs = arcs.flatMap((arc) => {
      const [one, other] = [fibre, reference].map((wanted) => arc.find((each) => each.fibre === wanted))
      return one && other ? [[one.polynomial, other.polynomial] as const] : []
    })
    const beside = fibre !== reference && pairs.length > 0
    const polynomial = beside
      ? averaged(own, (index, x) => {
          const apart = pairs.map(([a, b]) => polynomialWavelength(a, index, x) - polynomialWavelength(b, index, x))
          return (
            typical(having(reference).map((one) => polynomialWavelength(one.polynomial, index, x))) + typical(apart)
          )
        })
      : averaged(own, (index, x) => typical(own.map((one) => polynomialWavelength(one.polynomial, index, x))))
    return polynomial ? [together(fibre, polynomial, own)] : []
  })
}

const typical = (values: readonly number[]) =>
  values.length < MANY ? values.reduce((sum, v) => sum + v, 0) / values.length : medianOf([...values])

/** A polynomial through what `wavelength` gives, of the shape of the richest of the solutions. */
function averaged(
  own: readonly WavelengthSolution[],
  wavelength: (index: number, x: number) => number,
): WavelengthPolynomial | undefined {
  const shape = own.reduce((a, b) => (b.polynomial.terms.length > a.polynomial.terms.length ? b : a)).polynomial
  const low = Math.max(...own.map(({ polynomial }) => polynomial.lowOrder))
  const high = Math.min(...own.map(({ polynomial }) => polynomial.highOrder))
  const indices = [low, high].map((order) => (order - shape.firstOrder) / shape.orderStep).sort((a, b) => a - b)
  const points: WavelengthPoint[] = []
  const count = NODES * (indices[1]! - indices[0]! + 1)
  // points that were made of a few coefficients: together they are as good as those
  const share = Math.sqrt(count / shape.terms.length / own.length)
  for (let index = indices[0]!; index <= indices[1]!; index++) {
    for (let k = 0; k < NODES; k++) {
      const x = (k / (NODES - 1)) * (shape.width - 1)
      const known = polynomialError(shape, index, x)
      const error = share * (Number.isFinite(known) && known > 0 ? known : 1 / diffractionOrder(shape, index))
      points.push({ index, x, wavelength: wavelength(index, x), error })
    }
  }
  return fitWavelengthPolynomial(points, shape)
}

/** What is known of the average: all lines of its arcs, and their scatter. */
function together(
  fibre: number,
  polynomial: WavelengthPolynomial,
  own: readonly WavelengthSolution[],
): WavelengthSolution {
  const used = own.reduce((sum, one) => sum + one.used, 0)
  const square = (of: (one: WavelengthSolution) => number) =>
    Math.sqrt(own.reduce((sum, one) => sum + one.used * of(one) ** 2, 0) / Math.max(1, used))
  const rmsVelocity = square((one) => one.rmsVelocity)
  return {
    ...{ fibre, polynomial, lines: mergedLines(polynomial, own), used },
    ...{ rmsAngstrom: square((one) => one.rmsAngstrom), rmsVelocity, precision: rmsVelocity / Math.sqrt(used || 1) },
    ...{ floor: square((one) => one.floor), chiSquare: square((one) => Math.sqrt(one.chiSquare)) ** 2 },
  }
}

/**
 * The lines of all arcs, where they would be if the spectrograph had stood as the average says: each is moved by what its own
 * arc differs from the average, and those of one wavelength are then one, by their errors.
 */
function mergedLines(average: WavelengthPolynomial, own: readonly WavelengthSolution[]): FittedLine[] {
  const same = new Map<string, FittedLine[]>()
  for (const { polynomial, lines } of own) {
    for (const line of lines) {
      const { index, x, listed } = line
      const apart = polynomialWavelength(polynomial, index, x) - polynomialWavelength(average, index, x)
      const moved = { ...line, x: x + apart / polynomialDispersion(average, index, x) }
      const key = `${index} ${listed}`
      same.set(key, [...(same.get(key) ?? []), moved])
    }
  }
  return [...same.values()].map(mergedLine).sort((a, b) => a.index - b.index || a.x - b.x)
}

function mergedLine(lines: readonly FittedLine[]): FittedLine {
  const used = lines.filter((line) => line.used)
  const some = used.length > 0 ? used : lines
  const weights = some.map(({ error }) => 1 / Math.max(error, 1e-6) ** 2)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = (of: (line: FittedLine) => number) =>
    some.reduce((sum, line, k) => sum + weights[k]! * of(line), 0) / all
  return {
    ...some[0]!,
    ...{ x: mean(({ x }) => x), error: 1 / Math.sqrt(all), used: 2 * used.length > lines.length },
    ...{ residual: mean(({ residual }) => residual), velocity: mean(({ velocity }) => velocity) },
    ...{ sigma: mean(({ sigma }) => sigma) / Math.sqrt(some.length) },
  }
}
