import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { realTarget, removeIfAny } from './atomic.js'
import { clockSeconds } from './clock-seconds.js'
import { DataError, explainSystemError } from './errors.js'
import {
  BEAT_SECONDS,
  beat,
  claimByLink,
  inherit,
  type LockHolder,
  lockFileOf,
  readLock,
  removeOwn,
  writeRecord,
} from './lock-file.js'

export interface Lock {
  /** the file that is protected */
  readonly path: string
  /** Throws when the lock was lost (this process stood still so long that another host took it for dead). */
  check(): void
  /** Gives the lock back; harmless the second time. */
  release(): void
}

/** Locks of this thread, so that a signal does not leave them behind. */
export const heldLocks = new Set<Lock>()
const nested = new AsyncLocalStorage<ReadonlySet<string>>()

/** Takes the lock of `path` if it is free or its holder is dead; returns the holder when somebody has it. */
function attempt(path: string): Lock | LockHolder {
  const target = realTarget(path)
  const lock = lockFileOf(target)
  const standing = readLock(lock, 0)
  if (standing?.alive && standing.asked) return standing.holder
  const record = writeRecord(target)
  let ours = false
  try {
    ours = claimByLink(record, lock)
    const found = ours ? undefined : readLock(lock, record.now)
    if (found?.alive) return found.holder
    if (found) ours = inherit(record, lock, found.holder.token)
    if (!ours) return found?.holder ?? SOMEBODY
  } finally {
    removeIfAny(record.path)
  }
  return hold(target, lock, record.token, record.text)
}

const SOMEBODY: LockHolder = { token: '', pid: 0, host: 'unknown', program: 'another process', since: '' }

function hold(target: string, lock: string, token: string, text: string): Lock {
  const file = openSync(lock, 'r+')
  const heart = setInterval(() => beat(file, text), BEAT_SECONDS * 1000)
  heart.unref()
  const lost = () =>
    new DataError(`the lock of ${target} was lost to another process`, 'run again: nothing was changed')
  const held: Lock = {
    path: target,
    check() {
      if (!heldLocks.has(held) || readLock(lock, 0)?.holder.token !== token) throw lost()
    },
    release() {
      if (!heldLocks.delete(held)) return
      clearInterval(heart)
      closeSync(file)
      removeOwn(lock, token)
    },
  }
  heldLocks.add(held)
  return held
}

/** The lock of `path` at once, or undefined when another process has it. A dead holder's lock is taken over. */
export function tryLock(path: string): Lock | undefined {
  try {
    const result = attempt(path)
    return 'release' in result ? result : undefined
  } catch (error) {
    throw explainSystemError(error, 'lock', path)
  }
}

/** `reduction, process 4711 on node3 since 2026-05-01T03:04:05Z` */
export function describeHolder(holder: LockHolder): string {
  if (!holder.token || !holder.pid) return holder.program
  return `${holder.program}, process ${holder.pid} on ${holder.host} since ${holder.since.replace(/\.\d+Z$/, 'Z')}`
}

async function waitFor(path: string, seconds: number): Promise<Lock> {
  const end = clockSeconds() + seconds
  for (let pause = 4; ; pause = Math.min(pause * 1.5, 200)) {
    const result = attempt(path)
    if ('release' in result) return result
    if (clockSeconds() >= end) {
      throw new DataError(
        `${path} is locked by ${describeHolder(result)} (waited ${seconds} s)`,
        `wait for it; if that process is gone, remove ${lockFileOf(realTarget(path))}`,
      )
    }
    await sleep(pause * (0.5 + Math.random())) // waiters that started together must not knock together
  }
}

/**
 * Runs `work` while no other process, thread or host does so for the same `path`. Waits up to `timeoutSeconds` and then
 * names the holder. The lock of a dead process is taken over. Asking for a lock that the caller already holds is a bug.
 */
export async function withLock<T>(
  path: string,
  work: (lock: Lock) => T | Promise<T>,
  { timeoutSeconds = 60 }: { timeoutSeconds?: number } = {},
): Promise<T> {
  let lock: Lock
  const target = realTarget(path)
  const outer = nested.getStore() ?? new Set()
  if (outer.has(target)) throw new Error(`withLock(${basename(target)}) inside withLock of the same file`)
  try {
    lock = await waitFor(path, timeoutSeconds)
  } catch (error) {
    throw explainSystemError(error, `lock (in ${dirname(target)})`, basename(path))
  }
  try {
    return await nested.run(new Set([...outer, target]), async () => work(lock))
  } finally {
    lock.release()
  }
}
