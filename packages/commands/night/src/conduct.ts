import { dirname, join, resolve } from 'node:path'
import {
  type Chain,
  type ExposureRow,
  openChainHost,
  openExposures,
  prometheusText,
  type Reduced,
  rawFrames,
  reduceNights,
  shorter,
  sweep,
  windowOf,
} from '@nightpipe/chain'
import { type Conducting, ConfigError, Exit } from '@nightpipe/command'
import { tryLock, writeAtomically } from '@nightpipe/files'
import { inTree, openTree, type Tree } from '@nightpipe/spectrographs'
import { packExposures } from './pack.js'
import type { NightSchema } from './schema.js'

type Ask = Conducting<NightSchema>

const MJD_OF_1970 = 40587

/** From the flags to the exit code; one at a time on a tree. */
export async function conduct(request: Ask): Promise<number> {
  const { flags, inputs, profile, log } = request
  const tree = openTree(flags)
  if (!tree) throw new ConfigError('no spectrograph tree', 'give --root, --site and --nres-instrument, or --tree DIR')
  const now = Date.now() / 86400e3 + MJD_OF_1970
  const given = inputs.length > 0 ? inputs.map(({ path }) => path) : undefined
  const window = windowOf(flags, given ? {} : { start: now - 1, end: now })
  const frames = rawFrames(tree, profile, window, given)
  if (frames.length === 0) {
    log.info(`no raw frames in this window below ${dirname(tree.folder)}`)
    return Exit.done
  }
  const kinds = ['bias', 'dark', 'flat', 'arc', 'object', 'unknown'] as const
  const counts = kinds.map((kind) => `${frames.filter(({ type }) => type === kind).length} ${kind}`)
  log.info(`${frames.length} raw frames: ${counts.filter((text) => !text.startsWith('0 ')).join(', ')}`)
  if (request.dryRun) {
    for (const { path, type, target = '' } of frames) await request.print(`${type.padEnd(8)} ${path} ${target}\n`)
    return Exit.done
  }
  const lock = tryLock(inTree(tree, 'temp', 'night'))
  if (!lock) {
    log.warn('another night or site-setup is at work on this tree: nothing done')
    return Exit.verdictNo
  }
  const host = openChainHost()
  try {
    return await night(request, tree, frames, host.run)
  } catch (error) {
    if (request.signal.aborted) return Exit.interrupted
    throw error
  } finally {
    await host.close()
    lock.release()
  }
}

async function night(
  request: Ask,
  tree: Tree,
  frames: ReturnType<typeof rawFrames>,
  run: Chain['run'],
): Promise<number> {
  const { config, log, workers, memoryBytes, force, signal, profile } = request
  const chain: Chain = {
    ...{ tree, profile, workers, memoryBytes, force, signal, log, run },
    tell: (line) => log.info(`$ ${line}`),
  }
  const exposures = openExposures(tree)
  const rules = { leastSnr: config.night['least snr'], force }
  const reduced = await reduceNights(chain, exposures, frames, rules)
  if (signal.aborted) return Exit.interrupted
  const rows = [...reduced.worked, ...reduced.kept].sort((a, b) => (a.name < b.name ? -1 : 1))
  if (config.night.pack) reduced.trouble.push(...(await packExposures(chain, rows, new Set(reduced.worked))))
  if (!config.night.keep) sweep(chain, rows)
  const { metrics } = request.flags
  if (typeof metrics === 'string') writeAtomically(resolve(metrics), prometheusText(tree, rows))
  return tell(request, tree, rows, reduced)
}

/** Products on standard output, troubles and a summary on standard error. */
async function tell(request: Ask, tree: Tree, rows: readonly ExposureRow[], reduced: Reduced): Promise<number> {
  const { log, json, print } = request
  for (const { step, reason } of reduced.trouble) log.warn(`${step}: ${reason}`)
  const bad = rows.filter(({ status }) => status !== 'done')
  for (const { name, status, stage = '', reason = '' } of bad) log.warn(`${name} ${status} (${stage}): ${reason}`)
  const stars = rows.filter(({ type, status }) => type === 'object' && status === 'done')
  if (json) for (const row of rows) await print(`${JSON.stringify(row)}\n`)
  else for (const { product } of stars) await print(`${shorter(join(tree.folder, product ?? ''))}\n`)
  const failed = rows.filter(({ status }) => status === 'failed').length
  const rejected = bad.length - failed
  const made = `${reduced.worked.length} exposures worked on, ${reduced.kept.length} up to date`
  log.info(`${made}, ${rejected} set aside, ${failed} failed; see ${shorter(inTree(tree, 'csv', 'exposures.csv'))}`)
  if (failed === 0 && reduced.trouble.length === 0) return Exit.done
  return rows.some(({ status }) => status === 'done') ? Exit.someFailed : Exit.noProduct
}
