import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, VERSION } from '@nightpipe/command'
import {
  chooseStandard,
  chooseZeroOf,
  inTree,
  litFibres,
  readTargets,
  type StandardType,
  targetKey,
} from '@nightpipe/spectrographs'
import type { Chain } from './caller.js'
import type { RawFrame } from './raw-frames.js'

/** What a kind of exposure is made with. */
const NEEDS: Readonly<Record<string, readonly StandardType[]>> = {
  bias: [],
  dark: ['BIAS'],
  flat: ['BIAS', 'DARK', 'TRACE'],
  arc: ['BIAS', 'DARK', 'TRACE', 'FLAT'],
  object: ['BIAS', 'DARK', 'TRACE', 'FLAT', 'DOUBLE', 'TRIPLE'],
}

const sha = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** Size and date of a raw file with its digest: that is made anew only where they differ from what was noted before. */
export function stampOf(path: string, before: string | undefined): string {
  const { size, mtimeMs } = statSync(path)
  const seen = `${size}-${Math.round(mtimeMs)}`
  return before?.startsWith(`${seen}-`) ? before : `${seen}-${digestOf(path).slice(0, 16)}`
}

/**
 * Tells, for a frame with its stamp, what it would be made of now: the frame itself, the calibrations that the tree offers it, the
 * configuration of the tree, and the version. The same answer twice means that nothing has to be done.
 */
export function fingerprinter(chain: Chain): (frame: RawFrame, stamp: string) => string {
  const { tree, profile } = chain
  const common = sha([VERSION, profile.canonical].join('\n'))
  const configs = new Map<string, string>()
  const settings = (type: string) => {
    const known = configs.get(type) ?? sha([common, configOf(inTree(tree, 'config'), type)].join('\n'))
    configs.set(type, known)
    return known
  }
  const targets = readTargets(tree)
  const digests = new Map<string, string>()
  const digest = (path: string) => {
    const known = digests.get(path) ?? digestOf(path)
    digests.set(path, known)
    return known
  }
  const template = (name: string) => {
    const row = targets.find((one) => targetKey(one.Name) === targetKey(name))
    try {
      return chooseZeroOf(tree, { target: name, named: row?.ZERO, teff: row?.Teff, logg: row?.Logg }).path
    } catch {
      return undefined // rv says what is wrong with it
    }
  }
  return (frame, stamp) => {
    const { type, mjd, camera = tree.camera, fibres, target } = frame
    const wanted = { mjd: mjd ?? 0, site: tree.site, camera, ...(fibres ? { fibres: litFibres(fibres) } : {}) }
    const standards = (NEEDS[type] ?? []).map((kind) => {
      const needs = kind === 'BIAS' || kind === 'DARK' || kind === 'TRACE' ? { ...wanted, fibres: [] } : wanted
      return chooseStandard(tree, { ...needs, type: kind }).chosen?.path
    })
    const templates = type === 'object' && target ? target.split('&').map(template) : []
    const parts = [...standards, ...templates].map((path) => (path && existsSync(path) ? digest(path) : 'none'))
    return sha([stamp.slice(stamp.lastIndexOf('-') + 1), settings(type), ...parts].join('\n'))
  }
}

/** Commands whose configuration matters only to those kinds of exposures that go through them. */
const SERVED: Readonly<Record<string, readonly string[]>> = {
  'trace-refine': ['flat'],
  extract: ['flat', 'arc', 'object'],
  wavelength: ['arc', 'object'],
  rv: ['object'],
  'stack-calibrations': ['bias', 'dark', 'flat', 'arc'],
}

/** The configuration of the tree, as far as a kind of exposure depends on it by itself: its calibrations tell the rest. */
function configOf(folder: string, type: string): string {
  if (!existsSync(folder)) return ''
  const files = readdirSync(folder).filter((name) => name.endsWith('.ini'))
  return files
    .filter((name) => SERVED[name.replace(/\.ini$/, '')]?.includes(type) ?? true)
    .sort()
    .map((name) => `${name}\n${readFileSync(join(folder, name), 'utf8')}`)
    .join('\n')
}
