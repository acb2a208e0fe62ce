import { dirname, join } from 'node:path'
import type { Job, Row, Tools } from '@nightpipe/command'
import { writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { type AlardRowInput, alardRow, type SharedNoise, type ZogyRowInput, zogyRow } from '@nightpipe/image'
import { type CardLookup, readWcs } from '@nightpipe/sky'
import { findPeaks } from './candidates.js'
import { makeDifference } from './difference.js'
import { lightPoint, middleOf, zeroPointOf } from './light.js'
import { stampsAt } from './match-kernel.js'
import { judgePart } from './noise.js'
import { type PartOfStack, partOf } from './part-of-stack.js'
import { candidateHdus, differenceHdus, type ForcedPoint, type Result, scoreHdus } from './products.js'
import { joinedMask, type Registered, registerReference } from './register.js'
import type { SubtractionSchema } from './schema.js'
import { readSide, type Side, type SideArgs, type SideParts, withLookup } from './side.js'
import { cutStamp, stampPicture } from './stamps.js'
import { dimmed, transparencyOf } from './transparency.js'
import { vet } from './vet.js'

export interface SubtractionJob {
  reference: string
  referenceName: string
  stem: string
}

/** One frame minus its reference: difference, score, candidates. */
export async function subtractFrame(
  job: Job<SubtractionJob>,
  tools: Tools<SubtractionSchema>,
): Promise<readonly Row[]> {
  const result = await resultOf(job, tools)
  const { config, context, log } = tools
  const written: string[] = []
  for (const path of job.products) {
    const kind = /\.(diff|score|candidates)\.fits(\.fz)?$/.exec(path)?.[1]
    const hdus = kind === 'diff' ? differenceHdus : kind === 'score' ? scoreHdus : candidateHdus
    written.push(writeProduct(path, hdus(result, config), context, job.parents))
  }
  if (config.candidates.png) writePictures(result, join(dirname(job.products[0]!), `${job.params.stem}.stamps`), config)
  const { difference, candidates, reference, fresh } = result
  if (fresh.noise === 'sky only')
    log.warn(`${fresh.frame.name}: no gain is known: errors do not count the light of stars`)
  const off = Math.abs(difference.noiseRatio - 1)
  if (off > 0.1)
    log.warn(`${fresh.frame.name}: the noise is ${difference.noiseRatio.toFixed(2)} times what its errors say`)
  const { transparency } = result
  if (transparency) {
    const [low, high] = [transparency.low, transparency.high].map((part) => (part * difference.ratio).toPrecision(2))
    log.warn(
      `${fresh.frame.name}: ${low} to ${high} of the light of the reference, over the field: clouds? (allowed for)`,
    )
  }
  const good = candidates.filter(({ reasons }) => reasons.length === 0)
  const part = (value = 1) => (transparency ? value * difference.ratio : undefined)
  const measurements = {
    ...{ reference: job.params.referenceName, registration: reference.how, registration_px: finite(reference.rms) },
    ...{ seeing_px: difference.seeing.fresh, reference_seeing_px: difference.seeing.reference },
    ...{ convolved: config.subtraction.method === 'alard' ? difference.match?.convolved : undefined },
    ...{ stamps: difference.match?.used.filter(Boolean).length, ratio: difference.ratio },
    ...{ chi2: difference.match && finite(difference.match.quality) },
    ...{ noise_ratio: difference.noiseRatio, score_sigma: difference.scoreSigma },
    ...{ candidates: good.length, rejected: candidates.length - good.length },
    ...{ ratio_low: part(transparency?.low), ratio_high: part(transparency?.high) },
  }
  return [{ input: job.inputs[0]!, status: 'done', product: written[0], measurements }]
}

/** A width to grow masks by, where the stars tell none. */
const seeingOf = ({ found }: Side) => (found.quality.seeing > 0 && found.quality.seeing < 12 ? found.quality.seeing : 5)

const finite = (value: number) => (Number.isFinite(value) ? value : undefined)

/** Tasks that threads share. */
export const tasks = {
  sides: readSide,
  stamps: stampsAt,
  noise: judgePart,
  tiles: (input: AlardRowInput | ZogyRowInput) => (input.method === 'alard' ? alardRow(input) : zogyRow(input)),
}

async function resultOf(job: Job<SubtractionJob>, tools: Tools<SubtractionSchema>): Promise<Result> {
  const { config, profile } = tools
  const { noise } = config
  const mesh = noise.mesh
  const paths = [job.inputs[0]!, job.params.reference]
  const options = [
    { gain: noise.gain, saturation: noise.saturation, mesh },
    { gain: noise['reference gain'], mesh },
  ]
  const args = paths.map((path, k): SideArgs => ({ path, profile, options: options[k]! }))
  const parts = await tools.map<SideArgs, SideParts>('sides', args, { digests: 'last' })
  const [fresh, there] = parts.map((part, k) => withLookup(paths[k]!, part)) as [Side, Side]
  const registered = registerReference(fresh, there, config)
  const transparency = transparencyOf(fresh, registered)
  const reference = transparency ? dimmed(registered, transparency, fresh) : registered
  const mask = joinedMask(fresh.mask, reference.mask, fresh.width, Math.max(1.5, seeingOf(fresh) / 2))
  const part = partOf(fresh, paths[0]!, paths[1]!)
  const matched = { ...reference, noise: noiseOf(fresh, there, reference, part) }
  const difference = await makeDifference(fresh, matched, mask, tools)
  const vetted = vet(findPeaks(difference, config), { difference, fresh, reference, there, mask, config })
  const candidates = config.candidates.rejected ? vetted : vetted.filter(({ reasons }) => reasons.length === 0)
  const zeroPoint = config.photometry['zero point'] ?? zeroPointOf(fresh.lookup)
  const point = (flux: number, error: number) => lightPoint(flux, error, zeroPoint, config.photometry.limit)
  return {
    ...{ fresh, reference, referenceName: job.params.referenceName, mask, difference, candidates },
    ...{ points: candidates.map(({ flux, fluxError }) => point(flux, fluxError)), mjd: middleOf(fresh.facts) },
    forced: forcedPoints(fresh, difference, config.photometry.positions, point),
    toReference: reference.toReference,
    transparency,
  }
}

/** How the noises of the two hang together: from what interpolation has made of them, and what part of it is the same. */
function noiseOf(fresh: Side, there: Side, reference: Registered, part?: PartOfStack): SharedNoise {
  const factor = ({ lookup }: Side) => Math.max(1, Number(lookup('NOISEFAC') ?? 1) || 1)
  return {
    ...{ fresh: factor(fresh), reference: factor(there), moved: reference.noiseFactor },
    ...{ share: part?.share ?? 0, returned: part !== undefined && !part.asItIs },
  }
}

/** What the difference has at given places of the sky. */
function forcedPoints(
  fresh: Side,
  { score, fluxError, width, height }: Result['difference'],
  positions: readonly string[],
  point: (flux: number, error: number) => ReturnType<typeof lightPoint>,
): ForcedPoint[] {
  const wcs = positions.length > 0 ? readWcs(fresh.lookup as CardLookup) : undefined
  const points: ForcedPoint[] = []
  for (let k = 0; wcs && k + 1 < positions.length; k += 2) {
    const [ra, dec] = [Number(positions[k]), Number(positions[k + 1])]
    const [x, y] = wcs.toPixel(ra, dec) ?? [Number.NaN, Number.NaN]
    const [column, row] = [Math.round(x), Math.round(y)]
    const inside = column >= 0 && row >= 0 && column < width && row < height
    const p = row * width + column
    const [flux, error] = inside ? [score[p]! * fluxError[p]!, fluxError[p]!] : [Number.NaN, Number.NaN]
    points.push({ ra, dec, x, y, ...point(flux, error) })
  }
  return points
}

/** Candidates as pictures: new, reference, difference. */
function writePictures(
  { fresh, reference, difference, candidates }: Result,
  folder: string,
  config: Tools<SubtractionSchema>['config'],
) {
  const side = config.candidates.stamp || 31
  candidates.forEach(({ x, y, reasons }, k) => {
    if (reasons.length > 0) return
    const images = [fresh.net, reference.net, difference.difference]
    const stamps = images.map((image) => cutStamp(image, fresh.width, x, y, side))
    writeAtomically(`${folder}-${String(k + 1).padStart(4, '0')}.png`, stampPicture(stamps, side))
  })
}
