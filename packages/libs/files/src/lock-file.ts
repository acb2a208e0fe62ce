import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { partialName, removeIfAny } from './atomic.js'
import { systemCode } from './errors.js'
import { fateOf, identityIn, own, uniqueToken } from './process-identity.js'

/** What a lock file says about its holder. */
export interface LockHolder {
  token: string
  pid: number
  host: string
  program: string
  since: string
}

/**
 * A holder on another host shows that it lives by rewriting its lock every BEAT seconds. Silent for SILENCE seconds it
 * is taken for dead: long enough for caches of a network file system (60 s) and for a heavily loaded machine.
 */
export const BEAT_SECONDS = 10
const SILENCE_SECONDS = 180
/** Without hard links a lock is created first and filled after: one that stays empty this long was left by a crash. */
const EMPTY_SECONDS = 10

/** Where the lock of `target` lies: beside it, hidden. */
export const lockFileOf = (target: string) => join(dirname(target), `.${basename(target)}.lock`)

/** The one process that may bury the dead holder `root`; `depth` counts the heirs that died themselves. */
export const claimFileOf = (lock: string, root: string, depth: number) => `${lock}.${root}.${depth}.claim`

export interface Found {
  holder: LockHolder
  /** false when the holder is known, or must be taken, to be dead */
  alive: boolean
  /** the holder runs on this host: its process was asked, no clock was needed */
  asked: boolean
}

/** The lock or claim at `path`, or undefined when there is none. `now` is the clock of that file system, in ms. */
export function readLock(path: string, now: number): Found | undefined {
  try {
    const { mtimeMs, ino } = statSync(path)
    const text = readFileSync(path, 'utf8')
    const silence = (now - mtimeMs) / 1000
    const holder = parseHolder(text)
    if (!holder) {
      const unknown = { token: `0-0.${ino}-000000000000`, pid: 0, host: 'unknown', program: 'unknown', since: '' }
      return { holder: unknown, alive: silence < EMPTY_SECONDS, asked: false }
    }
    const fate = fateOf(identityIn(holder.token)!)
    const alive = fate === 'alive' || (fate === 'unknown' && silence < SILENCE_SECONDS)
    return { holder, alive, asked: fate !== 'unknown' }
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESTALE') return undefined
    throw error
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as LockHolder
    return typeof holder.token === 'string' && identityIn(holder.token) ? holder : undefined
  } catch {
    return undefined
  }
}

/** Our own record, on disk beside the lock under a name that nobody else uses, ready to be linked into place. */
export interface LockRecord {
  token: string
  path: string
  text: string
  /** time of the file system when the record was written, ms: the clock that other hosts' heartbeats are read against */
  now: number
}

export function writeRecord(target: string): LockRecord {
  const token = uniqueToken()
  const program = basename(process.argv[1] ?? 'node')
  const holder: LockHolder = { token, pid: own.pid, host: hostname(), program, since: new Date().toISOString() }
  const text = JSON.stringify(holder) + '\n'
  const path = partialName(lockFileOf(target), token)
  const file = openSync(path, 'wx')
  try {
    writeSync(file, text)
    return { token, path, text, now: fstatSync(file).mtimeMs }
  } finally {
    closeSync(file)
  }
}

/** Puts our record at `path` unless something is there already: true when it is ours now. */
export function claimByLink(record: LockRecord, path: string): boolean {
  try {
    linkSync(record.path, path)
    return true
  } catch (error) {
    // A network file system may do the work, lose its answer and fail at the second try: the link count tells.
    if (systemCode(error) === 'EEXIST') return statSync(record.path).nlink === 2
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) {
      return claimByCreation(record, path)
    }
    throw error
  }
}

/** For file systems without hard links (FAT, some network shares). */
function claimByCreation(record: LockRecord, path: string): boolean {
  try {
    const file = openSync(path, 'wx')
    try {
      writeSync(file, record.text)
    } finally {
      closeSync(file)
    }
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Takes the lock of a dead holder, without a race. A token lives once, so a claim on it can be made by one process only;
 * should that heir die too, its successor claims at the next depth. Whoever owns the last claim, and sees the dead
 * holder still in the lock after claiming, is alone entitled to replace it. Returns true when the lock is ours.
 */
export function inherit(record: LockRecord, lock: string, root: string): boolean {
  for (let depth = 0; ; depth++) {
    const claim = claimFileOf(lock, root, depth)
    if (!claimByLink(record, claim)) {
      const rival = readLock(claim, record.now)
      if (rival?.alive === false) continue
      return false // somebody is at it, or has just done it
    }
    const inherited = readLock(lock, record.now)?.holder.token === root
    if (inherited) renameSync(record.path, lock)
    else removeIfAny(claim) // buried and replaced meanwhile: our claim is on a ghost
    for (let d = 0; inherited && d <= depth; d++) removeIfAny(claimFileOf(lock, root, d))
    return inherited
  }
}

/** Rewrites the open lock with the same bytes: its time then comes from the file system's clock, not from ours. */
export function beat(file: number, text: string): void {
  try {
    writeSync(file, text, 0)
    fsyncSync(file)
  } catch {
    // The disk is full or gone: the work under the lock will meet the same error, and report it.
  }
}

/** Removes the lock when it is still ours; false when another process took it for dead and replaced it. */
export function removeOwn(lock: string, token: string): boolean {
  const found = readLock(lock, 0)
  if (found?.holder.token !== token) return false
  unlinkSync(lock)
  return true
}
