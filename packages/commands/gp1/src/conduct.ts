import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Conducting, ConfigError, runCommand } from '@nightpipe/command'
import type { ConfigOf, commonSchema } from '@nightpipe/config'
import { tryLock } from '@nightpipe/files'
import { watchFolders } from './arrivals.js'
import { checkEvents, watchEvents } from './events.js'
import { openFeeder } from './feeder.js'
import { type LogFile, openLog } from './log-file.js'
import { productMaker } from './products.js'
import { type Route, routesFor, routesOf } from './route.js'
import type { Gp1Schema } from './schema.js'
import { openState, type State, type StateRow } from './state.js'
import { statusOf, writeStatus } from './status.js'
import { type Verdict, wholenessWatch } from './whole.js'

type Ask = Conducting<Gp1Schema>

/** What the machine refused is not tried at every look. */
const POLLS_OF_A_REST = 10

/** Watches the input and feeds the pipelines until it is told to stop; what was begun is then finished. */
export async function conduct(request: Ask): Promise<number> {
  const { config, output, signal, log } = request
  if (request.force)
    throw new ConfigError('--force: gp1 takes each image once', 'run pipeline --force on the workspace')
  const routes = routesOf(config).map((route) => ({ ...route, workspace: resolve(route.workspace) }))
  const missing = config.general.input.find((folder) => !existsSync(folder))
  if (missing) throw new ConfigError(`[General] input: ${missing} does not exist`, 'make it, or mount it')
  checkEvents(config.general.triggers)
  await Promise.all(routes.map((route) => checkPipeline(route, signal)))
  if (request.dryRun) {
    const lines = routes.map(({ name, workspace, config: folder }) => `${name}: ${folder} -> ${workspace}\n`)
    await request.print(lines.join(''))
    return 0
  }
  mkdirSync(output, { recursive: true })
  const lock = tryLock(join(output, 'gp1'))
  if (!lock) {
    log.info(`another gp1 works with ${output} (nothing done; gp1 status shows it)`)
    return 4
  }
  try {
    return await serve(request, routes)
  } finally {
    lock.release()
  }
}

/** A wrong configuration is told at the start, not with the first image. */
async function checkPipeline({ name, config, strategy }: Route, signal: AbortSignal): Promise<void> {
  const { code, stderr } = await runCommand(
    'pipeline',
    ['--config', config, '--strategy', strategy, '--print-config'],
    signal,
  )
  if (code !== 0) throw new ConfigError(`[pipeline-${name}] ${stderr.trim().split('\n')[0]}`)
}

