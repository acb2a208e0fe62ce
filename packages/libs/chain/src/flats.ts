import { existsSync, rmSync } from 'node:fs'
import { relative } from 'node:path'
import { type Chain, call, inputList, reportOf } from './caller.js'
import type { ExposureRow, Exposures } from './exposures.js'
import { fingerprinter, stampOf } from './fingerprint.js'
import { applyRow, firstRow, isCurrent, nameOf, type Processed, type Rules } from './process.js'
import type { RawFrame } from './raw-frames.js'
import { retire, type Trouble, windowOfStack } from './stack.js'

const STAGE = 'stack-calibrations'

/**
 * The flats of each night that has new ones, from raw frames to their master in one call: those of a pair of fibres are
 * combined as images and extracted once.
 */
export async function calibrateFlats(
  chain: Chain,
  exposures: Exposures,
  flats: readonly RawFrame[],
  rules: Rules,
): Promise<Processed & { trouble: Trouble[] }> {
  const done = { worked: [] as ExposureRow[], kept: [] as ExposureRow[], trouble: [] as Trouble[] }
  const madeOf = fingerprinter(chain)
  for (const day of [...new Set(flats.map((flat) => flat.day))].sort()) {
    if (chain.signal.aborted) break
    const work = flats
      .filter((flat) => flat.day === day)
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
    await exposures.put(work.map(({ row }) => ({ ...row, status: 'working' })))
    done.trouble.push(...(await combineNight(chain, day, work)))
    if (chain.signal.aborted) break // they stay as working: the next run does them
    await exposures.put(work.map(({ row }) => row))
    done.worked.push(...work.map(({ row }) => row))
  }
  return done
}

interface Work {
  frame: RawFrame
  row: ExposureRow
  path: string
}

/** All flats of a night to their master; their rows say what became of each. */
async function combineNight(chain: Chain, day: string, work: readonly Work[]): Promise<Trouble[]> {
  for (const { frame, row } of work) {
    if (frame.problem) Object.assign(row, { status: 'failed', stage: 'header', reason: frame.problem })
  }
  const usable = work.filter(({ frame, row }) => row.status === 'done' && frame.mjd !== undefined)
  if (usable.length === 0) return []
  const { start, end, window } = windowOfStack(usable.map(({ frame }) => frame.mjd!))
  const paths = usable.map(({ path }) => path)
  const { code, message, products } = await call(chain, STAGE, [
    ...['--calibration-type', 'FLAT', ...window],
    ...['--input', inputList(chain, `${STAGE}-flat`, paths)],
  ])
  if (chain.signal.aborted) return []
  const report = code === 2 ? new Map() : reportOf(chain, STAGE)
  for (const one of usable) applyRow(chain, STAGE, one, report.get(nameOf(one.path)), message)
  const master = products.find((path) => /[/\\]flat[/\\][^/\\]*$/.test(path))
  const images = new Set(usable.flatMap(({ row, path }) => (row.status === 'done' ? [path] : [])))
  for (const { row } of usable) {
    if (row.status !== 'done') continue
    if (master) row.product = relative(chain.tree.folder, master)
    else
      Object.assign(row, { status: 'failed', product: undefined, made_of: undefined, reason: message ?? 'no master' })
  }
  // what came of them is in the master
  if (master) for (const path of images) if (existsSync(path) && !paths.includes(path)) rmSync(path)
  if (code === 0 && master) await retire(chain, 'FLAT', start, end, [master])
  return code === 0 || code === 5
    ? []
    : [{ step: `stack FLAT of ${day}`, reason: message ?? `${STAGE} ended with ${code}` }]
}
