import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Plan, Request, Row } from '@nightpipe/command'
import { describeFrame, type InstrumentProfile } from '@nightpipe/config'
import { cardLookup, column, type FitsFile, openFits, readPixels, readTable, textOf } from '@nightpipe/fits'
import { type CardLookup, readWcs } from '@nightpipe/sky'
import { editTable } from '@nightpipe/table'
import { lightPoint, middleOf, zeroPointOf } from './light.js'
import { findTracks, type Track } from './movers.js'
import type { SubtractionSchema } from './schema.js'
import type { SubtractionJob } from './subtract.js'
import {
  type CandidateRow,
  candidatesTable,
  type LightRow,
  lightCurvesTable,
  type MoverRow,
  moversTable,
} from './tables.js'

type Asked = Request<SubtractionSchema>

/** A frame that has been subtracted. */
interface Epoch {
  frame: string
  mjd?: number
  filter?: string
  /** [a, b, c, d, e, f]: from a pixel of the frame to one of the reference. */
  map: number[]
  zeroPoint?: number
  score?: string
  /** Place in the sky of a pixel of the frame, and the side of a pixel. */
  sky?: (x: number, y: number) => readonly [number, number]
  scaleArcsec?: number
}

/** The tables over all frames of the output folder: candidates, light curves of the sources, moving objects. */
export async function joinEpochs(
  request: Asked,
  _rows: readonly Row[],
  plan: Plan<SubtractionJob>,
): Promise<undefined> {
  const { output, config, profile, dryRun } = request
  const done = plan.jobs.flatMap((job) => job.products.filter((path) => /\.candidates\.fits(\.fz)?$/.test(path)))
  const made = done
    .map((path) => [path, `${path}.fz`].find((name) => existsSync(name)))
    .filter((path) => path !== undefined)
  if (dryRun || made.length === 0) return undefined
  const fresh = made.flatMap((path) => rowsOf(path, profile))
  const frames = new Set(made.map(stemOf))
  let curves: LightRow[] = []
  let movers: MoverRow[] = []
  await editTable(join(output, 'candidates.csv'), candidatesTable, (known) => {
    const rows = [...known.filter(({ frame }) => !frames.has(frame)), ...fresh]
    const epochs = epochsOf(rows, [...frames], output, request)
    for (const row of rows) Object.assign(row, { source: undefined, mover: undefined })
    movers = nameMovers(rows, epochs, config)
    curves = lightCurves(rows, epochs, request)
    return rows
  })
  await editTable(join(output, 'lightcurves.csv'), lightCurvesTable, () => curves)
  await editTable(join(output, 'movers.csv'), moversTable, () => movers)
  return undefined
}

const stemOf = (path: string) => basename(path).replace(/\.candidates\.fits(\.fz)?$/, '')

/** The candidates of one product. */
function rowsOf(path: string, profile: InstrumentProfile): CandidateRow[] {
  const file = openFits(path)
  try {
    const { mjd, filter } = factsOf(file, profile)
    const table = readTable(file.hdus.find(({ name }) => name === 'CANDIDATES')!)
    const numbers = (name: string) => column(table, name)!.values as ArrayLike<number>
    const words = (name: string) => (column(table, name)!.values as string[]).map((text) => text.trim())
    const cells = {
      ...{ ra_deg: numbers('RA'), dec_deg: numbers('DEC'), x_px: numbers('X'), y_px: numbers('Y') },
      ...{ x_ref_px: numbers('X_REF'), y_ref_px: numbers('Y_REF'), score: numbers('SCORE'), flux: numbers('FLUX') },
      ...{ flux_error: numbers('FLUX_ERR'), mag: numbers('MAG'), mag_error: numbers('MAG_ERR') },
    }
    const [kinds, reasons, good] = [words('KIND'), words('REASONS'), column(table, 'GOOD')!.values as boolean[]]
    const reference = textOf(file.hdus[0]!.header, 'SUBREF') ?? ''
    return Array.from({ length: table.rows }, (_, k) => {
      const values = Object.entries(cells).map(([name, list]) => [
        name,
        Number.isFinite(list[k]!) ? list[k] : undefined,
      ])
      const row = { frame: stemOf(path), number: k + 1, reference, mjd, filter, ...Object.fromEntries(values) }
      return { ...row, kind: kinds[k], good: good[k]!, reasons: reasons[k] || undefined } as CandidateRow
    })
  } finally {
    file.close()
  }
}

