import { closeSync, fsyncSync, linkSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  ConfigError,
  describeHolder,
  explainSystemError,
  type Litter,
  listLitter,
  tryLock,
  writeAtomically,
} from '@nightpipe/files'
import type { Check } from './doctor.js'
import { GIB, gib } from './doctor-machine.js'

/** What a command needs of the folder that it writes in. All that is tried there is removed again. */
export function checkFolder(folder: string): Check[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError(`no folder ${folder}`, 'nightpipe doctor [FOLDER]')
  }
  const litter = listLitter(folder)
  const trial = join(folder, `.nightpipe-doctor-${process.pid}`)
  try {
    const tries = [() => checkWriting(trial), () => checkFlush(trial), () => checkLock(trial), () => checkClock(trial)]
    const checks = [checkSpace(folder)]
    for (const attempt of tries) {
      const check = attempt()
      checks.push(check)
      if (check.state === 'wrong') break // what comes next would fail for the same reason
    }
    return [...checks, checkLitter(litter)]
  } finally {
    rmSync(trial, { force: true })
    rmSync(`${trial}.link`, { force: true })
  }
}

function checkSpace(folder: string): Check {
  const { bavail, bsize, ffree, files } = statfsSync(folder)
  const free = bavail * bsize
  const what = 'disk space'
  if (free < GIB / 8) return { what, state: 'wrong', found: `${gib(free)} free: frames need more` }
  if (files > 0 && ffree < 1000) return { what, state: 'wrong', found: `room for ${ffree} more files only (inodes)` }
  return { what, state: free < 2 * GIB ? 'note' : 'ok', found: `${gib(free)} free` }
}

const failed = (what: string, error: unknown): Check => ({ what, state: 'wrong', found: (error as Error).message })

function checkWriting(trial: string): Check {
  const what = 'write and rename'
  try {
    const start = performance.now()
    writeAtomically(trial, 'first')
    writeAtomically(trial, 'second')
    return { what, state: 'ok', found: `works, ${((performance.now() - start) / 2).toFixed(1)} ms a file` }
  } catch (error) {
    return failed(what, error)
  }
}

function checkFlush(trial: string): Check {
  const what = 'flush to disk'
  try {
    const file = openSync(trial, 'r+')
    const start = performance.now()
    try {
      writeSync(file, Buffer.alloc(2 ** 20))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return { what, state: 'ok', found: `1 MiB in ${(performance.now() - start).toFixed(1)} ms` }
  } catch (error) {
    return failed(what, explainSystemError(error, 'flush', trial))
  }
}

function checkLock(trial: string): Check {
  const what = 'locks'
  try {
    const lock = tryLock(trial)
    const second = tryLock(trial)
    lock?.release()
    second?.release()
    if (!lock || second)
      return { what, state: 'wrong', found: 'two at once got the same lock: do not share this folder' }
  } catch (error) {
    return failed(what, error)
  }
  try {
    linkSync(trial, `${trial}.link`)
    return { what, state: 'ok', found: 'exclusive, by hard links' }
  } catch {
    return { what, state: 'note', found: 'exclusive; there are no hard links, which is less safe on network disks' }
  }
}

function checkClock(trial: string): Check {
  writeAtomically(trial, 'now')
  const ahead = (statSync(trial).mtimeMs - Date.now()) / 1000
  const what = 'clock of the disk'
  if (Math.abs(ahead) < 2) return { what, state: 'ok', found: 'agrees with this machine' }
  return {
    what,
    state: 'note',
    found: `${Math.abs(ahead).toFixed(0)} s ${ahead > 0 ? 'ahead' : 'behind'}: set both by NTP`,
  }
}

function checkLitter(litter: readonly Litter[]): Check {
  const what = 'left behind'
  if (litter.length === 0) return { what, state: 'ok', found: 'nothing' }
  const stale = litter.filter((item) => item.stale).length
  const held = litter.filter((item) => item.kind === 'lock' && !item.stale && item.holder)
  const parts = litter.filter((item) => item.kind === 'part' && !item.stale).length
  const said = [
    stale ? `${stale} by killed runs (the next run here removes them)` : '',
    parts ? `${parts} being written right now` : '',
    ...held.map(({ holder }) => `locked by ${describeHolder(holder!)}`),
  ]
  return { what, state: 'note', found: said.filter(Boolean).join('; ') }
}
