import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openParts, removeIfAny } from './atomic.js'
import { systemCode } from './errors.js'
import { heldLocks, tryLock } from './lock.js'
import { type LockHolder, lockFileOf, readLock } from './lock-file.js'
import { fateOf, type Identity, identityIn, own, TOKEN } from './process-identity.js'

const PART = new RegExp(`^\\..+\\.(${TOKEN.source})\\.part$`)
const CLAIM = new RegExp(`^(\\..+\\.lock)\\.(${TOKEN.source})\\.\\d+\\.claim$`)
const LOCK = /^\.(.+)\.lock$/
/** A partial file of another host cannot be asked whether its process lives; untouched for a day it is litter. */
const FOREIGN_HOURS = 24

export interface Litter {
  path: string
  kind: 'part' | 'lock' | 'claim'
  /** left by a process that is gone */
  stale: boolean
  holder?: LockHolder
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if (systemCode(error)) return [] // not there, or not ours to read: the writer will say so
    throw error
  }
}

/** The maker of a partial file, from the last token in its name. */
function makerOf(name: string): Identity | undefined {
  const token = PART.exec(name)?.[1]
  return token ? identityIn(token) : undefined
}

function isStalePart(path: string, maker: Identity): boolean {
  const fate = fateOf(maker)
  if (fate !== 'unknown') return fate === 'dead'
  const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
  return Date.now() - modified > FOREIGN_HOURS * 3600e3
}

/** What running and dead processes have lying in `folder`: partial files, locks, claims on dead locks. */
export function listLitter(folder: string): Litter[] {
  const found: Litter[] = []
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    const claim = CLAIM.exec(name)
    if (claim) {
      // Only a claim on the token that stands in the lock right now is of use; tokens never come back.
      const lock = readLock(join(folder, claim[1]!), Date.now())
      found.push({ path, kind: 'claim', stale: lock?.holder.token !== claim[2] && isStaleClaim(path) })
      continue
    }
    const maker = makerOf(name)
    if (maker) found.push({ path, kind: 'part', stale: isStalePart(path, maker) })
    else if (LOCK.test(name)) {
      const lock = readLock(path, Date.now())
      if (lock) found.push({ path, kind: 'lock', stale: !lock.alive, holder: lock.holder })
    }
  }
  return found
}

const isStaleClaim = (path: string) => readLock(path, Date.now())?.alive === false

/** Removes from `folder` what processes left that were killed in the middle. What a running process has there stays. */
export function removeStaleParts(folder: string): void {
  const litter = listLitter(folder).filter((item) => item.stale)
  for (const { path, kind } of litter) {
    if (kind !== 'lock') removeIfAny(path)
    else {
      const name = LOCK.exec(path.slice(path.lastIndexOf('/') + 1))![1]!
      const target = join(folder, name)
      // Taken over and given back, not just removed: somebody else may be taking it over at this moment.
      if (lockFileOf(target) === path) tryLock(target)?.release()
    }
  }
}

/**
 * For the end by a signal: removes the partial files of this thread and gives its locks back. With `folders`, also the
 * partial files that other threads of this process left there (stop the threads first).
 */
export function discardOpenParts(folders: readonly string[] = []): void {
  for (const partial of openParts) removeIfAny(partial)
  openParts.clear()
  for (const lock of heldLocks) lock.release()
  for (const folder of new Set(folders)) {
    for (const name of namesIn(folder)) {
      const who = makerOf(name)
      if (who && who.pid === own.pid && who.place === own.place && who.life === own.life)
        removeIfAny(join(folder, name))
    }
  }
}
