import { existsSync } from 'node:fs'
import { formatMjd } from '@nightpipe/sky'
import { chooseStandard, type StandardChoice } from '@nightpipe/spectrographs'
import { type Called, type Chain, call, inputList, reportOf } from './caller.js'
import type { RawFrame } from './raw-frames.js'
import type { Trouble } from './stack.js'

/** The traces that a frame would be extracted with. */
export function tracesFor({ tree }: Pick<Chain, 'tree'>, { mjd = 0, camera = tree.camera }: RawFrame): StandardChoice {
  return chooseStandard(tree, { type: 'TRACE', mjd, site: tree.site, camera })
}

/** Calibrated frames of raw flats, by their names, made where they are not there; what reduction sets aside is not among them. */
async function reducedFlats(chain: Chain, flats: readonly RawFrame[]): Promise<Map<string, string>> {
  if (flats.length === 0) return new Map()
  const paths = flats.map(({ path }) => path)
  await call(chain, 'reduction', ['--input', inputList(chain, 'reduction-flat', paths)])
  const report = reportOf(chain, 'reduction')
  const made = flats.flatMap(({ name, path }): [string, string][] => {
    const row = report.get(path.slice(path.lastIndexOf('/') + 1))
    return row?.status === 'done' && row.product && existsSync(row.product) ? [[name, row.product]] : []
  })
  return new Map(made)
}

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
  const made = await reducedFlats(chain, few)
  // dated as what will be refined of it: traces are chosen by their date alone
  const date = Math.min(...groups.flatMap((group) => middle(group, FLATS)).map(({ mjd = 0 }) => mjd))
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

/** Traces fitted on the good flats of a night, of each pair of fibres on those in the middle of the series. */
export async function refineTraces(chain: Chain, flats: readonly RawFrame[]): Promise<Trouble[]> {
  const made = await reducedFlats(chain, flats)
  const good = groupsOf(flats.filter(({ name }) => made.has(name))).flatMap((group) => middle(group, FLATS))
  if (good.length === 0) return [{ step: 'trace-refine', reason: 'no flat that can be traced' }]
  const paths = good.map(({ name }) => made.get(name)!).sort()
  return troubleOf(
    'trace-refine',
    await call(chain, 'trace-refine', ['--input', inputList(chain, 'trace-refine', paths)]),
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
