import { masterName } from '@nightpipe/calibrations'
import type { FrameFacts } from '@nightpipe/config'
import { type Geometry, layoutOf } from './geometry.js'

/** One input as the plan knows it: its header read, no pixel yet. */
export interface Candidate {
  path: string
  shown: string
  hdu: number
  geometry: Geometry
  facts: FrameFacts
  /** Exposure of a single dark, whose values are for one second. */
  depthSeconds?: number
}

/** Frames that belong into one master, in order of time. */
export interface Group {
  type: string
  key: string
  /** The file name of the master. */
  name: string
  frames: Candidate[]
}

export interface Grouping {
  groups: Group[]
  /** Frames of another size, or with other sections, than the most of their group. */
  odd: { frame: Candidate; reason: string }[]
}

/** The order in which masters are made: each may need those before it. */
const ORDER = ['bias', 'dark', 'flat', 'arc']

/** One group per type, instrument, camera, binning and read-out mode; per filter for flats, per exposure for darks. */
export function groupFrames(frames: readonly Candidate[]): Grouping {
  const byKey = new Map<string, Candidate[]>()
  for (const frame of [...frames].sort(inTime)) {
    const key = JSON.stringify(identity(frame))
    byKey.set(key, [...(byKey.get(key) ?? []), frame])
  }
  const odd: Grouping['odd'] = []
  const groups = [...byKey].map(([key, members]) => {
    const layout = commonest(members.map(({ geometry }) => layoutOf(geometry)))
    const alike = members.filter(({ geometry }) => layoutOf(geometry) === layout)
    for (const frame of members) if (!alike.includes(frame)) odd.push({ frame, reason: difference(frame, alike[0]) })
    return { type: members[0].facts.type, key, name: '', frames: alike }
  })
  groups.sort((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type) || (a.key < b.key ? -1 : 1))
  nameGroups(groups)
  return { groups, odd }
}

/** Sizes where they differ, sections of the array where only those do. */
function difference({ geometry: own }: Candidate, { geometry: others }: Candidate): string {
  const size = ({ rawWidth, rawHeight }: Geometry) => `${rawWidth}x${rawHeight}`
  const show = size(own) === size(others) ? layoutOf : size
  return `is ${show(own)}, the others of its kind are ${show(others)}`
}

const inTime = (a: Candidate, b: Candidate) =>
  (a.facts.mjd ?? 0) - (b.facts.mjd ?? 0) || (a.shown < b.shown ? -1 : a.shown > b.shown ? 1 : 0)

function identity({ facts }: Candidate): (string | number)[] {
  const { type, instrument, camera = '', binning, readMode = '', filter = '', exposureSeconds } = facts
  const key: (string | number)[] = [type, instrument, camera, ...binning, readMode]
  if (type === 'flat') key.push(filter)
  // Exposure times are measured, not set, on some cameras: 60.0004 and 60.0011 s are one kind of dark.
  if (type === 'dark') key.push(Number((exposureSeconds ?? 0).toPrecision(3)))
  return key
}

function commonest(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0][0]
}

/** The plain name where it is the only one of its kind; what tells the groups apart is added where it is not. */
function nameGroups(groups: Group[]): void {
  const name = (group: Group, distinction: string[]) => {
    const { instrument, filter, binning } = group.frames[0].facts
    return masterName({ type: group.type, instrument, filter, binning, distinction })
  }
  const distinctions: ((f: FrameFacts) => string)[] = [
    (f) => (f.type === 'dark' ? `${Number((f.exposureSeconds ?? 0).toPrecision(3))}s` : ''),
    (f) => f.readMode ?? '',
    (f) => f.camera ?? '',
  ]
  for (const group of groups) group.name = name(group, [])
  for (let n = 1; n <= distinctions.length; n++) {
    const clashes = new Set(groups.map((g) => g.name).filter((x, k, all) => all.indexOf(x) !== k))
    for (const group of groups) {
      if (!clashes.has(group.name)) continue
      const parts = distinctions.slice(0, n).map((d) => d(group.frames[0].facts))
      group.name = name(group, parts.filter(Boolean))
    }
  }
}
