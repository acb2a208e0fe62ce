import { join } from 'node:path'
import { ConfigError, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import { type FrameInfo, sortFrames } from './frames.js'
import type { StackingSchema } from './schema.js'

export interface StackJob {
  frames: FrameInfo[]
  /** Of the stack: empty where frames have none. */
  object: string
  filter: string
  /** A stack of all filters: its frames are reported by the stacks of each. */
  all: boolean
}

export const GROUPS = ['object', 'filter', 'instrument', 'camera', 'telescope', 'none'] as const

/** Sorts the inputs into stacks: headers only. */
export function planStacking(request: Request<StackingSchema>): Plan<StackJob> {
  const { config } = request
  const odd = config.group.by.find((fact) => !GROUPS.includes(fact as never))
  if (odd) throw new ConfigError(`[group] by: '${odd}' is none of ${GROUPS.join(', ')}`)
  const { frames, rows } = sortFrames(request)
  const groups = gather(frames, ({ key }) => key)
  const jobs: Job<StackJob>[] = []
  const names = new Set<string>()
  for (const group of groups) {
    const same = onOneGrid(group, rows)
    if (same.length < config.group.minimum) {
      const reason = `${same.length} of its kind, ${config.group.minimum} needed (see [group] minimum)`
      for (const { path } of same) rows.push({ input: path, status: 'rejected', reason })
    } else jobs.push(jobFor(same, false, request, names))
  }
  if (config.group['all filters'] && config.group.by.includes('filter')) {
    const stacked = jobs.flatMap(({ params }) => params.frames)
    for (const field of gather(stacked, ({ object, grid }) => `${object} ${grid}`)) {
      if (new Set(field.map(({ filter }) => filter)).size > 1) jobs.push(jobFor(field, true, request, names))
    }
  }
  return { jobs, rows }
}

function gather(frames: readonly FrameInfo[], key: (frame: FrameInfo) => string): FrameInfo[][] {
  const groups = new Map<string, FrameInfo[]>()
  for (const frame of frames) groups.set(key(frame), [...(groups.get(key(frame)) ?? []), frame])
  return [...groups.values()]
}

/** Frames of one grid: that of most of them. The others are told to be aligned first. */
function onOneGrid(group: readonly FrameInfo[], rows: Row[]): FrameInfo[] {
  const grids = gather(group, ({ grid }) => grid).sort((a, b) => b.length - a.length)
  for (const frame of grids.slice(1).flat()) {
    const reason = `is ${frame.grid}, but ${grids[0][0].name} is ${grids[0][0].grid} (align them first)`
    rows.push({ input: frame.path, status: 'rejected', reason })
  }
  return grids[0]
}

function jobFor(
  frames: FrameInfo[],
  all: boolean,
  { output }: Request<StackingSchema>,
  names: Set<string>,
): Job<StackJob> {
  const [{ object }] = frames
  const filters = [...new Set(frames.map(({ filter }) => filter))]
  const filter = all ? 'all' : filters.length === 1 ? filters[0] : ''
  const plain = (text: string) => text.replace(/[^A-Za-z0-9.+-]+/g, '_').replace(/^_+|_+$/g, '')
  const base = ['stack', plain(object), plain(filter)].filter((part) => part !== '').join('_')
  let name = base
  for (let k = 2; names.has(name.toLowerCase()); k++) name = `${base}_${k}`
  names.add(name.toLowerCase())
  return {
    ...{ name, inputs: all ? [] : frames.map(({ path }) => path), products: [join(output, `${name}.fits`)] },
    parents: frames.map(({ path }) => ({ path, role: 'frame' })),
    params: { frames, object, filter, all },
  }
}
