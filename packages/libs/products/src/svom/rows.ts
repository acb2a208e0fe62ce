import { formatMjd, formatSexagesimal, toGalactic } from '@nightpipe/sky'
import type { Cells } from '../product-hdus.js'
import { type Candidate, middleOf, type Observation, objectId, type Results, sinceTrigger } from './observation.js'
import { fitPowerLaw } from './power-law.js'

/** Seconds after the trigger in which the quick light curve lies; the power law is fitted to its first points. */
const QUICK_SECONDS = 300
const FIT_POINTS = 4

/** The three columns by which every table begins. */
const identity = ({ burst }: Results): Cells => ({
  INSTRUME: burst.instrument,
  GFT_TGID: burst.telescopeId,
  GFT_OBID: burst.observationId,
})

const who = (results: Results, name: string | undefined): Cells => ({
  OBJECTID: name === undefined ? undefined : objectId(results.burst, name),
  CANDID: name,
})

const isoSeconds = (mjd: number) => formatMjd(mjd).slice(0, 19)

/** No candidate at all: the rows are there, and say so by having no values. */
const namesOf = ({ candidates }: Results): (string | undefined)[] =>
  candidates.length > 0 ? candidates.map(({ name }) => name) : [undefined]

const byTime = (a: Observation, b: Observation) => a.startMjd - b.startMjd

const inFilter = ({ observations }: Results, filter: string, candidate?: string) =>
  observations
    .filter((one) => one.filter === filter && (candidate === undefined || one.candidate === candidate))
    .sort(byTime)

const candidateOf = ({ candidates }: Results, name: string | undefined): Candidate | undefined =>
  candidates.find((one) => one.name === name)

/** DT: a row for each filter, with its first detection of any candidate. */
export function detectionRows(results: Results): Cells[] {
  return results.burst.filters.map((filter) => {
    const first = inFilter(results, filter).find(({ detected }) => detected)
    const candidate = candidateOf(results, first?.candidate)
    return {
      ...identity(results),
      ...who(results, first?.candidate),
      ...{ SOURCEID: candidate?.sourceId, FILTER: filter },
      ...{ DT: first && isoSeconds(first.startMjd), DT_MJD: first?.startMjd },
      ...{ DELTAT: sinceTrigger(results.burst, first?.startMjd), RA: candidate?.ra, DEC: candidate?.dec },
      ...{ MAG: first?.mag, MAGERR: first?.magError, SNR: first?.snr, IMAGEID: first?.imageId },
    }
  })
}

/** PO: a row for each candidate, with its galactic coordinates. */
export function positionRows(results: Results): Cells[] {
  return results.candidates.map(({ name, ra, dec, positionError, sourceId }) => {
    const [l, b] = toGalactic([ra, dec])
    const seen = results.observations.filter((one) => one.candidate === name && one.detected).sort(byTime)[0]
    return {
      ...identity(results),
      ...who(results, name),
      ...{ FOM: 1, RA: ra, DEC: dec, ER_PO: positionError, LII: l, BII: b },
      ...{ FILTER: seen?.filter, IMAGEID: seen?.imageId, SOURCEID: sourceId },
    }
  })
}

/** QF: each candidate in each filter, when it was first detected; or the deepest limit of more than 300 s of exposures. */
export function amplitudeRows(results: Results): Cells[] {
  return namesOf(results).flatMap((name) =>
    results.burst.filters.map((filter) => {
      const all = name === undefined ? [] : inFilter(results, filter, name)
      const first = all.find(({ detected }) => detected)
      const total = all.reduce((sum, { exposureSeconds }) => sum + (exposureSeconds ?? 0), 0)
      const limits = all.flatMap(({ upperLimit }) => (upperLimit === undefined ? [] : [upperLimit]))
      const limit = !first && total > QUICK_SECONDS && limits.length > 0 ? Math.max(...limits) : undefined
      return {
        ...identity(results),
        ...who(results, name),
        FILTER: filter,
        ...{ TSTART: sinceTrigger(results.burst, first?.startMjd), TSTOP: sinceTrigger(results.burst, first?.endMjd) },
        ...{ EXPTIME: first?.exposureSeconds, MAG: first?.mag, MAGERR: first?.magError, SNR: first?.snr },
        ...{ UPLIM: limit, DT: first && isoSeconds(first.startMjd), DT_MJD: first?.startMjd, IMAGEID: first?.imageId },
      }
    }),
  )
}

