import { findLines, type LineLight, type SpectralLine } from './find-lines.js'
import { followLines, type Identification, identifyLines, type RoughSpectrograph } from './identify.js'
import type { LineList } from './line-list.js'
import { listNeighbours } from './list-neighbours.js'
import { measureLineImage } from './measure-line-image.js'
import { refineLines } from './refine-lines.js'
import { type Spectra, SpectrumBit } from './spectrum.js'
import { type FitLimits, fitWavelengths, type WavelengthSolution } from './wavelength-fit.js'
import type { WavelengthPolynomial } from './wavelength-polynomial.js'

export interface ArcSetup {
  list: LineList
  rough: RoughSpectrograph
  limits: FitLimits
  /** sigma above the noise that lines must have (default 5) */
  threshold?: number
  /** expected width of lines, px; measured where it is not given */
  fwhm?: number
  /** solutions of earlier arcs, by fibre: they are followed where that works */
  before?: ReadonlyMap<number, WavelengthPolynomial>
  /** solutions are followed over this many px */
  followReach?: number
}

/** What became of one fibre of an arc. */
export interface SolvedFibre {
  fibre: number
  lines: SpectralLine[]
  fwhm: number
  solution?: WavelengthSolution
  identification?: Identification
  /** why there is no solution */
  problem?: string
}

/** Wavelengths of all given fibres of an arc: the first found from nothing, or from an earlier arc; the others by their neighbours. */
export function solveArc(spectra: Spectra, fibres: readonly number[], setup: ArcSetup): SolvedFibre[] {
  const found = new Map<number, SolvedFibre>()
  // The fibre with most light first: it shows most lines, and the others follow it.
  for (const fibre of byLight(spectra, fibres)) {
    const neighbours = [...found.values()].flatMap(({ solution }) => (solution ? [solution.polynomial] : []))
    const earlier = setup.before?.get(fibre)
    const guess = [...found.values()].find(({ solution }) => solution)?.fwhm
    found.set(fibre, solveFibre(spectra, fibre, setup, earlier ? [earlier, ...neighbours] : neighbours, guess))
  }
  return fibres.map((fibre) => found.get(fibre)!)
}

function solveFibre(
  { width, orders }: Spectra,
  fibre: number,
  setup: ArcSetup,
  near: readonly WavelengthPolynomial[],
  guess?: number,
): SolvedFibre {
  const own = orders.filter((order) => order.fibre === fibre)
  const { lines, fwhm, light } = findLines(own, { fwhm: setup.fwhm, guess, threshold: setup.threshold })
  const about = { fibre, lines, fwhm }
  const saturated = saturatedShare(own)
  if (saturated > 0.05) return { ...about, problem: `saturated: ${(100 * saturated).toFixed(0)} % of its pixels` }
  if (lines.length < 20) return { ...about, problem: `${lines.length} lines, 20 needed: the lamp was off` }
  let identification: Identification | undefined
  for (const before of near) {
    identification ??= followLines(lines, setup.list, before, { width, fwhm, reach: setup.followReach ?? 40 })
  }
  const named = identification ?? identifyLines(lines, setup.list, { width, fwhm, rough: setup.rough })
  if ('problem' in named) return { ...about, problem: named.problem }
  const seen = new Map(own.map(({ index }, k) => [index, light[k]!]))
  const solution = fitThroughImage(lines, seen, named.polynomial, fwhm, setup)
  return solution
    ? { ...about, identification: named, solution: { ...solution, unnamed: unnamedLines(lines, solution) } }
    : { ...about, identification: named, problem: `too few of ${lines.length} lines are fit to be fitted` }
}

function unnamedLines(lines: readonly SpectralLine[], solution: WavelengthSolution): SpectralLine[] {
  const named = new Set(solution.lines.map(({ index, x }) => `${index} ${x}`))
  return lines.filter(({ index, x }) => !named.has(`${index} ${x}`))
}

/**
 * Wavelengths are those of the centres of gravity of lines, which the measured image of a line gives; the lines of the solution keep the
 * places of their Gaussians, with which later frames are compared.
 */
function fitThroughImage(
  lines: readonly SpectralLine[],
  light: ReadonlyMap<number, LineLight>,
  start: WavelengthPolynomial,
  fwhm: number,
  { list, limits }: ArcSetup,
): WavelengthSolution | undefined {
  const neighbours = listNeighbours(lines, list, start, fwhm)
  const image = measureLineImage(lines, light, fwhm, neighbours)
  if (!image) return fitWavelengths(lines, list, start, fwhm, limits)
  const refined = refineLines(lines, light, image, fwhm, neighbours)
  const known = { centreError: image.centreError, neighboursKnown: neighbours.scatter !== undefined }
  const solution = fitWavelengths(refined, list, start, fwhm, limits, known)
  const found = new Map(refined.map((line, k) => [`${line.index} ${line.x}`, lines[k]!]))
  return (
    solution && {
      ...solution,
      lines: solution.lines.map((line) => {
        const { x, error, chiSquare } = found.get(`${line.index} ${line.x}`)!
        return { ...line, x, error, chiSquare }
      }),
    }
  )
}

/** Fibres, those with most light in their lines first. */
function byLight({ orders }: Spectra, fibres: readonly number[]): number[] {
  const light = (fibre: number) =>
    orders
      .filter((order) => order.fibre === fibre)
      .reduce((sum, { flux }) => sum + flux.reduce((total, value) => (value > 0 ? total + value : total), 0), 0)
  const of = new Map(fibres.map((fibre) => [fibre, light(fibre)]))
  return [...fibres].sort((a, b) => of.get(b)! - of.get(a)!)
}

function saturatedShare(orders: Spectra['orders']): number {
  let saturated = 0
  let all = 0
  for (const { mask } of orders) {
    all += mask.length
    for (const bits of mask) if (bits & SpectrumBit.saturated) saturated++
  }
  return all > 0 ? saturated / all : 0
}
