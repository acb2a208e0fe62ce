import { existsSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { type Conducting, ConfigError } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import type { schema } from './schema.js'
import type { Call } from './steps.js'
import { isWorkspace, rawFramesOf, reducedFrames } from './workspace.js'

/** The pipelines to be run, and where their images are then. */
export interface PipelineCalls {
  run: (Call & { output: string })[]
  before?: string
  after: string
}

type Ask = Conducting<typeof schema>

/** The changed pipeline on the frames, after one of ours that was orphaned and is still at work; and the earlier one where it is to be run again. */
export function pipelineCalls(request: Ask): PipelineCalls {
  const { config, output } = request
  const { config: changed, before, 'before config': earlier } = config.pipeline
  if (changed === '') throw new ConfigError('no pipeline is named', 'give --pipeline DIR, the changed configuration')
  if (before !== '' && earlier !== '') throw new ConfigError('--before and --before-pipeline', 'give one of them')
  if (before !== '' && !isWorkspace(before))
    throw new ConfigError(`--before ${before} is no output of a pipeline`, 'it has steps.csv and frames.csv')
  const { input, workspace } = framesOf(request)
  const call = (folder: string, place: string) => {
    const args = ['--config', folder, '--input', ...input.paths, '--output', place, ...(input.from ?? [])]
    const share = [
      '--wait',
      '3600',
      '--workers',
      String(request.workers),
      '--memory',
      String(request.memoryBytes),
      '--quiet',
    ]
    return { command: 'pipeline', output: place, args: [...args, ...share, ...(request.force ? ['--force'] : [])] }
  }
  const after = join(output, 'work')
  const own = earlier === '' ? undefined : join(output, 'before')
  const run = [...(own ? [call(earlier, own)] : []), call(changed, after)]
  const compared = own ?? (before === '' ? workspace : resolve(before))
  return { run, after, ...(compared ? { before: compared } : {}) }
}

interface Frames {
  input: { paths: string[]; from?: string[] }
  /** the output of an earlier pipeline that was given as input */
  workspace?: string
}

/** What was given; or the raw frames, or the reduced ones, of the earlier pipeline that was given. */
function framesOf({ inputs, output, dryRun }: Ask): Frames {
  const given = inputs.map(({ path }) => path)
  if (given.length === 0) throw new ConfigError('no frames', 'give --input PATH: raw frames, or an earlier pipeline')
  const workspace = workspaceAbove(given[0]!)
  const whole = workspace !== undefined && given.every((path) => path.startsWith(workspace + sep))
  const raw = whole ? rawFramesOf(workspace) : given
  const there = raw.every((path) => existsSync(path))
  const paths = there ? raw : reducedFrames(workspace!)
  if (paths.length === 0)
    throw new ConfigError(
      `${workspace}: its raw frames are gone, and it has no reduced ones`,
      'give --input raw frames',
    )
  const list = join(output, 'frames.list')
  if (!dryRun) writeAtomically(list, paths.map((path) => `${path}\n`).join(''))
  const from = there ? {} : { from: ['--from', 'findstars'] }
  return { input: { paths: [`@${list}`], ...from }, ...(whole ? { workspace } : {}) }
}

/** The output of a pipeline in which a file lies. */
function workspaceAbove(path: string): string | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
    if (isWorkspace(folder)) return folder
  return undefined
}
