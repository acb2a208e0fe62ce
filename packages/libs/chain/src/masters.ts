import { existsSync, rmSync } from 'node:fs'
import { basename, dirname, relative } from 'node:path'
import { chooseStandard } from '@nightpipe/spectrographs'
import { type Chain, call, inputList, reportOf } from './caller.js'
import type { ExposureRow, Exposures } from './exposures.js'
import { fingerprinter, stampOf } from './fingerprint.js'
import { applyRow, firstRow, isCurrent, nameOf, type Processed, type Rules } from './process.js'
import type { RawFrame } from './raw-frames.js'
import { retire, STACKS, type Trouble, windowOfStack } from './stack.js'

const STAGE = 'stack-calibrations'

/** Calibrations that need not be reduced one by one. */
export type MasterKind = 'bias' | 'dark' | 'flat'

interface Combined extends Processed {
  trouble: Trouble[]
  /** frames of nights that make no master at once, being too few or unlike: each is to be reduced by itself */
  alone: RawFrame[]
}

/**
 * The calibrations of each night that has new ones, from raw frames to their master in one call: no frame is written, read and
 * digested between the two. Flats of a pair of fibres are combined as images and extracted once.
 */
export async function combineNights(
  chain: Chain,
  exposures: Exposures,
  kind: MasterKind,
  frames: readonly RawFrame[],
  rules: Rules,
): Promise<Combined> {
  const done: Combined = { worked: [], kept: [], trouble: [], alone: [] }
  const madeOf = fingerprinter(chain)
  for (const day of [...new Set(frames.map((frame) => frame.day))].sort()) {
    if (chain.signal.aborted) break
    const work = frames
      .filter((frame) => frame.day === day)
      .map((frame) => {
        const before = exposures.rows.get(frame.name)
        const raw = stampOf(frame.path, before?.raw)
        const made_of = madeOf(frame, raw)
        const current = before && !rules.force && isCurrent(chain, before, made_of, rules)
        return { frame, before, current, row: firstRow(frame, raw, made_of), path: frame.path }
      })
    if (work.every(({ current }) => current)) {
      done.kept.push(...work.map(({ before }) => before!))
      continue
    }
    if (kind !== 'flat' && !canBeOneMaster(chain, kind, work)) {
      done.alone.push(...work.map(({ frame }) => frame))
      continue
    }
    await exposures.put(work.map(({ row }) => ({ ...row, status: 'working' })))
    const { trouble, master } = await combineNight(chain, kind, day, work)
    if (chain.signal.aborted) break // they stay as working: the next run does them
    const isAlone = ({ row }: Work) => kind !== 'flat' && !master && row.status === 'failed' && row.stage === STAGE
    done.alone.push(...work.filter(isAlone).map(({ frame }) => frame))
    const rows = work.filter((one) => !isAlone(one)).map(({ row }) => row)
    await exposures.put(rows)
    done.worked.push(...rows)
    done.trouble.push(...trouble)
  }
  return done
}

interface Work {
  frame: RawFrame
  row: ExposureRow
  path: string
}

const isUsable = ({ frame }: Work) => !frame.problem && frame.mjd !== undefined

/** Whether the frames of a night are enough for a master, and all alike: of one camera and one exposure time. */
function canBeOneMaster({ tree }: Chain, kind: 'bias' | 'dark', work: readonly Work[]): boolean {
  const frames = work.filter(isUsable).map(({ frame }) => frame)
  if (frames.length < STACKS[kind].least) return false
  if (new Set(frames.map(({ camera, seconds }) => `${camera} ${seconds}`)).size > 1) return false
  const [{ mjd, camera = tree.camera }] = frames as [RawFrame]
  return kind === 'bias' || !!chooseStandard(tree, { type: 'BIAS', mjd: mjd!, site: tree.site, camera }).chosen
}

/** All frames of a night to their master; their rows say what became of each. */
async function combineNight(
  chain: Chain,
  kind: MasterKind,
  day: string,
  work: readonly Work[],
): Promise<{ trouble: Trouble[]; master?: string }> {
  const { type } = STACKS[kind]
  for (const { frame, row } of work) {
    if (frame.problem) Object.assign(row, { status: 'failed', stage: 'header', reason: frame.problem })
  }
  const usable = work.filter(isUsable)
  if (usable.length === 0) return { trouble: [] }
  const { start, end, window } = windowOfStack(usable.map(({ frame }) => frame.mjd!))
  const paths = usable.map(({ path }) => path)
  const { code, message, products } = await call(chain, STAGE, [
    ...['--calibration-type', type, ...window],
    ...['--input', inputList(chain, `${STAGE}-${kind}`, paths)],
  ])
  if (chain.signal.aborted) return { trouble: [] }
  const report = code === 2 ? new Map() : reportOf(chain, STAGE)
  for (const one of usable) applyRow(chain, STAGE, one, report.get(nameOf(one.path)), message)
  const master = products.find((path) => basename(dirname(path)) === kind)
  const images = new Set(usable.flatMap(({ row, path }) => (row.status === 'done' ? [path] : [])))
  for (const { row } of usable) {
    if (row.status !== 'done') continue
    if (master) row.product = relative(chain.tree.folder, master)
    else
      Object.assign(row, { status: 'failed', product: undefined, made_of: undefined, reason: message ?? 'no master' })
  }
  // what came of them is in the master
  if (master) for (const path of images) if (existsSync(path) && !paths.includes(path) && path !== master) rmSync(path)
  if (code === 0 && master) await retire(chain, type, start, end, [master])
  const isWell = code === 0 || code === 5
  const trouble = { step: `stack ${type} of ${day}`, reason: message ?? `${STAGE} ended with ${code}` }
  return { trouble: isWell ? [] : [trouble], ...(master ? { master } : {}) }
}
