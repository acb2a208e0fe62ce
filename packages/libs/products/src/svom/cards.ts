import { formatMjd } from '@nightpipe/sky'
import type { Cells, Content } from '../product-hdus.js'
import type { Results } from './observation.js'
import {
  amplitudeRows,
  detectionRows,
  fitRows,
  lightCurveRows,
  metadataRows,
  positionRows,
  quickObservations,
} from './rows.js'

/** The kinds of products of a ground follow-up telescope, by the first letters of their cards. */
export const KINDS = ['DT', 'PO', 'QPO', 'QF', 'QLC', 'LC', 'QTI', 'META'] as const
export type Kind = (typeof KINDS)[number]

/** The kind of a card such as DT_GFT_FGFT; undefined for any other. */
export const kindOf = (card: string) => KINDS.find((kind) => card === kind || card.startsWith(`${kind}_`))

const ROWS: Readonly<Record<Kind, (results: Results) => Cells[]>> = {
  DT: detectionRows,
  PO: positionRows,
  QPO: positionRows,
  QF: amplitudeRows,
  QLC: (results) => lightCurveRows(results, 'quick'),
  LC: (results) => lightCurveRows(results),
  QTI: fitRows,
  META: metadataRows,
}

/** What is told of the file itself, and not of the sky. */
export interface FileFacts {
  creator: string
  pipelineVersion: string
  program?: string
  /** of a finding chart */
  chart?: string
  /** how often the data were processed */
  processing: number
}

/** What goes into a product of this kind. */
export function contentOf(kind: Kind, extension: string, results: Results, facts: FileFacts): Content {
  return { cards: cardsOf(kind, results, facts), rows: { [extension]: ROWS[kind](results) } }
}

function cardsOf(kind: Kind, results: Results, facts: FileFacts): Cells {
  const { burst, observations, candidates } = results
  const seen = observations.filter(({ detected }) => detected)
  const first = seen.length > 0 ? Math.min(...seen.map(({ startMjd }) => startMjd)) : undefined
  const [date, time] = first === undefined ? [] : formatMjd(first).split('T')
  const limits = observations.flatMap(({ upperLimit }) => (upperLimit === undefined ? [] : [upperLimit]))
  return {
    ...{ CREATOR: facts.creator, PIP_VER: facts.pipelineVersion, PROGRAM: facts.program, TIMESYS: 'UTC' },
    ...{ PROC_VER: facts.processing, MY_VERS: facts.processing },
    ...{ BURST_ID: burst.burstId, OBS_ID: burst.obsId, GFT_TGID: burst.telescopeId, GFT_OBID: burst.observationId },
    ...{ TRIG_MJD: burst.triggerMjd, 'DATE-OBS': date, 'TIME-OBS': time, CANDNUMB: candidates.length },
    UPLIMIT: limits.length > 0 && seen.length === 0 ? Math.max(...limits) : undefined,
    ...(kind === 'PO' || kind === 'QPO' ? { FCHART: facts.chart } : {}),
    ...(kind === 'QLC' ? spanOf(results) : {}),
  }
}

/** When the quick light curve begins and ends. */
function spanOf(results: Results): Cells {
  const quick = quickObservations(results)
  if (quick.length === 0) return {}
  const iso = (mjd: number) => formatMjd(mjd)
  return {
    STARUTC: iso(Math.min(...quick.map(({ startMjd }) => startMjd))),
    ENDUTC: iso(Math.max(...quick.map(({ endMjd, startMjd }) => endMjd ?? startMjd))),
  }
}

/** For consumers that want 0 where nothing is known: what was not detected has magnitude, error, time and exposure 0. */
export function withLegacyZeros(content: Content): Content {
  const zeros = (row: Cells): Cells => {
    const undetected = 'DETECTED' in row ? row.DETECTED === 0 : row.MAG === undefined
    if (!undetected) return row
    // A light curve gives the limit as the magnitude, with the error 0 that marks it.
    const mag = 'DETECTED' in row ? (row.UPLIM ?? 0) : 0
    const own: Record<string, Cells[string]> = { MAG: mag, MAGERR: 0, DT: '0', DT_MJD: 0, SNR: 0 }
    if (!('DETECTED' in row)) own.EXPTIME = 0
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, name in own ? own[name] : value]))
  }
  return {
    ...content,
    rows: Object.fromEntries(Object.entries(content.rows).map(([name, rows]) => [name, rows.map(zeros)])),
  }
}
