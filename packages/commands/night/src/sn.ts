import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openExposures, type Window, windowFlags, windowOf } from '@nightpipe/chain'
import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { power } from '@nightpipe/math'
import { type Chart, chart, type Series, writeFigure } from '@nightpipe/plot'
import { inTree, matchTarget, readTargets, type Tree } from '@nightpipe/spectrographs'
import { formatCsv } from '@nightpipe/table'

/** How much light stars gave, night by night: the figure that NRES people know as nres_sn. */
export const sn = defineConductor({
  name: 'night',
  subcommand: 'sn',
  summary: 'signal to noise of the stars against their brightness, for the spectrographs of all sites',
  description:
    'Prints a line for each star that was brought to a spectrum in these nights (the last 24 hours, unless told otherwise): its ' +
    'V magnitude from csv/targets.csv, the S/N of a column of its brightest fibre, and what that would be in 60 s. --plot draws ' +
    'the latter over the former, a colour for each spectrograph, with what NRES was designed for: S/N 100 in an hour at V = 12.',
  examples: [
    { run: 'night sn --root /data --plot nres_sn.png', doc: 'all sites, the last 24 hours' },
    { run: 'night sn --root /data --site lsc cpt --date 20171216 --plot sn.png', doc: 'two sites, one night' },
  ],
  schema: {},
  flags: {
    root: { type: 'text', doc: 'root of all sites', placeholder: 'DIR' },
    site: { type: 'list', doc: 'only these sites', placeholder: 'SITE…' },
    'nres-instrument': { type: 'list', doc: 'only these spectrographs', placeholder: 'NAME…' },
    ...windowFlags,
    plot: { type: 'text', doc: 'draw into this file (.png or .svg), too', placeholder: 'FILE' },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct,
})

/** A star of one exposure. */
interface Sighting {
  exposure: string
  /** site and spectrograph */
  site: string
  instrument: string
  target: string
  mjd: number
  magnitude: number | undefined
  seconds: number
  snr: number
}

const MJD_OF_1970 = 40587

async function conduct({ flags, json, print, log }: Conducting): Promise<number> {
  const now = Date.now() / 86400e3 + MJD_OF_1970
  const window = windowOf(flags, { start: now - 1, end: now })
  const found = treesBelow(flags).flatMap((tree) => sightingsOf(tree, window))
  if (found.length === 0) log.info('no star of these nights has a spectrum (--date or --start chooses others)')
  const unknown = new Set(found.filter(({ magnitude }) => magnitude === undefined).map(({ target }) => target))
  if (unknown.size > 0) log.warn(`no V magnitude in csv/targets.csv: ${[...unknown].sort().join(', ')}`)
  await print(json ? found.map((one) => `${JSON.stringify(recordOf(one))}\n`).join('') : tableOf(found))
  if (typeof flags.plot === 'string') await writeFigure(flags.plot, chart(figureOf(found)))
  return Exit.done
}

/** The trees of ROOT/SITE/NRES/reduced that have exposures, by name. */
function treesBelow(flags: Conducting['flags']): Tree[] {
  if (typeof flags.root !== 'string') throw new ConfigError('which spectrographs?', 'give --root DIR')
  const root = resolve(flags.root)
  if (!existsSync(root)) throw new ConfigError(`--root ${flags.root}: no such folder`)
  const wanted = (flag: string, name: string) => !flags[flag] || (flags[flag] as string[]).includes(name)
  const below = (folder: string) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .sort()
  const trees = below(root)
    .filter((site) => wanted('site', site))
    .flatMap((site) =>
      below(join(root, site))
        .filter((instrument) => wanted('nres-instrument', instrument))
        .map((instrument) => ({ folder: join(root, site, instrument, 'reduced'), site, instrument, camera: '' })),
    )
    .filter((tree) => existsSync(inTree(tree, 'csv', 'exposures.csv')))
  if (trees.length === 0) throw new ConfigError(`no spectrograph below ${flags.root}`, 'ROOT/SITE/NRES/reduced')
  return trees
}

function sightingsOf(tree: Tree, { days, start = 0, end = Number.POSITIVE_INFINITY }: Window): Sighting[] {
  const { site, instrument } = tree
  const targets = readTargets(tree)
  return [...openExposures(tree).rows.values()]
    .filter(({ type, status }) => type === 'object' && status === 'done')
    .filter(({ day = '', mjd = 0 }) => (days ? days.includes(day) : mjd >= start && mjd <= end))
    .flatMap(({ name, target = '', mjd = 0, exposure_s: seconds = 0, snr }): Sighting[] => {
      if (snr === undefined || !(seconds > 0)) return []
      // Of two stars the S/N is that of the brighter one.
      const magnitudes = target.split('&').flatMap((star) => matchTarget(targets, { name: star }).target?.Vmag ?? [])
      const magnitude = magnitudes.length > 0 ? Math.min(...magnitudes) : undefined
      return [{ exposure: name, site, instrument, target, mjd, magnitude, seconds, snr }]
    })
    .sort((a, b) => (a.exposure < b.exposure ? -1 : 1))
}

/** Photons only: what the same star would have given in a minute. */
const inMinute = ({ snr, seconds }: Sighting) => snr * Math.sqrt(60 / seconds)

const recordOf = (one: Sighting) => {
  const { exposure, site, instrument, target, magnitude, seconds, snr } = one
  return { exposure, site, instrument, target, v_mag: magnitude, exposure_s: seconds, snr, snr_60s: inMinute(one) }
}

function tableOf(found: readonly Sighting[]): string {
  const head = ['exposure', 'site', 'instrument', 'target', 'v_mag', 'exposure_s', 'snr', 'snr_60s']
  const rows = found.map((one) => {
    const { exposure, site, instrument, target, magnitude, seconds, snr } = one
    const figures = [magnitude?.toString() ?? '', String(seconds), snr.toFixed(1), inMinute(one).toFixed(1)]
    return [exposure, site, instrument, target, ...figures]
  })
  return formatCsv([head, ...rows])
}

/** S/N 100 in 60 minutes at V = 12, the design of NRES, in one minute; fainter by a magnitude is less by 10^0.2. */
const designed = (magnitude: number) => (100 / Math.sqrt(60)) * power(10, 0.2 * (12 - magnitude))

function figureOf(found: readonly Sighting[]): Chart {
  const seen = found.filter(({ magnitude }) => magnitude !== undefined)
  const names = [...new Set(seen.map(({ site, instrument }) => `${site} ${instrument}`))]
  const series = names.map((label): Series => {
    const own = seen.filter(({ site, instrument }) => `${site} ${instrument}` === label)
    return { kind: 'points', label, x: own.map(({ magnitude }) => magnitude!), y: own.map(inMinute) }
  })
  const magnitudes = seen.map(({ magnitude }) => magnitude!)
  const [bright, faint] = [Math.min(4, ...magnitudes) - 0.5, Math.max(12, ...magnitudes) + 0.5]
  const ends = [bright, faint]
  return {
    title: `S/N of ${seen.length} exposures`,
    x: { label: 'V (mag)', range: [bright, faint] },
    y: { label: 'S/N of a column in 60 s', log: true },
    series: [
      ...series,
      { kind: 'line', label: 'designed', dashed: true, colour: '#888888', x: ends, y: ends.map(designed) },
    ],
  }
}
