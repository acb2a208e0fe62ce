import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { CALIBRATIONS_FILE } from '@nightpipe/calibrations'
import { DataError, type Request } from '@nightpipe/command'
import { type ConfigOf, type commonSchema, linearitySettings } from '@nightpipe/config'
import { formatMjd } from '@nightpipe/sky'
import type { Tree } from '@nightpipe/spectrographs'
import type { RawFrame } from './frames.js'
import type { ReductionSchema } from './schema.js'

/** Where masters are made that nobody named. */
export const builtFolder = (output: string) => join(output, 'calibrations')

export const hasTable = (folder: string) => existsSync(join(folder, CALIBRATIONS_FILE))

/**
 * Makes masters of the calibration frames among the inputs: `stack-calibrations` is started on them as a process. What it
 * has made before and is still current, it leaves. Returns the folder.
 */
export async function buildMasters(frames: readonly RawFrame[], request: Request<ReductionSchema>): Promise<string> {
  const folder = builtFolder(request.output)
  const { execa } = await import('execa')
  const { overscan } = request.config
  const method = overscan.method === 'columns' ? 'median' : overscan.method
  const args = [
    ...[executable(), '--input', '-', '--output', folder, '--workers', String(request.workers)],
    ...['--set', `instrument.profile=${profileOf(request)}`],
    ...['--set', `overscan.method=${method}`, '--set', `overscan.smooth=${overscan.smooth}`, '--quiet'],
    ...linearArgs(request),
  ]
  request.log.info(`making masters of ${frames.length} calibration frames in ${folder}`)
  const input = frames.map(({ path }) => path).join('\n')
  const { exitCode, stderr } = await execa(process.execPath, args, {
    input,
    reject: false,
    cancelSignal: request.signal,
  })
  for (const line of stderr.split('\n').filter(Boolean)) request.log.detail(line)
  const unwritten = /^stack-calibrations: (cannot write .*?)(?: \(([^()]*)\))?$/m.exec(stderr)
  if (unwritten) throw new DataError(unwritten[1]!, unwritten[2])
  // 5: some frames could not be used, the rest is done
  if (exitCode === 0 || exitCode === 5 || (exitCode === 3 && hasTable(folder))) return folder
  const last = stderr.trim().split('\n').at(-1)
  throw new DataError(
    `masters could not be made of the calibration frames: ${last || `stack-calibrations ended with ${exitCode}`}`,
    'see the report in the folder calibrations, or name masters in [calibration]',
  )
}

/**
 * The first masters of a tree: where its table has no bias (or dark) of a camera at all, `stack-calibrations` makes one of
 * those among the inputs. What cannot be made is told by the frames that miss it.
 */
export async function buildFirstOfTree(
  type: 'BIAS' | 'DARK',
  frames: readonly RawFrame[],
  { folder, site, instrument }: Tree,
  request: Request<ReductionSchema>,
): Promise<void> {
  const { execa } = await import('execa')
  const dates = frames.map(({ facts }) => facts.mjd!).sort((a, b) => a - b)
  const args = [
    ...[executable(), '--tree', folder, '--site', site, '--nres-instrument', instrument, '--calibration-type', type],
    ...['--start', formatMjd(dates[0]! - 1e-4), '--end', formatMjd(dates.at(-1)! + 1e-4), '--input', '-', '--quiet'],
    ...['--set', `instrument.profile=${profileOf(request)}`, '--workers', String(request.workers)],
    ...linearArgs(request),
  ]
  request.log.info(`making the first ${type} of the tree, of ${frames.length} frames`)
  const input = frames.map(({ path }) => path).join('\n')
  const { stderr } = await execa(process.execPath, args, { input, reject: false, cancelSignal: request.signal })
  for (const line of stderr.split('\n').filter(Boolean)) request.log.detail(line)
}

/** Masters are made of counts as linear as those of the frames. */
const linearArgs = ({ config }: Request<ReductionSchema>) =>
  linearitySettings(config.linearity).flatMap((setting) => ['--set', setting])

/** The executable of another command of the toolkit: commands start one another as processes, and never import. */
function executable(): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve('@nightpipe/stack-calibrations/package.json')), 'bin/stack-calibrations.js')
}

/** A profile that is a file is named by its whole path: the other process may look from elsewhere. */
function profileOf({ config }: Request<ReductionSchema>): string {
  const { profile } = (config as unknown as ConfigOf<typeof commonSchema>).instrument
  return statSync(profile, { throwIfNoEntry: false })?.isFile() ? resolve(profile) : profile
}
