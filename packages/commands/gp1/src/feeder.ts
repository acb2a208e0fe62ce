import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { executableOf } from '@nightpipe/command'
import { blamesMachine, writeAtomically } from '@nightpipe/files'
import { parseCsv, textOfTable } from '@nightpipe/table'
import type { LogFile } from './log-file.js'
import type { Route } from './route.js'
import type { State, StateRow } from './state.js'

/** One pipeline at work on what arrives for it. */
export interface Feeder {
  readonly route: Route
  /** images that it works on now */
  working: number
  /** what ended it before its time */
  trouble?: string
  /** what the machine refused (a full disk): it is tried again after a while */
  waitsFor?: string | undefined
  /** Something arrived; `anew`: an event changed, and what is made of it is due again, images or not. */
  poke(anew?: boolean): void
  /** Resolves when nothing is left to do, or when what was begun is finished after `stop`. */
  idle(): Promise<void>
  stop(): void
}

export interface FeederOptions {
  workers: number
  memoryBytes: number
  batch: number
  attempts: number
  /** [Output] compress of the pipelines; none: as they say themselves */
  compress: string
  /** folder of the triggers of events; '': none */
  triggers: string
  /** after what the machine refused, until it is tried again */
  restSeconds: number
  /** After each call of the pipeline that went well. */
  after(route: Route): Promise<void>
  changed(): void
}

/** Calls `pipeline` on all images so far whenever there are new ones; its ledger sees to it that only those cost time. */
export function openFeeder(route: Route, state: State, log: LogFile, options: FeederOptions): Feeder {
  let [stopped, busy, renew] = [false, false, false]
  let rest: (() => void)[] = []
  const expected = () => [...state.of(route.name).values()].filter(({ status }) => status === 'expected')
  const feeder: Feeder = {
    ...{ route, working: 0 },
    poke(anew = false) {
      renew ||= anew
      void work()
    },
    idle: () => (isIdle() ? Promise.resolve() : new Promise((go) => rest.push(go))),
    stop() {
      stopped = true
      settle()
    },
  }
  const held = () => stopped || feeder.trouble !== undefined || feeder.waitsFor !== undefined
  const isIdle = () => !busy && (held() || (expected().length === 0 && !renew))
  function settle(): void {
    if (!isIdle()) return
    for (const go of rest) go()
    rest = []
  }
  async function work(): Promise<void> {
    if (busy) return
    busy = true
    try {
      while (!held()) {
        const batch = expected().slice(0, options.batch)
        if (batch.length === 0 && !renew) break
        renew = false
        if (batch.length > 0) await feed(batch)
        else await renewed()
        options.changed()
      }
    } finally {
      busy = false
      settle()
    }
  }
  /** The same images with what is now known of their event. */
  async function renewed(): Promise<void> {
    const files = filesFor(state, route, [])
    if (files.length === 0) return
    const { exit, reason } = await call(route, files, options)
    if (exit === 0 || exit === 5) await options.after(route)
    else log.warn(route.name, `not made anew: ${reason}`)
  }
  async function feed(batch: readonly StateRow[]): Promise<void> {
    feeder.working = batch.length
    options.changed()
    const tried = batch.map((row) => ({ ...row, attempts: (row.attempts ?? 0) + 1, time: new Date().toISOString() }))
    state.add(...tried)
    const begun = performance.now()
    const { exit, reason } = await call(route, filesFor(state, route, tried), options)
    // 1: a bug, or a command that was replaced under our feet
    const rows = exit === 130 || exit === 1 ? again(tried, options, reason) : judged(tried, route, exit, reason)
    state.add(...rows, ...madeAfterAll(state, route, tried))
    feeder.working = 0
    for (const row of rows.filter(({ status }) => status === 'failed'))
      log.warn(route.name, `${row.file}: ${row.reason}`)
    const refused = rows.find(({ status, reason = '' }) => status === 'expected' && blamesMachine(reason))
    if (refused?.reason) restFor(refused.reason)
    const done = rows.filter(({ status }) => status === 'done').length
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    if (exit === 0 || exit === 5) await options.after(route)
    log.info(route.name, `${done} of ${rows.length} images done in ${seconds} s`)
    if (exit === 2) {
      feeder.trouble = reason
      log.warn(route.name, `stopped: ${reason}`)
    }
  }
  function restFor(reason: string): void {
    feeder.waitsFor = reason
    log.warn(route.name, `tried again in ${options.restSeconds} s: ${reason}`)
    const again = () => {
      feeder.waitsFor = undefined
      void work()
    }
    setTimeout(again, 1000 * options.restSeconds).unref()
  }
  return feeder
}

