import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'

/**
 * Who made a temporary file or holds a lock, in a form that fits in a file name: the process, the place where its number
 * means something (host and container), and the one life of that number (boot and start of the process).
 */
export interface Identity {
  pid: number
  place: string
  life: string
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 6)

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // not Linux, or no such process
  }
}

/** Containers share a host name but not process numbers: their name space tells them apart. */
function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

const place = digest(`${hostname()} ${processNamespace()}`)
const boot = contentOf('/proc/sys/kernel/random/boot_id').trim()

/** State letter and start time (clock ticks after boot) of a process, from /proc; undefined elsewhere than on Linux. */
function statOf(pid: number): { state: string; start: string } | undefined {
  const stat = contentOf(`/proc/${pid}/stat`)
  // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.length > 19 ? { state: fields[0]!, start: fields[19]! } : undefined
}

const lifeOf = (pid: number) => digest(`${boot} ${statOf(pid)?.start ?? ''}`)

export const own: Identity = { pid: process.pid, place, life: lifeOf(process.pid) }

let serial = 0

/** A name that no other process, thread or moment gives: `4711-0.3-9f31c2a07be4`. */
export function uniqueToken(): string {
  serial++
  return `${own.pid}-${threadId}.${serial}-${own.place}${own.life}`
}

export const TOKEN = /(\d+)-\d+\.\d+-([0-9a-f]{6})([0-9a-f]{6})/

/** The identity in a token, or undefined when the text is not one of ours. */
export function identityIn(token: string): Identity | undefined {
  const found = TOKEN.exec(token)
  return found ? { pid: Number(found[1]), place: found[2]!, life: found[3]! } : undefined
}

/** 'unknown' on another host or in another container, where a process number says nothing here. */
export function fateOf(who: Identity): 'alive' | 'dead' | 'unknown' {
  if (who.place !== own.place) return 'unknown'
  try {
    process.kill(who.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead'
  }
  const state = statOf(who.pid)?.state
  if (state === 'Z' || state === 'X') return 'dead' // killed, and its parent has not noticed yet
  return lifeOf(who.pid) === who.life ? 'alive' : 'dead' // the number was given to another process
}
