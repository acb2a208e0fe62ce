import { DataError, type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import type { BrightStars } from '@nightpipe/registration'
import { equalSeeing } from './equal-seeing.js'
import type { FindArgs, Unreadable } from './find-stars.js'
import type { MatchJob } from './plan.js'
import type { AlignmentSchema } from './schema.js'
import { type Solved, type Starred, solveGroup, unsolved } from './solve-group.js'
import { starFacts, type Transform, transformsHdus } from './transforms-table.js'
import { hasWcs } from './wcs-map.js'

/** Stars from which the seeing is told. */
const FEW = 40

const NONE = new Float64Array(0)
const NO_STARS: BrightStars = {
  ...{ count: 0, x: NONE, y: NONE, error: NONE, flux: NONE, fluxError: NONE, fwhm: NONE, rough: new Uint8Array(0) },
  ...{ seeing: Number.NaN, ellipticity: Number.NaN, sky: Number.NaN, skySigma: Number.NaN },
}

/** Finds the stars of all frames of a group, chooses the reference, and writes how each frame lies on it. */
export async function matchGroup(job: Job, params: MatchJob, tools: Tools<AlignmentSchema>): Promise<Row[]> {
  const { config, context, log } = tools
  const all = params.reference ? [params.reference, ...params.frames] : params.frames
  const catalogues = params.reference ? [params.referenceCatalogue, ...params.catalogues] : params.catalogues
  const byWcs = config.match.method === 'wcs'
  // by plate solutions stars only tell the seeing
  const options = {
    most: byWcs ? Math.min(FEW, config.stars.most) : config.stars.most,
    threshold: config.stars.threshold,
  }
  // and those of a reference that is given tell nothing at all
  const unasked = byWcs && params.reference ? 1 : 0
  const tasks = all
    .map((frame, k): FindArgs => ({ frame, catalogue: catalogues[k], options, middle: byWcs }))
    .slice(unasked)
  const found = await tools.map<FindArgs, BrightStars | Unreadable>('findStars', tasks, { digests: 'last' })
  if (unasked) found.unshift(NO_STARS)
  const starred = all.flatMap((frame, k): Starred[] => {
    const stars = found[k]
    return 'unreadable' in stars ? [] : [{ frame, stars }]
  })
  if (params.reference && 'unreadable' in found[0])
    throw new DataError(`${params.reference.name}: ${found[0].unreadable}`)
  if (starred.length === 0) throw new DataError('none of its frames can be read')
  const given = params.reference ? 0 : undefined
  const { reference, solved } = byWcs
    ? unsolved(starred, config, given)
    : await equalSeeing(starred, solveGroup(starred, config, given), tools)
  const referenceFrame = starred[reference].frame
  const refHasWcs = config.match.method !== 'stars' && hasWcs(referenceFrame.path)
  const rows = params.frames.map((frame): Transform => {
    const k = all.lastIndexOf(frame)
    const stars = found[k]
    const base = { file: frame.name, reason: '', model: '', matched: 0, rms: Number.NaN, chance: Number.NaN }
    if ('unreadable' in stars) return { ...base, ...starFacts(), status: 'failed', reason: stars.unreadable }
    const facts = { ...base, ...starFacts(stars) }
    const own = solved[starred.findIndex((one) => one.frame === frame)]
    if (refHasWcs && (byWcs || own.reason) && hasWcs(frame.path)) {
      return { ...facts, status: 'aligned', model: 'wcs', map: { wcs: true } }
    }
    if (byWcs) {
      const who = refHasWcs ? 'it' : referenceFrame.name
      return { ...facts, status: 'rejected', reason: `${who} has no plate solution (see [match] method)` }
    }
    return { ...facts, ...outcome(own) }
  })
  const aligned = rows.filter(({ status }) => status === 'aligned').length
  log.detail(`${job.name}: ${aligned} of ${rows.length} frames on ${referenceFrame.name}`)
  writeProduct(job.products[0], transformsHdus({ reference: referenceFrame.name, rows }), context, job.parents)
  return []
}

function outcome({ alignment, reason }: Solved) {
  if (!alignment) return { status: 'rejected' as const, reason }
  const { model, map, rms, pairs, falseMatchProbability } = alignment
  return { status: 'aligned' as const, model, map, rms, matched: pairs.length, chance: falseMatchProbability }
}