/** All images of the pipeline so far and the new ones, as far as they still exist. */
function filesFor(state: State, { name }: Route, batch: readonly StateRow[]): string[] {
  const before = [...state.of(name).values()].filter(({ status }) => status !== 'expected')
  return [...before, ...batch]
    .map(({ file }) => file)
    .filter((file) => existsSync(file))
    .sort()
}

async function call(
  route: Route,
  files: readonly string[],
  { workers, memoryBytes, compress, triggers }: FeederOptions,
) {
  const workspace = resolve(route.workspace)
  mkdirSync(workspace, { recursive: true })
  const list = join(workspace, 'images.list')
  writeAtomically(list, files.map((file) => `${file}\n`).join(''))
  const { execa } = await import('execa')
  const args = [
    ...[executableOf('pipeline'), '--input', `@${list}`, '--output', workspace, '--config', route.config],
    ...['--strategy', route.strategy, '--workers', String(workers), '--memory', String(memoryBytes), '--wait', '86400'],
  ]
  if (compress !== 'none') args.push('--set', `output.compress=${compress}`)
  if (triggers !== '') args.push('--set', `event.triggers=${resolve(triggers)}`)
  // In a group of its own: Ctrl-C is for us, and what was begun is finished.
  const options = { reject: false, stdin: 'ignore', stdout: 'ignore', detached: true } as const
  const { exitCode, stderr } = await execa(process.execPath, [...args, '--quiet'], options)
  const lines = String(stderr).trim().split('\n')
  return { exit: exitCode ?? 130, reason: lines.find((line) => line !== '') ?? `pipeline ended with ${exitCode}` }
}

/** The pipeline was killed, or broke: its images are tried again, some times. */
function again(tried: readonly StateRow[], { attempts }: FeederOptions, reason: string): StateRow[] {
  const time = new Date().toISOString()
  return tried.map((row) =>
    (row.attempts ?? 0) < attempts
      ? { ...row, time }
      : { ...row, time, status: 'failed', reason: `pipeline did not end well: ${reason}` },
  )
}

/** What the tables of the pipeline say of each image. */
function judged(tried: readonly StateRow[], { workspace }: Route, exit: number, reason: string): StateRow[] {
  const report = fates(resolve(workspace))
  const now = Date.now()
  return tried.map((row): StateRow => {
    const fate = report.get(row.file)
    const said = fate?.status ?? (exit === 2 ? 'expected' : 'failed')
    const seconds = row.arrived ? Math.round(now - Date.parse(row.arrived)) / 1000 : undefined
    const why = said === 'done' ? undefined : (fate?.reason ?? reason)
    const status = said === 'failed' && blamesMachine(why ?? '') ? 'expected' : said
    return { ...row, status, reason: why || undefined, seconds, time: new Date(now).toISOString() }
  })
}

/** Images that failed, and that this call could do: their masters have arrived since. */
function madeAfterAll(state: State, route: Route, tried: readonly StateRow[]): StateRow[] {
  const now = new Set(tried.map(({ file }) => file))
  const failed = [...state.of(route.name).values()].filter(({ status, file }) => status === 'failed' && !now.has(file))
  if (failed.length === 0) return []
  return judged(failed, route, 0, '').filter(({ status }) => status === 'done')
}

interface Fate {
  status: string
  reason: string
}

/** What became of the images: of those of the sky in pipeline.csv; calibrations that could be read are for the masters. */
function fates(workspace: string): Map<string, Fate> {
  const calibrations = rowsOf(workspace, 'frames.csv', ['file', 'type', 'reason'])
    .filter(([, type, reason]) => CALIBRATIONS.includes(type!) && reason === '')
    .map(([file]): [string, Fate] => [resolve(workspace, file!), { status: 'done', reason: '' }])
  const sky = rowsOf(workspace, 'pipeline.csv', ['input', 'status', 'reason']).map(
    ([file, status, reason]): [string, Fate] => [resolve(workspace, file!), { status: status!, reason: reason! }],
  )
  return new Map([...calibrations, ...sky])
}

const CALIBRATIONS = ['bias', 'dark', 'flat']

function rowsOf(workspace: string, name: string, columns: readonly string[]): string[][] {
  const path = join(workspace, name)
  const [head = [], ...lines] = parseCsv(textOfTable(path) ?? '', path).map(({ cells }) => cells)
  return lines.map((cells) => columns.map((column) => cells[head.indexOf(column)] ?? ''))
}
