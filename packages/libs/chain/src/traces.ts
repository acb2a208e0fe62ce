import { existsSync } from 'node:fs'
import { chooseStandard, type StandardChoice } from '@nightpipe/spectrographs'
import { type Chain, call, inputList, reportOf } from './caller.js'
import type { RawFrame } from './raw-frames.js'
import type { Trouble } from './stack.js'

/** The traces that a frame would be extracted with. */
export function tracesFor({ tree }: Pick<Chain, 'tree'>, { mjd = 0, camera = tree.camera }: RawFrame): StandardChoice {
  return chooseStandard(tree, { type: 'TRACE', mjd, site: tree.site, camera })
}

/** Calibrated frames of raw ones, by their names, made where they are not there; what reduction sets aside is not among them. */
async function reducedFrames(chain: Chain, frames: readonly RawFrame[]): Promise<Map<string, string>> {
  if (frames.length === 0) return new Map()
  await call(chain, 'reduction', [
    '--input',
    inputList(
      chain,
      'reduction-trace',
      frames.map(({ path }) => path),
    ),
  ])
  const report = reportOf(chain, 'reduction')
  const made = frames.flatMap(({ name, path }): [string, string][] => {
    const row = report.get(path.slice(path.lastIndexOf('/') + 1))
    return row?.status === 'done' && row.product && existsSync(row.product) ? [[name, row.product]] : []
  })
  return new Map(made)
}

/** How many flats of a pair of fibres traces are measured on: enough to tell cosmic rays. */
const FLATS = 3

/** Good flats of each pair of fibres, those in the middle of the series first, calibrated. */
async function goodFlats(chain: Chain, flats: readonly RawFrame[]): Promise<string[]> {
  const groups = groupsOf(flats)
  const made = await reducedFrames(chain, groups.flatMap(middle))
  const barren = groups.filter((group) => !group.some(({ name }) => made.has(name)))
  const others = barren.flatMap((group) => group.filter((flat) => !middle(group).includes(flat)))
  return [...made.values(), ...(await reducedFrames(chain, others)).values()].sort()
}

/** First traces, from a text traced by hand or found on flats. */
export async function firstTraces(
  chain: Chain,
  flats: readonly RawFrame[],
  hand: string | undefined,
): Promise<Trouble[]> {
  const frames = hand === undefined ? await goodFlats(chain, flats) : []
  if (hand === undefined && frames.length === 0) return [{ step: 'trace0', reason: 'no flat that can be traced' }]
  const args = hand === undefined ? ['--input', inputList(chain, 'trace0', frames)] : ['--filename', hand]
  const { code, message } = await call(chain, 'trace0', args)
  return code === 0 ? [] : [{ step: 'trace0', reason: message ?? `trace0 ended with ${code}` }]
}

/** Traces fitted on the flats of a night. */
export async function refineTraces(chain: Chain, flats: readonly RawFrame[]): Promise<Trouble[]> {
  const frames = await goodFlats(chain, flats)
  if (frames.length === 0) return [{ step: 'trace-refine', reason: 'no flat that can be traced' }]
  const { code, message } = await call(chain, 'trace-refine', ['--input', inputList(chain, 'trace-refine', frames)])
  return code === 0 ? [] : [{ step: 'trace-refine', reason: message ?? `trace-refine ended with ${code}` }]
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

/** Those in the middle of a group, which may be of one frame only. */
function middle(group: readonly RawFrame[]): readonly RawFrame[] {
  const first = Math.max(0, Math.floor((group.length - FLATS) / 2))
  return group.slice(first, first + FLATS)
}
