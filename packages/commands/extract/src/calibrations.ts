import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { ConfigError, DataError, type Request } from '@nightpipe/command'
import type { FrameFacts } from '@nightpipe/config'
import { textOf, withFits } from '@nightpipe/fits'
import type { Traces } from '@nightpipe/spectra'
import { chooseFrom, readStandards, readTraces, standardPath, type Tree } from '@nightpipe/spectrographs'
import type { ExtractSchema } from './schema.js'

export interface Calibrations {
  traces: Traces
  tracesPath: string
  /** none: spectra without the response of a flat */
  flats: string[]
  /** of stars, where there is a list and something to look it up by */
  bad?: { badWavelengths: string; wavelengths: string }
}

/** A frame that wants calibrations. */
export interface Wanting {
  facts: FrameFacts
  /** fibres with light; undefined where the header does not say */
  lit?: readonly number[]
  shown: string
}

/** Who tells which traces and flats a frame gets: the flags, else the tables of the tree. */
export function calibrationsOf(request: Request<ExtractSchema>, tree?: Tree): (frame: Wanting) => Calibrations {
  const { traces, flat = [] } = request.flags
  if (typeof traces !== 'string' && !tree) {
    throw new ConfigError('no traces', 'give --traces FILE (trace0 and trace-refine make it), or --tree DIR')
  }
  const given = typeof traces === 'string' ? existing(traces, '--traces') : undefined
  const flats = (flat as string[]).map((path) => existing(path, '--flat'))
  const choose = tree && chooserOf(tree)
  const list = listOf(request, tree)
  const said = request.flags.wavelengths
  const givenWavelengths = typeof said === 'string' ? existing(said, '--wavelengths') : undefined
  const known = new Map<string, Traces>()
  return (frame) => {
    if (given) requireCamera(given, frame)
    const tracesPath = given ?? choose!('TRACE', frame)!
    const read = known.get(tracesPath) ?? readTraces(tracesPath)
    known.set(tracesPath, read)
    const wavelengths =
      frame.facts.type === 'object' ? (givenWavelengths ?? (list && choose?.('TRIPLE', frame, true))) : undefined
    const bad = list && wavelengths ? { badWavelengths: list, wavelengths } : undefined
    const wantsFlat = frame.facts.type !== 'flat' && flats.length === 0
    return { traces: read, tracesPath, flats: wantsFlat && choose ? [choose('FLAT', frame)!] : flats, bad }
  }
}

/** The list of bad wavelengths: that of the configuration, else that of the tree. */
function listOf({ config }: Request<ExtractSchema>, tree?: Tree): string | undefined {
  const { list } = config['bad wavelengths']
  if (list) return existing(list, '[bad wavelengths] list')
  const own = tree && join(tree.folder, 'config/badlams.txt')
  return own && existsSync(own) ? own : undefined
}

type Chooser = (type: 'TRACE' | 'FLAT' | 'TRIPLE', frame: Wanting, optional?: boolean) => string | undefined

/** Chooses from standards.csv, which is read once. */
function chooserOf(tree: Tree): Chooser {
  const rows = readStandards(tree)
  return (type, { facts, lit, shown }, optional = false) => {
    const camera = facts.camera ?? tree.camera
    if (facts.mjd === undefined) throw new DataError(`${shown} has no date`, 'calibrations are chosen by date')
    if (!camera) throw new DataError(`${shown} does not say its camera`, 'give --camera')
    const wanted = { type, mjd: facts.mjd, site: tree.site, camera }
    const fibres = type === 'FLAT' ? lit : undefined
    const { chosen, candidates } = chooseFrom(rows, { ...wanted, fibres }, (row) => standardPath(tree, row), existsSync)
    if (chosen || optional) return chosen?.path
    const near = candidates[0] ? `: ${candidates[0].row.Filename} ${candidates[0].why}` : ''
    const first = type === 'FLAT' ? 'extract flats first, then stack them' : 'run trace0 first'
    throw new DataError(`no ${type} for ${shown} in standards.csv${near}`, first)
  }
}

/** Traces that a call names may be of another spectrograph, whose light lies elsewhere. Those of a tree are chosen by camera. */
function requireCamera(path: string, { facts, shown }: Wanting): void {
  const camera = withFits(path, (file) => textOf(file.hdus[0]!.header, 'INSTRUME'))
  if (!camera || !facts.camera || camera.toLowerCase() === facts.camera.toLowerCase()) return
  throw new DataError(
    `${shown} is of camera ${facts.camera}, but the traces of ${basename(path)} are of ${camera}`,
    'give traces of this camera',
  )
}

function existing(path: string, flag: string): string {
  if (!existsSync(path)) throw new ConfigError(`${flag} ${path}: no such file`, 'check the path')
  return resolve(path)
}
