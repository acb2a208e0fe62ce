import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from '@nightpipe/files'
import { jdToMjd, parseDate } from '@nightpipe/sky'
import {
  chooseStandard,
  chooseZeroOf,
  formatProductDate,
  openTree,
  parseProductDate,
  readTargets,
  type StandardChoice,
  standardType,
  type Tree,
  targetKey,
  treeOf,
} from '@nightpipe/spectrographs'
import { alignColumns } from '@nightpipe/table'
import { print } from './print.js'
import type { Parsed, VerbFlag } from './verb.js'

export const CHOOSE_FLAGS = {
  type: { type: 'string', placeholder: 'TYPE', doc: 'choose: BIAS, DARK, FLAT, DOUBLE, TRIPLE, TRACE, BLAZE or ZERO' },
  date: { type: 'string', placeholder: 'DATE', doc: 'choose: start of the exposure: ISO, MJD, JD or YYYYDDD.fffff' },
  camera: { type: 'string', placeholder: 'CAMERA', doc: 'choose: camera of the frame' },
  fibres: { type: 'string', placeholder: '0,1', doc: 'choose: the fibres that the calibration must hold' },
  'maximum-age': { type: 'string', placeholder: 'DAYS', doc: 'choose: none further away than this' },
  target: { type: 'string', placeholder: 'NAME', doc: 'choose --type ZERO: the star' },
  root: { type: 'string', placeholder: 'DIR', doc: 'choose: root of all sites, with --site (default: this folder)' },
  site: { type: 'string', placeholder: 'SITE', doc: 'choose: site of the spectrograph' },
  'nres-instrument': {
    type: 'string',
    placeholder: 'NAME',
    doc: 'choose: the spectrograph, where the site has several',
  },
  tree: { type: 'string', placeholder: 'DIR', doc: 'choose: the folder `reduced` of a spectrograph' },
} as const satisfies Record<string, VerbFlag>

/** Prints which calibration a frame would get, and why. Exit 4 when there is none. */
export function choose(flags: Parsed['flags']): number {
  const text = (name: string) => flags[name] as string | undefined
  if (!text('type'))
    throw new ConfigError('tables choose without --type', 'one of BIAS, DARK, FLAT, DOUBLE, TRIPLE, TRACE, BLAZE, ZERO')
  const tree = treeFor(flags)
  if (text('type')!.toUpperCase() === 'ZERO') return chooseTemplate(tree, text('target'), flags.json === true)
  const type = standardType(text('type')!)
  const camera = text('camera')
  if (!camera) throw new ConfigError('tables choose without --camera', 'calibrations are those of one camera')
  const choice = chooseStandard(tree, {
    ...{ type, site: tree.site, camera, mjd: mjdOf(text('date')) },
    ...(text('fibres') === undefined ? {} : { fibres: fibresOf(text('fibres')!) }),
    ...(text('maximum-age') === undefined ? {} : { maximumAgeDays: daysOf(text('maximum-age')!) }),
  })
  print(flags.json ? jsonOf(choice) : tableOf(choice, `${type} of ${camera} at ${tree.site}`))
  return choice.chosen ? 0 : 4
}

/** The tree that is meant; the name of the spectrograph may be left out where the site has one only. */
function treeFor(flags: Parsed['flags']): Tree {
  if (flags.tree === undefined && flags['nres-instrument'] === undefined) {
    const root = resolve((flags.root as string | undefined) ?? '.')
    if (existsSync(join(root, 'csv'))) return openTree({ ...flags, root: undefined, tree: root })!
    const { site } = flags
    if (typeof site !== 'string')
      throw new ConfigError('no spectrograph tree', 'give --tree DIR, or --root DIR and --site')
    const folder = join(root, site)
    const all = existsSync(folder)
      ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'reduced/csv')))
      : []
    if (all.length === 1) return treeOf({ root, site, 'nres-instrument': all[0] })!
    const what = all.length
      ? `${all.length} spectrographs in ${folder} (${all.join(', ')})`
      : `no spectrograph tree in ${folder}`
    throw new ConfigError(what, all.length ? 'choose one by --nres-instrument' : 'give --root, or --tree DIR')
  }
  return openTree({ ...flags, root: flags.root ?? '.' })!
}