/** The observations of the quick light curve. */
export const quickObservations = (results: Results) =>
  results.observations.filter((one) => {
    const t = sinceTrigger(results.burst, one.startMjd)
    return t !== undefined && t <= QUICK_SECONDS
  })

/** LC: every observation of every candidate, by candidate, filter and time; QLC: those of the first 300 s. */
export function lightCurveRows(results: Results, which: 'all' | 'quick' = 'all'): Cells[] {
  const taken = which === 'quick' ? quickObservations(results) : [...results.observations]
  const filters = [...results.burst.filters]
  const rank = ({ filter }: Observation) => (filters.includes(filter) ? filters.indexOf(filter) : filters.length)
  const names = results.candidates.map(({ name }) => name)
  const order = (a: Observation, b: Observation) =>
    names.indexOf(a.candidate) - names.indexOf(b.candidate) || rank(a) - rank(b) || byTime(a, b)
  return taken.sort(order).map((one) => {
    const start = sinceTrigger(results.burst, one.startMjd)
    return {
      ...identity(results),
      ...who(results, one.candidate),
      ...{ FILTER: one.filter, TSTART: start, TSTOP: sinceTrigger(results.burst, one.endMjd), DELTAT: start },
      ...{ STARTMJD: one.startMjd, ENDMJD: one.endMjd, EXPTIME: one.exposureSeconds },
      ...{ MAG: one.detected ? one.mag : undefined, MAGERR: one.detected ? one.magError : undefined },
      ...{ SNR: one.detected ? one.snr : undefined, DETECTED: one.detected ? 1 : 0 },
      ...{ IMAGEID: one.imageId, IMAGEURL: one.imageUrl, UPLIM: one.detected ? undefined : one.upperLimit },
    }
  })
}

/** QTI: the power law of each candidate in each filter, by the first four detections of the quick light curve. */
export function fitRows(results: Results): Cells[] {
  const quick = quickObservations(results)
  return namesOf(results).flatMap((name) =>
    results.burst.filters.map((filter) => {
      const all = quick.filter((one) => one.candidate === name && one.filter === filter).sort(byTime)
      const seen = all.filter(({ detected }) => detected).slice(0, FIT_POINTS)
      const times = seen.map((one) => middleOf(results.burst, one) ?? Number.NaN)
      const fit = fitPowerLaw(
        times,
        seen.map(({ mag }) => mag ?? Number.NaN),
        seen.map(({ magError }) => magError ?? Number.NaN),
      )
      const last = seen.at(-1)
      return {
        ...identity(results),
        ...who(results, name),
        ...{ FILTER: filter, TFITSTART: sinceTrigger(results.burst, seen[0]?.startMjd) },
        TFITSTOP: fit && sinceTrigger(results.burst, last?.endMjd ?? last?.startMjd),
        ...{ FITNORM: fit?.norm, FITINDEX: fit?.index, ERFITINDEX: fit?.indexError, FITCHI2: fit?.chiSquare },
        optimiseWarning: undefined,
      }
    }),
  )
}

/** META: a row for each image in which a candidate was looked for, with what the summary page tells. */
export function metadataRows(results: Results): Cells[] {
  return [...results.observations].sort(byTime).map((one) => {
    const candidate = candidateOf(results, one.candidate)
    return {
      ...identity(results),
      RA_SEXA: candidate && formatSexagesimal(candidate.ra, 'hours', 2),
      DEC_SEXA: candidate && formatSexagesimal(candidate.dec, 'degrees', 1),
      ...{ MAG: one.mag, MAGERR: one.magError, FILTER: one.filter, EXPTIME: one.exposureSeconds },
      FADING: fading(results, one.candidate, one.filter),
    }
  })
}

/** Whether the last detection in a filter is fainter than the first by more than three of their errors. */
function fading(results: Results, name: string, filter: string): boolean | undefined {
  const seen = inFilter(results, filter, name).filter(({ detected }) => detected)
  const [first, last] = [seen[0], seen.at(-1)]
  if (seen.length < 2 || first?.mag === undefined || last?.mag === undefined) return undefined
  return last.mag - first.mag > 3 * Math.hypot(first.magError ?? 0, last.magError ?? 0)
}
