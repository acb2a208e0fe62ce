import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, writeProduct } from '@nightpipe/command'
import { type Header, numberOf, setCard, textOf } from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import { averageArcs, type WavelengthSolution, zeroPointError } from '@nightpipe/spectra'
import {
  type ArcPart,
  middleOfArc,
  productPathInTree,
  readArc,
  readOrderImage,
  type Tree,
  tripHdus,
  waveArcsHdus,
} from '@nightpipe/spectrographs'
import type { MasterTools } from './make-master.js'
import type { SpectraJob, SpectraSingle } from './spectra-job.js'
import { headerOfMany } from './tree-header.js'

/** The wavelengths of an arc bear its date and a thousandth of a day more, as the NRES pipeline has it. */
export const TRIPLE_OFFSET_DAYS = 0.001

/** Where `wavelength` left the wavelengths of an arc. */
export const tripOf = (tree: Tree, mjd: number) =>
  `${tree.folder}/${productPathInTree('TRIP', tree.site, mjd + TRIPLE_OFFSET_DAYS)}`

/** An arc that was solved. */
interface Solved {
  single: SpectraSingle
  solutions: WavelengthSolution[]
  header: Header
}

/** Arcs of a window, of either pair of fibres, to one TRIPLE with the wavelengths of all fibres. */
export function combineArcs(job: Job<SpectraJob>, tools: MasterTools): Row[] {
  const { singles, tree } = job.params
  const rows: Row[] = []
  const arcs = readArcs(singles, tree, rows)
  if (arcs.length === 0) return rows
  const solutions = averageArcs(arcs.map((arc) => arc.solutions))
  const { 'arc fibre': reference, orders: said } = tools.profile.values.spectrograph
  const orders = Math.max(said, ...arcs.map(({ single }) => ordersOf(single.path)))
  const header = headerOfMany(
    arcs.map(({ single }) => single.path),
    tree,
    'ARC',
    tools.profile,
  )
  tripleCards(header, arcs, solutions, reference)
  const product = writeProduct(
    job.products[0]!,
    [...tripHdus(solutions, header, { orders, reference }), ...waveArcsHdus(membersOf(arcs))],
    tools.context,
    job.parents,
  )
  const measurements = { type: 'arc', fibres: solutions.map(({ fibre }) => fibre).join(' ') }
  return [...rows, ...arcs.map(({ single }): Row => ({ input: single.path, status: 'done', product, measurements }))]
}

/** The arcs of the average, fibre by fibre. */
function membersOf(arcs: readonly Solved[]): ArcPart[] {
  const all = arcs.flatMap(({ single, solutions, header }) =>
    solutions.map((one) => ({
      ...{ fibre: one.fibre, mjd: middleOfArc(header, single.mjd + TRIPLE_OFFSET_DAYS), error: zeroPointError(one) },
    })),
  )
  return all.map((one): ArcPart => {
    const share = 1 / all.filter(({ fibre }) => fibre === one.fibre).length
    return { ...one, what: 'fit', share }
  })
}

function readArcs(singles: readonly SpectraSingle[], tree: Tree, rows: Row[]): Solved[] {
  return singles.flatMap((single) => {
    const path = tripOf(tree, single.mjd)
    const set = (status: Row['status'], reason: string) => {
      rows.push({ input: single.path, status, reason })
      return []
    }
    if (!existsSync(path)) return set('failed', 'has no wavelengths yet (run wavelength on it, in the tree)')
    try {
      const arc = readArc(path)
      if (!arc || arc.solutions.length === 0)
        return set('failed', `${basename(path)} has no solution (run wavelength again)`)
      return [{ single, solutions: arc.solutions, header: arc.header }]
    } catch (error) {
      if (!(error instanceof DataError || error instanceof RangeError)) throw error
      return set('failed', error.message)
    }
  })
}

function ordersOf(path: string): number {
  try {
    return readOrderImage(path).orders
  } catch {
    return 0
  }
}

/** Numbers of the optical model that are the same kind of number in every arc. */
const OPTICS = ['ORD0', 'GRSPC', 'SINALP', 'FL', 'Y0', 'Z0', 'APEX', 'LAMCEN', 'ROT', 'PIXSIZ', 'NX', 'NORD', 'NCOEFS']
const COEFFICIENTS = Array.from({ length: 15 }, (_, k) => `COEFS${String(k).padStart(2, '0')}`)
const DISPLACEMENTS = Array.from({ length: 10 }, (_, k) => k)

/** The optics of the arcs together: up to four their mean, of more the median; of fibres beside the reference by their own arcs. */
function tripleCards(
  header: Header,
  arcs: readonly Solved[],
  solutions: readonly WavelengthSolution[],
  reference: number,
): void {
  setCard(header, 'OBSTYPE', 'ARC', 'what this file is')
  for (const [k, { single }] of arcs.entries()) {
    if (k < 100) setCard(header, `ORGNAM${String(k).padStart(2, '0')}`, basename(single.path), 'made from')
  }
  const glass = textOf(arcs[0]!.header, 'GLASS')
  if (glass) setCard(header, 'GLASS', glass, 'of the prism')
  const together = (values: (number | undefined)[]) => {
    const known = values.filter((value) => value !== undefined)
    if (known.length === 0) return undefined
    return known.length > 4 ? medianOf(known) : known.reduce((sum, v) => sum + v, 0) / known.length
  }
  for (const keyword of [...OPTICS, ...COEFFICIENTS]) {
    const value = together(arcs.map((arc) => numberOf(arc.header, keyword)))
    if (value !== undefined) setCard(header, keyword, value, 'of the optics, all arcs')
  }
  const others = solutions.map(({ fibre }) => fibre).filter((fibre) => fibre !== reference)
  for (const [set, fibre] of others.entries()) {
    for (const term of DISPLACEMENTS) {
      const value = together(arcs.map((arc) => displacementIn(arc, fibre, reference, term)))
      if (value !== undefined) setCard(header, `FIBCOE${term}${set}`, value, `[pixel] displacement of fiber ${fibre}`)
    }
  }
}

/** The sets of an arc are its fibres beside the reference, in their order. */
function displacementIn({ solutions, header }: Solved, fibre: number, reference: number, term: number) {
  const own = solutions.map((one) => one.fibre).filter((one) => one !== reference)
  const set = own.indexOf(fibre)
  return set < 0 ? undefined : numberOf(header, `FIBCOE${term}${set}`)
}