function factsOf(file: FitsFile, profile: InstrumentProfile) {
  const facts = describeFrame(cardLookup(file.hdus[0]!) as never, profile, { width: 1, height: 1 })
  return { mjd: middleOf(facts), filter: facts.filter }
}

/** What is known of each frame, from its score where there is one. */
function epochsOf(rows: readonly CandidateRow[], frames: readonly string[], output: string, request: Asked) {
  const names = [...new Set([...rows.map(({ frame }) => frame), ...frames])].sort()
  const epochs = new Map<string, Epoch & { reference: string }>()
  for (const frame of names) {
    const found = ['score.fits', 'score.fits.fz', 'diff.fits', 'diff.fits.fz', 'candidates.fits', 'candidates.fits.fz']
      .map((kind) => join(output, `${frame}.${kind}`))
      .find((path) => existsSync(path))
    if (!found) continue
    const file = openFits(found)
    try {
      const image = file.hdus.find(({ kind }) => kind === 'image') ?? file.hdus[0]!
      const lookup = cardLookup(image)
      const map = Array.from({ length: 6 }, (_, k) => Number(lookup(`SUBMAP${k + 1}`) ?? [1, 0, 0, 0, 1, 0][k]))
      const wcs = readWcs(lookup as CardLookup)
      const zeroPoint = request.config.photometry['zero point'] ?? zeroPointOf(lookup)
      epochs.set(frame, {
        ...{ frame, reference: String(lookup('SUBREF') ?? ''), map, zeroPoint, ...factsOf(file, request.profile) },
        ...(/\.score\.fits/.test(found) ? { score: found } : {}),
        ...(wcs ? { sky: (x, y) => wcs.toSky(x, y), scaleArcsec: wcs.scaleArcsec } : {}),
      })
    } finally {
      file.close()
    }
  }
  return epochs
}

type Epochs = ReturnType<typeof epochsOf>

/** A place as a name: J2000 coordinates, or pixels of the reference where the sky is not known. */
function nameOf(row: CandidateRow): string {
  if (row.ra_deg !== undefined && row.dec_deg !== undefined) {
    return `J${row.ra_deg.toFixed(5)}${row.dec_deg < 0 ? '' : '+'}${row.dec_deg.toFixed(5)}`
  }
  return `X${row.x_ref_px.toFixed(1)}Y${row.y_ref_px.toFixed(1)}`
}

function nameMovers(rows: CandidateRow[], epochs: Epochs, { movers }: Asked['config']): MoverRow[] {
  const named: MoverRow[] = []
  for (const reference of new Set(rows.map((row) => row.reference))) {
    const mine = rows.filter((row) => row.reference === reference && row.good && row.score > 0 && row.mjd !== undefined)
    const places = mine.map((row) => ({ x: row.x_ref_px, y: row.y_ref_px, time: row.mjd! * 24, epoch: row.frame }))
    const still = places.map((place) => repeats(place, places, movers.tolerance))
    const moving = mine.filter((_, k) => !still[k])
    const scale = [...epochs.values()].find((epoch) => epoch.reference === reference)?.scaleArcsec
    const fastest = scale ? movers.rate / scale : movers.rate
    const options = { fastest, tolerance: movers.tolerance, epochs: movers.epochs }
    const tracks = findTracks(
      places.filter((_, k) => !still[k]),
      options,
    )
    for (const track of tracks) named.push(nameTrack(track, moving, reference, scale))
  }
  return named
}