async function serve(request: Ask, routes: readonly Route[]): Promise<number> {
  const { config, output, signal, workers, memoryBytes, flags } = request
  const { input, poll, settle, patience, batch, attempts, triggers } = config.general
  const { compress } = (config as unknown as ConfigOf<typeof commonSchema>).output
  const log = openLog(output, request.log)
  const state = openState(output, (text) => log.warn('gp1', text))
  const whole = wholenessWatch({ settleSeconds: settle, patienceSeconds: patience })
  const arrivals = watchFolders(input, [output, ...routes.map(({ workspace }) => workspace)])
  const started = new Date().toISOString()
  const offered = new Set<string>()
  const events = watchEvents(triggers, log)
  const products = productMaker(config, log)
  const after = ({ name, workspace }: Route) => products.make(name, workspace)
  const facts = () => ({
    started,
    events: events.all(),
    input: input.map((folder) => resolve(folder)),
    arriving: whole.waiting(),
  })
  const tell = everySecond(() => writeStatus(output, statusOf(state, feeders, facts())))
  // Pipelines share the machine: none waits for another.
  const share = {
    workers: Math.max(1, Math.floor(workers / routes.length)),
    memoryBytes: Math.max(64e6, Math.floor(memoryBytes / routes.length)),
  }
  const restSeconds = POLLS_OF_A_REST * poll
  const common = { ...share, batch, attempts, compress, triggers, restSeconds, after, changed: tell.soon }
  const feeders = routes.map((route) => openFeeder(route, state, log, common))
  signal.addEventListener('abort', () => arrivals.stop())
  log.info('gp1', `watches ${input.join(', ')} for ${routes.map(({ name }) => name).join(', ')}`)
  for (const feeder of feeders) feeder.poke() // what an earlier run left
  const look = () => {
    const news = lookAround({ state, routes, whole, offered, scan: arrivals.scan, log })
    const changed = events.look()
    if (news || changed) for (const feeder of feeders) feeder.poke(changed)
    tell.soon()
    return news || whole.waiting() > 0
  }
  while (!signal.aborted) {
    if (!look() && flags.once) {
      await Promise.race([Promise.all(feeders.map((feeder) => feeder.idle())), aborted(signal)])
      if (!look()) break
    }
    await arrivals.next(whole.waiting() > 0 ? Math.min(poll, Math.max(settle / 2, 0.05)) : poll)
  }
  arrivals.stop()
  for (const feeder of feeders) feeder.stop()
  if (feeders.some(({ working }) => working > 0)) log.info('gp1', 'is asked to stop: finishes what it has begun')
  await Promise.all(feeders.map((feeder) => feeder.idle()))
  await products.sent()
  products.stop()
  tell.end()
  if (request.json) await request.print(`${JSON.stringify(statusOf(state, feeders, facts()))}\n`)
  log.info('gp1', 'ends')
  return feeders.some(({ trouble, waitsFor }) => trouble ?? waitsFor) ? 5 : 0
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((go) => (signal.aborted ? go() : signal.addEventListener('abort', () => go())))

interface Look {
  state: State
  routes: readonly Route[]
  whole: ReturnType<typeof wholenessWatch>
  scan(found: (path: string) => void): void
  log: LogFile
  /** images of earlier runs that were offered to the pipelines of this one */
  offered: Set<string>
}

/** Takes on every file that has become whole since the last look. True when there were any. */
function lookAround(look: Look): boolean {
  const { state, whole, scan } = look
  let news = false
  const now = performance.now()
  scan((path) => {
    const before = state.of('').get(path)
    if (before?.status === 'damaged' && isSame(path, before)) return
    if (before?.status !== 'damaged' && state.knows(path)) news = offerAnew(path, look) || news
    else {
      const verdict = whole.look(path, now)
      if (verdict.state !== 'growing') news = arrived(path, verdict, look) || news
    }
  })
  return news
}

/** An image of an earlier run, once in this one: a pipeline may have been added since it came. */
function offerAnew(path: string, { state, routes, offered }: Look): boolean {
  if (offered.has(path)) return false
  offered.add(path)
  const fresh = routes.filter(({ name }) => !state.of(name).has(path))
  const wanted = fresh.length > 0 ? routesFor(path, fresh) : []
  const facts = { file: path, time: new Date().toISOString(), status: 'expected' }
  if (wanted.length > 0) state.add(...wanted.map(({ name }) => ({ ...facts, pipeline: name })))
  return wanted.length > 0
}

/** A file that is whole, or will not become so. True when a pipeline wants it. */
function arrived(path: string, verdict: Exclude<Verdict, { state: 'growing' }>, look: Look): boolean {
  const { state, routes, whole, offered, log } = look
  whole.forget(path)
  const { size, mtimeMs } = verdict
  const facts = { file: path, size, arrived: new Date(mtimeMs).toISOString(), time: new Date().toISOString() }
  if (verdict.state === 'damaged') {
    state.add({ ...facts, status: 'damaged', reason: verdict.reason })
    log.warn('gp1', `${path} is not whole, and does not grow: ${verdict.reason}`)
    return false
  }
  const wanted = routesFor(path, routes)
  if (wanted.length === 0) log.info('gp1', `${path} is for no pipeline`)
  const rows: StateRow[] = wanted.map(({ name }) => ({ ...facts, pipeline: name, status: 'expected' }))
  if (rows.length === 0) rows.push({ ...facts, status: 'unmatched' })
  else if (state.of('').has(path)) rows.push({ ...facts, status: 'mended' })
  state.add(...rows)
  offered.add(path)
  return wanted.length > 0
}

/** A damaged file as it was when it was given up. */
function isSame(path: string, { size, arrived }: StateRow): boolean {
  const now = statSync(path, { throwIfNoEntry: false })
  return now === undefined || (now.size === size && new Date(now.mtimeMs).toISOString() === arrived)
}

/** Calls `work` soon, and not more than once a second. */
function everySecond(work: () => void): { soon(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined
  let last = Number.NEGATIVE_INFINITY
  const now = () => {
    clearTimeout(timer)
    timer = undefined
    last = performance.now()
    work()
  }
  return {
    soon() {
      timer ??= setTimeout(now, Math.max(0, 1000 - (performance.now() - last)))
    },
    end: now,
  }
}