function mjdOf(text: string | undefined): number {
  if (text === undefined) throw new ConfigError('tables choose without --date', 'the start of the exposure')
  const named = parseProductDate(text)
  if (named !== undefined) return named
  const number = Number(text)
  if (text.trim() !== '' && number > 2.4e6 && number < 2.6e6) return jdToMjd(number)
  if (text.trim() !== '' && number > 1e4 && number < 1e5) return number
  const date = parseDate(text)
  if (!date) throw new ConfigError(`--date ${text}: expected 2017-12-16T22:40:00, an MJD, a JD or 2017350.94444`)
  return date.mjd
}

const fibresOf = (text: string) =>
  text.split(',').map((part) => {
    if (!/^\s*\d\s*$/.test(part)) throw new ConfigError(`--fibres ${text}: expected numbers such as 0,1`)
    return Number(part)
  })

function daysOf(text: string): number {
  const days = Number(text)
  if (!(text.trim() !== '' && days >= 0)) throw new ConfigError(`--maximum-age ${text}: expected a number of days`)
  return days
}

const rounded = (days: number) => Number(days.toFixed(5))

const jsonOf = ({ candidates }: StandardChoice) =>
  candidates
    .map(
      ({ row, path, mjd, ageDays, won, why }) =>
        `${JSON.stringify({ chosen: won, path, mjd, age_d: rounded(ageDays), why, ...row })}\n`,
    )
    .join('')

function tableOf({ chosen, candidates }: StandardChoice, what: string): string {
  if (candidates.length === 0) return `standards.csv has no ${what.split(' ')[0]} at all\n`
  const rows = candidates.map(({ row, mjd, ageDays, won, why }) => [
    ...[won ? '*' : '', row.Filename, String(row.Navg ?? ''), row.Site ?? '', row.Camera ?? ''],
    ...[row.Flags ?? '', Number.isNaN(mjd) ? '' : formatProductDate(mjd), ageDays.toFixed(3), why],
  ])
  const header = ['', 'Filename', 'Navg', 'Site', 'Camera', 'Flags', 'date', 'age_d', 'why']
  const verdict = chosen ? `${chosen.path}\n` : `no ${what} can serve\n`
  return `${alignColumns([header, ...rows])}${verdict}`
}

function chooseTemplate(tree: Tree, name: string | undefined, json: boolean): number {
  if (!name) throw new ConfigError('tables choose --type ZERO without --target', 'the name of the star')
  const row = readTargets(tree).find((one) => targetKey(one.Name) === targetKey(name))
  const colour = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : a - b
  const { path, chosen, why, others } = chooseZeroOf(tree, {
    ...{ target: name, named: row?.ZERO, teff: row?.Teff, logg: row?.Logg },
    ...{ bv: colour(row?.Bmag, row?.Vmag), jk: colour(row?.Jmag, row?.Kmag) },
  })
  const all = [...(chosen ? [{ row: chosen, why }] : []), ...others]
  if (json)
    print(all.map((one) => `${JSON.stringify({ chosen: one.row === chosen, why: one.why, ...one.row })}\n`).join(''))
  else {
    const lines = all.map((one) => [
      one.row === chosen ? '*' : '',
      one.row.Filename,
      one.row.Target ?? '',
      one.row.Flags ?? '',
      one.why,
    ])
    print(
      `${lines.length ? alignColumns([['', 'Filename', 'Target', 'Flags', 'why'], ...lines]) : ''}${path ?? `no template: ${why}`}\n`,
    )
  }
  return path ? 0 : 4
}
