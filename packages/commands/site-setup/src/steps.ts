import {
  type Chain,
  calibrate,
  type Exposures,
  firstTraces,
  processFrames,
  type RawFrame,
  type Rules,
  refineTraces,
  STACKS,
  type StackKind,
  type Trouble,
  tracesFor,
} from '@nightpipe/chain'
import { DataError } from '@nightpipe/command'
import { readStandards } from '@nightpipe/spectrographs'
import { makeTemplate } from './template.js'

/** What the steps work with. */
export interface Setup {
  chain: Chain
  exposures: Exposures
  frames: readonly RawFrame[]
  rules: Rules
  hand?: string
  zero?: string
  standard?: string
  templateFrames: number
}

/** A step of the list. It throws a DataError, with advice, where it cannot be done. */
export interface Step {
  name: string
  title: string
  /** which frames it is done on: others that come make it be done again */
  frames(all: readonly RawFrame[]): readonly RawFrame[]
  /** does it, and says in a few words what came of it */
  run(setup: Setup): Promise<string>
}

const ofType =
  (...types: string[]) =>
  (all: readonly RawFrame[]) =>
    all.filter(({ type }) => types.includes(type))

/** The steps that need frames, in the order of the old procedure. */
export const STEPS: readonly Step[] = [
  {
    name: 'bias',
    title: 'biases, and masters of each night',
    frames: ofType('bias'),
    run: (setup) => masters(setup, 'bias'),
  },
  {
    name: 'dark',
    title: 'darks, and masters of each night',
    frames: ofType('dark'),
    run: (setup) => masters(setup, 'dark'),
  },
  { name: 'trace', title: 'first traces of the orders', frames: ofType('flat'), run: traceFirst },
  { name: 'refine', title: 'traces fitted on flats', frames: ofType('flat'), run: refine },
  {
    name: 'flats',
    title: 'flats combined and extracted: a master of each night',
    frames: ofType('flat'),
    run: (setup) => masters(setup, 'flat'),
  },
  {
    name: 'arcs',
    title: 'arcs extracted, lines identified, wavelengths',
    frames: ofType('arc'),
    run: (setup) => masters(setup, 'arc'),
  },
  { name: 'template', title: 'a velocity template', frames: ofType('object'), run: makeTemplate },
  { name: 'science', title: 'all stars: spectra and velocities', frames: ofType('object', 'unknown'), run: science },
]

const WANTED: Record<StackKind, string> = { bias: 'BIAS', dark: 'DARK', flat: 'FLAT', arc: 'DOUBLE' }

async function masters({ chain, exposures, frames, rules }: Setup, kind: StackKind): Promise<string> {
  const ours = frames.filter(({ type }) => type === kind)
  if (ours.length === 0) throw new DataError(`there are no ${kind} frames`, advise(kind))
  const { worked, kept, trouble } = await calibrate(chain, exposures, kind, frames, rules)
  const all = [...worked, ...kept]
  const good = all.filter(({ status }) => status === 'done')
  if (good.length === 0)
    throw new DataError(`none of ${all.length} ${kind} frames can be used: ${all[0]?.reason ?? ''}`, advise(kind))
  const rows = readStandards(chain.tree)
  if (!rows.some(({ Type }) => Type === WANTED[kind])) {
    throw new DataError(`no ${WANTED[kind]} came of ${good.length} ${kind} frames${told(trouble)}`, advise(kind))
  }
  const stacks = rows.filter(
    ({ Type, Navg = 1, Flags }) => Type === STACKS[kind].made && Navg > 1 && !Flags?.startsWith('1'),
  ).length
  const aside = all.length - good.length
  return `${good.length} frames${aside ? `, ${aside} set aside` : ''}, ${stacks} masters${told(trouble)}`
}

const told = (trouble: readonly Trouble[]) =>
  trouble.length ? ` (${trouble.map(({ step, reason }) => `${step}: ${reason}`).join('; ')})` : ''

const advise = (kind: StackKind) =>
  ({
    bias: 'take at least 3 with the shutter closed and no exposure, or run again with --without bias',
    dark: 'take at least 3 of a few minutes, or run again with --without dark',
    flat: 'take some with the lamp in each pair of fibres, well exposed and not saturated',
    arc: 'take some with the arc lamp in each pair of fibres; is the profile right ([spectrograph])?',
  })[kind]

async function traceFirst({ chain, frames, hand }: Setup): Promise<string> {
  const flats = frames.filter(({ type, mjd }) => type === 'flat' && mjd !== undefined)
  if (flats.length === 0) throw new DataError('there are no flats to trace the orders on', advise('flat'))
  const [first] = flats
  if (tracesFor(chain, first!).chosen) return `are there: ${tracesFor(chain, first!).chosen!.row.Filename}`
  const trouble = await firstTraces(
    chain,
    flats.filter(({ day }) => day === first!.day),
    hand,
  )
  const { chosen } = tracesFor(chain, first!)
  if (!chosen) {
    const by = hand ? `check ${hand}` : 'look at the flats; or trace some orders by hand and give --hand-trace FILE'
    throw new DataError(trouble[0]?.reason ?? 'trace0 made no traces', by)
  }
  return chosen.row.Filename
}

async function refine({ chain, frames }: Setup): Promise<string> {
  const flats = frames.filter(({ type, mjd }) => type === 'flat' && mjd !== undefined)
  const trouble: Trouble[] = []
  for (const day of [...new Set(flats.map((flat) => flat.day))].sort()) {
    trouble.push(
      ...(await refineTraces(
        chain,
        flats.filter((flat) => flat.day === day),
      )),
    )
  }
  const refined = readStandards(chain.tree).filter(
    ({ Type, Filename }) => Type === 'TRACE' && !/\D00\d{5}\./.test(Filename),
  )
  // first traces hold no profiles: what is extracted by them looks right and is not
  const usable = refined.filter(({ Flags }) => !Flags?.startsWith('1'))
  if (usable.length === 0) {
    throw new DataError(
      trouble[0]?.reason ?? `trace-refine made no ${refined.length > 0 ? 'traces to be trusted' : 'traces'}`,
      'look at the figures in trace/: is every order on light of its own?',
    )
  }
  return `${usable.length} of ${new Set(flats.map(({ day }) => day)).size} nights${told(trouble)}`
}

async function science({ chain, exposures, frames, rules }: Setup): Promise<string> {
  const stars = frames.filter(({ type }) => type === 'object' || type === 'unknown')
  if (stars.length === 0) return 'no stars yet: night echelle will take them'
  const { worked, kept } = await processFrames(
    chain,
    exposures,
    stars.filter(({ type }) => type === 'object'),
    rules,
  )
  const odd = await processFrames(
    chain,
    exposures,
    stars.filter(({ type }) => type === 'unknown'),
    rules,
  )
  const all = [...worked, ...kept, ...odd.worked, ...odd.kept]
  const good = all.filter(({ status }) => status === 'done').length
  if (good === 0)
    throw new DataError(
      `none of ${all.length} stars came to its end: ${all[0]?.reason ?? ''}`,
      'csv/exposures.csv has the reason of each',
    )
  return `${good} of ${all.length}${good < all.length ? ': csv/exposures.csv has the reasons of the others' : ''}`
}
