import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { readProvenance } from '@nightpipe/command'
import { formatMjd } from '@nightpipe/sky'
import {
  chooseFrom,
  chooseStandard,
  type StandardChoice,
  type StandardRow,
  standardPath,
} from '@nightpipe/spectrographs'
import { type Called, type Chain, call, inputList, reportOf, shorter } from './caller.js'
import type { RawFrame } from './raw-frames.js'
import type { Trouble } from './stack.js'

/** The traces that a frame would be extracted with. */
export function tracesFor({ tree }: Pick<Chain, 'tree'>, { mjd = 0, camera = tree.camera }: RawFrame): StandardChoice {
  return chooseStandard(tree, { type: 'TRACE', mjd, site: tree.site, camera })
}

/** Around the flats of a night: dates are rounded in names. */
const MARGIN = 60 / 86400

/**
 * The traces that those of a night are refined from, and by which its flats are calibrated for that: never those made on
 * flats of the same night, or each time would give others. A night that is done again starts from what it started from before.
 */
export function startingTraces({ tree }: Pick<Chain, 'tree'>, flats: readonly RawFrame[]): string | undefined {
  const times = flats.flatMap(({ mjd }) => (mjd === undefined ? [] : [mjd]))
  const [from, to] = [Math.min(...times) - MARGIN, Math.max(...times) + MARGIN]
  const { camera = tree.camera } = flats[0] ?? {}
  const wanted = { type: 'TRACE' as const, mjd: times[0] ?? 0, site: tree.site, camera }
  const usable = chooseStandard(tree, wanted).candidates.filter(({ path }) => existsSync(path))
  const own = usable.filter(({ path, mjd }) => mjd >= from && mjd <= to && refinedFrom(path) !== undefined)
  const rest = new Set(usable.filter((one) => !own.includes(one)).map(({ row }) => row))
  const pathOf = (row: StandardRow) => standardPath(tree, row)
  const before = new Set(own.map(({ path }) => refinedFrom(path)))
  const again = [...rest].filter((row) => before.has(basename(row.Filename)))
  const { chosen } = chooseFrom(again.length > 0 ? again : [...rest], wanted, pathOf, existsSync)
  return chosen?.path
}

/** The name of the traces that some were refined from; undefined for a first estimate, and for those of others. */
function refinedFrom(path: string): string | undefined {
  try {
    const { command, parents } = readProvenance(path)
    return command === 'trace-refine' ? parents.find(({ role }) => role === 'traces')?.file : undefined
  } catch {
    return undefined
  }
}

/**
 * Calibrated frames of raw flats, by their names, made where they are not there; what reduction sets aside is not among them.
 * `traces`: where their orders are, so that the light between them is taken off; without it, what the tree says.
 */
async function reducedFlats(chain: Chain, flats: readonly RawFrame[], traces?: string): Promise<Map<string, string>> {
  if (flats.length === 0) return new Map()
  const paths = flats.map(({ path }) => path)
  await call(chain, 'reduction', [
    ...['--input', inputList(chain, 'reduction-flat', paths)],
    ...(traces === undefined ? [] : ['--traces', shorter(traces)]),
  ])
  const report = reportOf(chain, 'reduction')
  const made = flats.flatMap(({ name, path }): [string, string][] => {
    const row = report.get(path.slice(path.lastIndexOf('/') + 1))
    return row?.status === 'done' && row.product && existsSync(row.product) ? [[name, row.product]] : []
  })
  return new Map(made)
}

/**
 * Flats that tell their own level serve as they are: traces on raw frames differ from those on calibrated ones by a tenth of
 * their error. Undefined where the bias of one is only known from others.
 */
const rawFlats = (flats: readonly RawFrame[]): Map<string, string> | undefined =>
  flats.every(({ overscanned, problem }) => overscanned && !problem)
    ? new Map(flats.map(({ name, path }) => [name, path]))
    : undefined

/** How many flats of a pair of fibres traces are refined on. */
const FLATS = 5

/**
 * First traces, from a text traced by hand or found on flats: on one of each pair of fibres, or on all where that one cannot
 * be used or nothing is found on it.
 */
export async function firstTraces(
  chain: Chain,
  flats: readonly RawFrame[],
  hand: string | undefined,
): Promise<Trouble[]> {
  if (hand !== undefined) return troubleOf('trace0', await call(chain, 'trace0', ['--filename', hand]))
  const groups = groupsOf(flats)
  const few = groups.flatMap((group) => middle(group, 1))
  // dated as what will be refined of it: traces are chosen by their date alone
  const date = Math.min(...groups.flatMap((group) => middle(group, FLATS)).map(({ mjd = 0 }) => mjd))
  const raw = rawFlats(few)
  if (raw && (await traceOn(chain, raw, date)).code === 0) return []
  const made = await reducedFlats(chain, few)
  if (made.size === groups.length && (await traceOn(chain, made, date)).code === 0) return []
  const all = await reducedFlats(chain, flats)
  if (all.size === 0) return [{ step: 'trace0', reason: 'no flat that can be traced' }]
  return troubleOf('trace0', await traceOn(chain, all, date))
}

const traceOn = (chain: Chain, made: ReadonlyMap<string, string>, mjd: number) =>
  call(chain, 'trace0', [
    ...['--input', inputList(chain, 'trace0', [...made.values()].sort())],
    ...['--date', formatMjd(mjd, 3)],
  ])

const troubleOf = (step: string, { code, message }: Called): Trouble[] =>
  code === 0 ? [] : [{ step, reason: message ?? `${step} ended with ${code}` }]

/**
 * Traces fitted on the flats of a night, of each pair of fibres on those in the middle of the series; where raw flats will not
 * do, on the good ones of those that are calibrated.
 */
export async function refineTraces(chain: Chain, flats: readonly RawFrame[]): Promise<Trouble[]> {
  const start = startingTraces(chain, flats)
  const raw = rawFlats(flats)
  if (raw && (await refineOn(chain, flats, raw, start)).length === 0) return []
  if (chain.signal.aborted) return []
  return await refineOn(chain, flats, await reducedFlats(chain, flats, start), start)
}

async function refineOn(
  chain: Chain,
  flats: readonly RawFrame[],
  made: ReadonlyMap<string, string>,
  start: string | undefined,
): Promise<Trouble[]> {
  const good = groupsOf(flats.filter(({ name }) => made.has(name))).flatMap((group) => middle(group, FLATS))
  if (good.length === 0) return [{ step: 'trace-refine', reason: 'no flat that can be traced' }]
  const paths = good.map(({ name }) => made.get(name)!).sort()
  return troubleOf(
    'trace-refine',
    await call(chain, 'trace-refine', [
      ...['--input', inputList(chain, 'trace-refine', paths)],
      ...(start === undefined ? [] : ['--traces', shorter(start)]),
    ]),
  )
}

/** Flats by the fibres that they light, as the NRES pipeline has it, the first pair first. */
function groupsOf(flats: readonly RawFrame[]): RawFrame[][] {
  const groups = new Map<string, RawFrame[]>()
  for (const flat of flats) {
    const key = (flat.fibres ?? []).map((word) => (word === 'none' ? '1' : '0')).join('')
    groups.set(key, [...(groups.get(key) ?? []), flat])
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
}

/** As many in the middle of a group as that, or all. */
function middle(group: readonly RawFrame[], count: number): readonly RawFrame[] {
  const first = Math.max(0, Math.floor((group.length - count) / 2))
  return group.slice(first, first + count)
}