/** True for a source that other epochs have at the same place. */
const repeats = (place: { x: number; y: number; epoch: string }, all: readonly (typeof place)[], tolerance: number) =>
  all.some(({ x, y, epoch }) => epoch !== place.epoch && Math.hypot(x - place.x, y - place.y) < tolerance)

function nameTrack(track: Track, moving: readonly CandidateRow[], reference: string, scale?: number): MoverRow {
  const members = track.members.map((k) => moving[k]!)
  const [first, last] = [members[0]!, members.at(-1)!]
  const mover = `M${first.mjd!.toFixed(5)}${nameOf(first)}`
  for (const row of members) row.mover = mover
  const rate = Math.hypot(track.vx, track.vy)
  return {
    ...{ mover, reference, epochs: members.length, mjd_first: first.mjd, mjd_last: last.mjd },
    ...{ x_ref_px: first.x_ref_px, y_ref_px: first.y_ref_px, ra_deg: first.ra_deg, dec_deg: first.dec_deg },
    ...{ rate_px_h: rate, rate_arcsec_h: scale && rate * scale, rms_px: track.rms },
    angle_deg: (Math.atan2(track.vy, track.vx) * 180) / Math.PI,
  }
}

/** Good candidates at one place are one source; its light is measured in every difference of the field. */
function lightCurves(rows: CandidateRow[], epochs: Epochs, { config }: Asked): LightRow[] {
  const curves: LightRow[] = []
  const good = rows.filter((row) => row.good && row.mover === undefined)
  good.sort((a, b) => (a.mjd ?? 0) - (b.mjd ?? 0) || Math.abs(b.score) - Math.abs(a.score) || a.number - b.number)
  const sources: CandidateRow[] = []
  const reach = 1.5 * config.movers.tolerance
  for (const row of good) {
    const known = sources.find(
      (s) => s.reference === row.reference && Math.hypot(s.x_ref_px - row.x_ref_px, s.y_ref_px - row.y_ref_px) < reach,
    )
    if (!known) sources.push(row)
    row.source = nameOf(known ?? row)
  }
  for (const epoch of epochs.values()) {
    const mine = sources.filter(({ reference }) => reference === epoch.reference)
    if (epoch.score && mine.length > 0) curves.push(...measure(epoch, epoch.score, mine, config.photometry.limit))
  }
  return curves
}

/** The flux of a point source at each place: score times its error, at the nearest pixel. */
function measure(epoch: Epoch, path: string, sources: readonly CandidateRow[], limit: number): LightRow[] {
  const file = openFits(path)
  try {
    const [scores, errors] = file.hdus.filter(({ kind }) => kind === 'image')
    const [width, height] = scores!.axes as [number, number]
    const [a, b, c, d, e, f] = epoch.map as [number, number, number, number, number, number]
    const determinant = a * e - b * d
    return sources.flatMap((row) => {
      const [u, v] = [row.x_ref_px - 1 - c, row.y_ref_px - 1 - f]
      const [x, y] = [(e * u - b * v) / determinant, (a * v - d * u) / determinant]
      const [column_, line] = [Math.round(x), Math.round(y)]
      if (column_ < 0 || line < 0 || column_ >= width || line >= height) return []
      const at = (hdu: typeof scores) => readPixels(hdu!, { firstRow: line, rows: 1 })[column_]!
      const [score, fluxError] = [at(scores), at(errors)]
      if (!Number.isFinite(score * fluxError) || score === 0) return []
      const point = lightPoint(score * fluxError, fluxError, epoch.zeroPoint, limit)
      const known = (value: number) => (Number.isFinite(value) ? value : undefined)
      return {
        ...{ source: row.source!, frame: epoch.frame, mjd: epoch.mjd, filter: epoch.filter },
        ...{ ra_deg: row.ra_deg, dec_deg: row.dec_deg, flux: point.flux, flux_error: fluxError },
        ...{ mag: known(point.magnitude), mag_error: known(point.magnitudeError) },
        ...{ upper_limit_mag: known(point.upperLimit), detected: score >= limit },
      }
    })
  } finally {
    file.close()
  }
}
