import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  watch,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { MOST_BYTES } from '@nightpipe/alerts'
import type { Log } from '@nightpipe/command'
import { ConfigError, DataError, flushFolder } from '@nightpipe/files'

export interface Spool {
  /** the folder into which others put events */
  watch: string
  /** seconds after which a file that did not change is whole */
  settle: number
  /** seconds after which one that is no event will not become one */
  patience: number
  poll: number
}

export interface SpoolMeans {
  log: Log
  signal: AbortSignal
  take(event: Uint8Array, from: string): Promise<unknown>
}

/** Names that writers give to what they have not finished. */
const UNFINISHED = /^\.|~$|\.(part|tmp|temp|filepart|swp)$/i

/** What a file looked like, and since when. */
interface Look {
  size: number
  mtimeMs: number
  since: number
}

/**
 * Takes every event that appears in a folder, once: what was taken is moved to taken/, what is no event to refused/. An event
 * that was taken before its file could be moved is taken again, and known.
 */
export async function watchSpool(spool: Spool, { log, signal, take }: SpoolMeans): Promise<void> {
  const looks = new Map<string, Look>()
  let wake = () => {}
  const watcher = watcherOf(spool.watch, () => wake())
  signal.addEventListener('abort', () => wake(), { once: true })
  log.info(`takes events from ${spool.watch}`)
  while (!signal.aborted) {
    const whole = wholeFiles(spool, looks, performance.now())
    await Promise.all(whole.map((name) => takeFile(name, spool, looks, { log, take })))
    const pause = looks.size > 0 ? Math.min(spool.settle, spool.poll) : spool.poll
    if (!signal.aborted) await Promise.race([wait(1000 * pause), new Promise<void>((go) => (wake = go))])
    if (!signal.aborted && looks.size === 0) await wait(20) // events of a folder come in bursts
  }
  watcher?.close()
}

/** Refuses a folder that cannot be what is meant, at the start. */
export function checkSpool(folder: string): void {
  if (folder !== '' && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError(`[folder] watch: ${folder} is no folder`, 'make it, or mount it')
}

function watcherOf(folder: string, happened: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, happened)
    watcher.on('error', () => watcher.close()) // it is polled then
    return watcher
  } catch {
    return undefined // no events here, as on NFS
  }
}

/** The files that have not changed for long enough. */
function wholeFiles({ watch: folder, settle }: Spool, looks: Map<string, Look>, now: number): string[] {
  const there = namesIn(folder)
  for (const name of looks.keys()) if (!there.includes(name)) looks.delete(name)
  return there.filter((name) => {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })
    if (!found?.isFile()) return false
    const before = looks.get(name)
    if (before && isSame(before, found)) return now - before.since >= 1000 * settle
    looks.set(name, { size: found.size, mtimeMs: found.mtimeMs, since: now })
    return settle === 0
  })
}

const isSame = (a: Look, b: Stats) => a.size === b.size && a.mtimeMs === b.mtimeMs

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !UNFINISHED.test(name) && name !== 'taken' && name !== 'refused')
      .sort()
  } catch {
    return [] // not mounted at this moment
  }
}

async function takeFile(
  name: string,
  { watch: folder, patience }: Spool,
  looks: Map<string, Look>,
  { log, take }: Pick<SpoolMeans, 'log' | 'take'>,
): Promise<void> {
  const look = looks.get(name)
  try {
    if ((look?.size ?? 0) > MOST_BYTES)
      throw new DataError(`${look?.size} bytes, more than the ${MOST_BYTES} of an event`)
    await take(readFileSync(join(folder, name)), name)
    move(folder, name, 'taken')
    looks.delete(name)
  } catch (error) {
    const never = error instanceof DataError || (error as Error).name === 'XmlError'
    // It may still be written, slowly; and what is not the fault of the event is tried again.
    if (!never || (look && look.size <= MOST_BYTES && performance.now() - look.since < 1000 * patience)) {
      if (!never) log.warn(`${name}: ${(error as Error).message}`)
      return
    }
    log.warn(`refused ${name}: ${(error as Error).message}`)
    move(folder, name, 'refused')
    looks.delete(name)
  }
}

/** Out of the way, under a name of its own. */
function move(folder: string, name: string, where: 'taken' | 'refused'): void {
  mkdirSync(join(folder, where), { recursive: true })
  let to = join(folder, where, name)
  for (let k = 1; existsSync(to); k++) to = join(folder, where, `${name}.${k}`)
  renameSync(join(folder, name), to)
  flushFolder(join(folder, where))
}
