import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DataError, type Request, type Row } from '@nightpipe/command'
import { numberOf, openFits } from '@nightpipe/fits'
import { formatMjd } from '@nightpipe/sky'
import { readStandards, type StandardRow, standardPath, type Tree } from '@nightpipe/spectrographs'
import type { Candidate } from './groups.js'
import { describe } from './plan.js'
import type { schema } from './schema.js'
import { inWindowOfTable, isWithin, type Window } from './tree-call.js'

type Sources = Request<typeof schema>

const same = (a: string | undefined, b: string) => (a ?? '').trim().toLowerCase() === b.trim().toLowerCase()

/** Rows of a type in a window that may be stacked; `set` hears of those that may not, and why. */
export function usableSingles(
  { tree, type, window }: { tree: Tree; type: string; window: Window },
  set: (path: string, reason: string) => void,
): StandardRow[] {
  return readStandards(tree).filter((row) => {
    if (row.Type.trim().toUpperCase() !== type || !inWindowOfTable(row.JDdata, window)) return false
    if (!same(row.Site, tree.site) || (tree.camera && !same(row.Camera, tree.camera))) return false
    if ((row.Navg ?? 1) !== 1) return false // a master is no single
    const path = standardPath(tree, row)
    if ((row.Flags ?? '0').startsWith('1')) set(path, 'flagged unusable in csv/standards.csv')
    else if (!existsSync(path)) set(path, 'is in csv/standards.csv, but the file is missing')
    else return true
    return false
  })
}

/** Single biases or darks of a tree, as frames to be combined. */
export function singleFrames(
  rows: readonly StandardRow[],
  tree: Tree,
  request: Sources,
  set: (path: string, reason: string) => void,
): Candidate[] {
  return rows.flatMap((row) => {
    const path = standardPath(tree, row)
    try {
      return [single(path, row, request)]
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      set(path, error.message)
      return []
    }
  })
}

function single(path: string, row: StandardRow, request: Sources): Candidate {
  const candidate = describe({ path, shown: path }, request, true)
  const { facts, geometry } = candidate
  const { header } = openAndRead(path)
  if (numberOf(header, 'NFRAVGD') !== undefined && numberOf(header, 'NFRAVGD') !== 1) {
    throw new DataError(`is an average of ${numberOf(header, 'NFRAVGD')} frames, though csv/standards.csv says 1`)
  }
  const depthSeconds = numberOf(header, 'TOTALEXP')
  // Products of others keep gain and read noise of their raw frames, which do not hold for counts per second.
  const known = depthSeconds !== undefined || facts.type === 'bias'
  const noise = known ? { gain: facts.gain, readNoise: facts.readNoise } : { gain: undefined, readNoise: undefined }
  return {
    ...candidate,
    ...(depthSeconds !== undefined && { depthSeconds }),
    facts: { ...facts, ...noise, camera: row.Camera?.trim() ?? facts.camera, saturation: undefined },
    geometry: { ...geometry, amplifiers: geometry.amplifiers.map((one) => ({ ...one, ...noise })) },
  }
}

function openAndRead(path: string) {
  const file = openFits(path)
  try {
    return file.hdus[0]!
  } finally {
    file.close()
  }
}

const RAW = /\.(fits?|fts)(\.fz)?$|\.fz$/i

/** The raw frames of a tree whose day may lie in a window: of DAYOBS/raw beside `reduced`, or those given. */
export function rawFrames(
  { tree, type, window }: { tree: Tree; type: string; window: Window },
  request: Sources,
  rows: Row[],
): Candidate[] {
  const given = request.inputs.map(({ path, shown }) => ({ path, shown }))
  const files = given.length > 0 ? given : filesOfDays(dirname(tree.folder), window)
  return files.flatMap(({ path, shown }) => {
    try {
      const candidate = describe({ path, shown }, request)
      const { facts } = candidate
      if (facts.type !== type || facts.mjd === undefined || !isWithin(facts.mjd, window)) return []
      const ours = same(facts.site, tree.site) && (!tree.camera || same(facts.camera, tree.camera))
      if (ours && !facts.unfit) return [candidate]
      if (given.length === 0) return []
      const reason = facts.unfit ?? `is of ${facts.site ?? 'no site'}, ${facts.camera ?? 'no camera'}`
      rows.push({ input: path, status: 'rejected', reason })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      const unreadable = { input: path, status: 'failed' as const, reason: error.message }
      if (!rows.some(({ input }) => input === path)) rows.push(unreadable)
    }
    return []
  })
}

/** Frames in the folders of days, named YYYYMMDD, from the day before a window to the day after. */
function filesOfDays(folder: string, { start, end }: Window): { path: string; shown: string }[] {
  const day = (mjd: number) => formatMjd(Math.floor(mjd), 0).slice(0, 10).replaceAll('-', '')
  const [first, last] = [day(start - 1), day(end + 1)]
  const days = readdirSync(folder)
    .filter((name) => /^\d{8}$/.test(name) && name >= first && name <= last)
    .sort()
  return days.flatMap((name) => {
    const raw = join(folder, name, 'raw')
    if (!existsSync(raw)) return []
    const files = readdirSync(raw)
      .filter((file) => RAW.test(file))
      .sort()
    return files.map((file) => ({ path: join(raw, file), shown: basename(file) }))
  })
}
