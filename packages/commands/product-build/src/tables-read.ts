import { basename } from 'node:path'
import { DataError } from '@nightpipe/files'
import { type Candidate, candidateName, type Observation } from '@nightpipe/products'
import { defineTable, parseCsv, type RowOf, readTable, textOfTable } from '@nightpipe/table'

const column = <const N extends string, const T extends 'text' | 'number' | 'flag'>(
  name: N,
  type: T,
  doc: string,
  unit?: string,
) => ({ name, type, doc, ...(unit ? { unit } : {}) })

/** What any pipeline may hand over: a row for each candidate in each image. */
export const observationsTable = defineTable({
  name: 'observations.csv',
  columns: [
    { ...column('candidate', 'text', 'its name; of its position when empty') },
    { ...column('ra_deg', 'number', 'right ascension', 'deg') },
    { ...column('dec_deg', 'number', 'declination', 'deg') },
    { ...column('position_error_arcsec', 'number', 'error of the position, one sigma', 'arcsec') },
    { ...column('source', 'text', 'source of a catalogue at this place') },
    { ...column('filter', 'text', 'filter'), required: true },
    { ...column('start_mjd', 'number', 'begin of the exposure (UTC)', 'd'), required: true },
    { ...column('end_mjd', 'number', 'end of the exposure (UTC)', 'd') },
    { ...column('exposure_s', 'number', 'exposure time', 's') },
    { ...column('detected', 'flag', 'whether it was seen'), required: true },
    { ...column('mag', 'number', 'magnitude, where it was seen', 'mag') },
    { ...column('mag_error', 'number', 'one sigma', 'mag') },
    { ...column('snr', 'number', 'signal to noise') },
    { ...column('upper_limit_mag', 'number', 'where it was not seen', 'mag') },
    { ...column('image', 'text', 'name of the image') },
  ],
  key: [],
})

/** The light of sources in differences, as `subtraction` writes it; only what is needed here. */
const differencesTable = defineTable({
  name: 'lightcurves.csv',
  columns: [
    { ...column('source', 'text', 'name of the source'), required: true },
    { ...column('frame', 'text', 'stem of the frame'), required: true },
    { ...column('mjd', 'number', 'middle of the exposure', 'd') },
    { ...column('filter', 'text', 'filter') },
    { ...column('ra_deg', 'number', 'right ascension', 'deg') },
    { ...column('dec_deg', 'number', 'declination', 'deg') },
    { ...column('flux', 'number', 'new minus reference') },
    { ...column('flux_error', 'number', 'one sigma') },
    { ...column('mag', 'number', 'where detected', 'mag') },
    { ...column('mag_error', 'number', 'one sigma', 'mag') },
    { ...column('upper_limit_mag', 'number', 'where not detected', 'mag') },
    { ...column('detected', 'flag', 'whether it was seen'), required: true },
  ],
  key: ['source', 'frame'],
})

/** The candidates of `subtraction`: which of its sources nothing speaks against. */
const candidatesTable = defineTable({
  name: 'candidates.csv',
  columns: [
    { ...column('frame', 'text', 'stem of the frame'), required: true },
    { ...column('kind', 'text', 'new, variable or faded') },
    { ...column('good', 'flag', 'nothing speaks against it'), required: true },
    { ...column('source', 'text', 'the source that it belongs to') },
  ],
  key: [],
})

/** The stars of `photometry`. */
const starsTable = defineTable({
  name: 'stars.csv',
  columns: [
    { ...column('star', 'text', 'its name'), required: true },
    { ...column('ra_deg', 'number', 'right ascension', 'deg') },
    { ...column('dec_deg', 'number', 'declination', 'deg') },
  ],
  key: [],
})

const curvesTable = defineTable({
  name: 'lightcurves.csv',
  columns: [
    { ...column('star', 'text', 'its name'), required: true },
    { ...column('filter', 'text', 'filter') },
    { ...column('frame', 'text', 'stem of the frame'), required: true },
    { ...column('mjd', 'number', 'middle of the exposure', 'd') },
    { ...column('mag', 'number', 'where detected', 'mag') },
    { ...column('error_mag', 'number', 'one sigma', 'mag') },
    { ...column('upper_limit_mag', 'number', 'where not detected', 'mag') },
  ],
  key: [],
})

/** When and how long a frame was exposed. */
export interface Exposure {
  startMjd?: number
  seconds?: number
}

export interface Readings {
  candidates: Candidate[]
  observations: Observation[]
}

type Kind = 'observations' | 'differences' | 'candidates' | 'stars' | 'curves'

/** Which of the known tables a file is, by the names of its columns; undefined for any other. */
export function kindOfTable(path: string): Kind | undefined {
  const [head] = parseCsv(textOfTable(path) ?? '', path)
  const names = new Set(head?.cells.map((cell) => cell.trim()))
  const has = (...wanted: string[]) => wanted.every((name) => names.has(name))
  if (has('start_mjd', 'filter', 'detected')) return 'observations'
  if (has('source', 'frame', 'flux', 'detected')) return 'differences'
  if (has('frame', 'good', 'source', 'score')) return 'candidates'
  if (has('star', 'frame', 'error_mag')) return 'curves'
  return has('star', 'ra_deg', 'dec_deg') ? 'stars' : undefined
}

