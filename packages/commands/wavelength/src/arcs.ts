import type { Request } from '@nightpipe/command'
import { findCard, numberOf } from '@nightpipe/fits'
import {
  airToVacuum,
  type LineList,
  type RoughSpectrograph,
  solveArc,
  type WavelengthSolution,
} from '@nightpipe/spectra'
import { type ArcModel, type ArcPart, middleOfArc, readArc, readSpectra, type Tree } from '@nightpipe/spectrographs'
import type { Exposure } from './exposures.js'
import { throughOptics } from './optics.js'
import type { WavelengthSchema } from './schema.js'

/** An arc with its wavelengths. Plain data: it travels to worker threads. */
export interface Arc {
  path: string
  name: string
  mjd: number
  camera?: string
  solutions: WavelengthSolution[]
  /** made of several arcs */
  averaged?: boolean
  /** which these are, where its file tells */
  members?: ArcPart[]
  /** lines found in all fibres, matched or not */
  found: number
  fwhm: number
  /** the way the lines were identified, by fibre */
  ways: string[]
  /** of the optics, where the tree has numbers for them */
  model?: ArcModel
  /** fibres with light that have no solution, and why */
  problems: string[]
}

/** Solves an arc; without one fibre that has wavelengths it is `{ problem }`. */
export function solveExposure(
  exposure: Exposure,
  { list, tree, request }: { list: LineList; tree?: Tree; request: Request<WavelengthSchema> },
): Arc | { problem: string } {
  const { config } = request
  const spectra = readSpectra(exposure.path)
  const present = [...new Set(spectra.orders.map(({ fibre }) => fibre))]
  const fibres = present.filter((fibre) => exposure.arcFibres?.includes(fibre) ?? true)
  if (fibres.length === 0) return { problem: 'none of its spectra is of the lamp' }
  const { 'degree x': degreeX, 'degree order': degreeOrder, clip } = config.wavelength
  const solved = solveArc(spectra, fibres, {
    ...{ list, rough: roughOf(request), limits: { degreeX, degreeOrder, clip } },
    threshold: config.lines.threshold,
    ...(config.lines.width > 0 && { fwhm: config.lines.width }),
  })
  const problems = solved.flatMap(({ fibre, problem }) =>
    problem ? [fibres.length > 1 ? `fibre ${fibre}: ${problem}` : problem] : [],
  )
  const solutions = solved.flatMap(({ solution }) => (solution ? [solution] : []))
  if (solutions.length === 0) return { problem: problems.join('; ') }
  const optics = tree && throughOptics(solutions, { tree, exposure, request })
  const useOptics = config.wavelength.model === 'optics'
  if (useOptics && !optics)
    return { problem: 'no optics for it: spectrographs.csv has no row that fits (or set model = polynomial)' }
  return {
    ...{ path: exposure.path, name: exposure.name, mjd: exposure.mjd, camera: exposure.camera, problems },
    solutions: useOptics ? optics!.solutions : solutions,
    ...(optics && { model: optics.model }),
    found: solved.reduce((sum, { lines }) => sum + lines.length, 0),
    fwhm: widthOf(solutions),
    ways: solved.flatMap(({ identification }) => (identification ? [identification.way] : [])),
  }
}

/** The wavelengths of an arc that was solved before, from its file; undefined where it has none. */
export function readSolved(path: string, about: Pick<Arc, 'name' | 'mjd' | 'camera' | 'path'>): Arc | undefined {
  const file = readArc(path)
  if (!file) return undefined
  return {
    ...about,
    mjd: middleOfArc(file.header, about.mjd),
    solutions: file.solutions,
    averaged: findCard(file.header, 'ORGNAM01') !== undefined,
    ...(file.members && { members: file.members }),
    found: numberOf(file.header, 'NLINEDET') ?? file.lines.length,
    ...{ fwhm: widthOf(file.solutions), ways: [], problems: [] },
  }
}

/** Typical of the lines of solutions: what their file tells again, so that an exposure has the same from an arc of this run or of one before. */
function widthOf(solutions: readonly WavelengthSolution[]): number {
  const fwhms = solutions.flatMap(({ lines }) => lines.map(({ fwhm }) => fwhm)).sort((a, b) => a - b)
  return fwhms[fwhms.length >> 1] ?? 3
}

/** What the profile knows of the spectrograph. */
function roughOf({ profile }: Request<WavelengthSchema>): RoughSpectrograph {
  const s = profile.values.spectrograph
  const constant = s['order constant']
  return {
    firstOrder: s['first order'],
    orderStep: s['order step'],
    orderConstant: s.air === 'air' && constant > 0 ? (constant * airToVacuum(5000)) / 5000 : constant,
    pixelVelocity: s.wavelength === 'falls' ? -s['pixel velocity'] : s['pixel velocity'],
  }
}
