import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TriggerContext } from '@nightpipe/alerts'
import { type Conducting, DataError } from '@nightpipe/command'
import { tryLock, writeAtomically } from '@nightpipe/files'
import { alignColumns } from '@nightpipe/table'
import type { Feeder } from './feeder.js'
import type { Gp1Schema } from './schema.js'
import type { State } from './state.js'

/** status.json: what is expected, at work, done and failed, for each pipeline. */
export interface Status {
  pid: number
  started: string
  updated: string
  input: string[]
  /** files that are seen and not whole yet */
  arriving: number
  unmatched: number
  damaged: number
  /** what alerts have opened */
  events: TriggerContext[]
  pipelines: {
    name: string
    workspace: string
    state: string
    expected: number
    working: number
    done: number
    rejected: number
    failed: number
    last?: { file: string; status: string; time: string; seconds?: number | undefined }
  }[]
}

export function statusOf(
  state: State,
  feeders: readonly Feeder[],
  facts: Pick<Status, 'started' | 'input' | 'arriving' | 'events'>,
): Status {
  const count = (pipeline: string, wanted: string) => {
    let n = 0
    for (const { status } of state.of(pipeline).values()) if (status === wanted) n++
    return n
  }
  const pipelines = feeders.map(({ route: { name, workspace }, working, trouble, waitsFor }) => {
    const last = [...state.of(name).values()].filter(({ status }) => status !== 'expected').reduce(later, undefined)
    const counts = { expected: count(name, 'expected') - working, working, done: count(name, 'done') }
    const others = { rejected: count(name, 'rejected'), failed: count(name, 'failed') }
    const held = trouble ? `stopped: ${trouble}` : waitsFor && `waits: ${waitsFor}`
    const doing = held ?? (working > 0 ? 'working' : 'idle')
    const shown = last && { file: last.file, status: last.status, time: last.time, seconds: last.seconds }
    return { name, workspace, state: doing, ...counts, ...others, ...(shown ? { last: shown } : {}) }
  })
  const updated = new Date().toISOString()
  const none = { unmatched: count('', 'unmatched'), damaged: count('', 'damaged') }
  return { pid: process.pid, updated, ...facts, ...none, pipelines }
}

type Timed = { file: string; status: string; time: string; seconds?: number | undefined }
const later = (a: Timed | undefined, b: Timed): Timed => (a && a.time >= b.time ? a : b)

export const writeStatus = (folder: string, status: Status) =>
  writeAtomically(join(folder, 'status.json'), `${JSON.stringify(status, null, 2)}\n`)

/** `gp1 status`: prints the status of the gp1 that works with this configuration. 4 when none does. */
export async function showStatus({ output, json, print }: Conducting<Gp1Schema>): Promise<number> {
  const path = join(output, 'status.json')
  if (!existsSync(path)) throw new DataError(`no gp1 has worked with ${output}`, 'start gp1 with this configuration')
  const lock = tryLock(join(output, 'gp1'))
  lock?.release()
  const running = lock === undefined
  const told = JSON.parse(readFileSync(path, 'utf8')) as Status
  const status = running ? told : afterwards(told)
  await print(json ? `${JSON.stringify({ running, ...status })}\n` : inWords(status, running))
  return running ? 0 : 4
}

/** What a gp1 that was killed had at work is expected again, and waits for the next start. */
const afterwards = (status: Status): Status => ({
  ...status,
  pipelines: status.pipelines.map((one) => ({
    ...one,
    state: one.state === 'working' ? 'idle' : one.state,
    expected: one.expected + one.working,
    working: 0,
  })),
})

function inWords(status: Status, running: boolean): string {
  const since = running
    ? `runs since ${status.started}, process ${status.pid}`
    : `does not run; it did until ${status.updated}`
  const rows = status.pipelines.map((one) => [
    ...[one.name, one.state, one.expected, one.working, one.done, one.rejected, one.failed].map(String),
    one.last ? `${one.last.file} ${one.last.status} ${one.last.time}` : '',
  ])
  const table = alignColumns([
    ['pipeline', 'state', 'expected', 'working', 'done', 'rejected', 'failed', 'last'],
    ...rows,
  ])
  const { arriving, unmatched, damaged, events = [] } = status
  const open = events.filter((event) => event.status === 'active').map(({ burstId }) => burstId)
  const told = open.length > 0 ? `open events: ${open.slice(-10).join(', ')}\n` : ''
  return `gp1 ${since}\n${table}${told}${arriving} arriving, ${unmatched} for no pipeline, ${damaged} damaged\n`
}