/** Everything that the tables tell. `wanted`: names of sources to take, whatever speaks against them; empty for the good ones. */
export function readResults(
  paths: readonly string[],
  frames: ReadonlyMap<string, Exposure>,
  wanted: readonly string[],
): Readings {
  const of = (kind: Kind) => paths.filter((path) => kindOfTable(path) === kind)
  const good = new Set(
    of('candidates').flatMap((path) =>
      readTable(path, candidatesTable).flatMap(({ good, kind, source }) =>
        good && kind !== 'faded' && source ? [source] : [],
      ),
    ),
  )
  const take = (name: string, itself: boolean) => (wanted.length > 0 ? wanted.includes(name) : itself)
  const stars = new Map(
    of('stars').flatMap((path) => readTable(path, starsTable).map((row) => [row.star, row] as const)),
  )
  const parts = [
    ...of('observations').map((path) => fromObservations(readTable(path, observationsTable), path)),
    ...of('differences').map((path) => {
      const rows = readTable(path, differencesTable).filter(({ source }) => take(source, good.has(source)))
      return fromDifferences(rows, frames)
    }),
    // Stars that photometry names by number are the field; those with names of their own are the targets.
    ...of('curves').map((path) => {
      const rows = readTable(path, curvesTable).filter(({ star }) => take(star, !/^S\d{5}$/.test(star)))
      return fromCurves(rows, stars, frames)
    }),
  ]
  return merged(parts)
}

function merged(parts: readonly Readings[]): Readings {
  const candidates = new Map<string, Candidate>()
  for (const one of parts.flatMap((part) => part.candidates))
    candidates.set(one.name, bestKnown(candidates.get(one.name), one))
  const observations = parts.flatMap((part) => part.observations)
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  return {
    candidates: [...candidates.values()].sort(byName),
    observations: observations.sort((a, b) => a.startMjd - b.startMjd || (a.candidate < b.candidate ? -1 : 1)),
  }
}

/** Of several rows the position with the smallest error, the first of equal ones; the source of whichever names one. */
function bestKnown(before: Candidate | undefined, one: Candidate): Candidate {
  if (!before) return one
  const error = ({ positionError }: Candidate) => positionError ?? Number.POSITIVE_INFINITY
  return known({ ...(error(one) < error(before) ? one : before), sourceId: before.sourceId ?? one.sourceId })
}

function fromObservations(rows: readonly RowOf<typeof observationsTable>[], path: string): Readings {
  const candidates: Candidate[] = []
  const observations = rows.map((row, k): Observation => {
    const named =
      row.candidate ||
      (row.ra_deg !== undefined && row.dec_deg !== undefined ? candidateName(row.ra_deg, row.dec_deg) : undefined)
    if (!named) throw new DataError(`${basename(path)}: row ${k + 1} has neither a candidate nor a position`)
    if (row.ra_deg !== undefined && row.dec_deg !== undefined)
      candidates.push(
        known({
          name: named,
          ra: row.ra_deg,
          dec: row.dec_deg,
          positionError: row.position_error_arcsec,
          sourceId: row.source || undefined,
        }),
      )
    return known({
      ...{ candidate: named, filter: row.filter, startMjd: row.start_mjd, endMjd: row.end_mjd, detected: row.detected },
      ...{ exposureSeconds: row.exposure_s, snr: row.snr, imageId: row.image || undefined },
      ...(row.detected ? { mag: row.mag, magError: row.mag_error } : { upperLimit: row.upper_limit_mag }),
    })
  })
  return { candidates, observations }
}

/** Without the keys that have no value. */
const known = <T extends object>(record: T): T =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T

/** A point whose time is the middle of its exposure, and whose exposure the frame tells where it is at hand. */
function timed(mjd: number | undefined, frame: string, frames: ReadonlyMap<string, Exposure>) {
  const { startMjd, seconds } = frames.get(frame) ?? {}
  const start = startMjd ?? (mjd !== undefined && seconds !== undefined ? mjd - seconds / 172800 : mjd)
  if (start === undefined) return undefined
  return {
    startMjd: start,
    exposureSeconds: seconds,
    endMjd: seconds === undefined ? undefined : start + seconds / 86400,
  }
}

function fromDifferences(
  rows: readonly RowOf<typeof differencesTable>[],
  frames: ReadonlyMap<string, Exposure>,
): Readings {
  const candidates: Candidate[] = []
  const observations = rows.flatMap((row): Observation[] => {
    const time = timed(row.mjd, row.frame, frames)
    if (!time || row.ra_deg === undefined || row.dec_deg === undefined) return []
    const name = candidateName(row.ra_deg, row.dec_deg)
    candidates.push({ name, ra: row.ra_deg, dec: row.dec_deg })
    const snr = row.flux !== undefined && row.flux_error ? row.flux / row.flux_error : undefined
    const light = row.detected ? { mag: row.mag, magError: row.mag_error, snr } : { upperLimit: row.upper_limit_mag }
    return [
      known({
        candidate: name,
        filter: row.filter ?? '',
        ...time,
        detected: row.detected,
        ...light,
        imageId: row.frame,
      }),
    ]
  })
  return { candidates, observations }
}

function fromCurves(
  rows: readonly RowOf<typeof curvesTable>[],
  stars: ReadonlyMap<string, RowOf<typeof starsTable>>,
  frames: ReadonlyMap<string, Exposure>,
): Readings {
  const candidates: Candidate[] = []
  const observations = rows.flatMap((row): Observation[] => {
    const time = timed(row.mjd, row.frame, frames)
    const star = stars.get(row.star)
    if (!time || star?.ra_deg === undefined || star.dec_deg === undefined) return []
    const name = candidateName(star.ra_deg, star.dec_deg)
    candidates.push({ name, ra: star.ra_deg, dec: star.dec_deg, sourceId: row.star })
    const detected = row.mag !== undefined
    const snr = row.error_mag ? 2.5 / Math.LN10 / row.error_mag : undefined
    const light = detected ? { mag: row.mag, magError: row.error_mag, snr } : { upperLimit: row.upper_limit_mag }
    return [known({ candidate: name, filter: row.filter ?? '', ...time, detected, ...light, imageId: row.frame })]
  })
  return { candidates, observations }
}
