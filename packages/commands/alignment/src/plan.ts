import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ConfigError, type Job, type Parent, type Plan, productPath, type Request } from '@nightpipe/command'
import { stemOf } from '@nightpipe/files'
import { type FrameInfo, GROUPS, readInfo, sortFrames } from './frames.js'
import type { AlignmentSchema } from './schema.js'

/** The frames of a group are matched on their reference; then each of them is resampled by a job of its own. */
export type AlignmentJob = MatchJob | ResampleJob

export interface MatchJob {
  step: 'match'
  frames: FrameInfo[]
  /** Their catalogues, where the configuration says so. */
  catalogues: (string | undefined)[]
  /** The frame that the configuration names. */
  reference?: FrameInfo
  referenceCatalogue?: string
}

export interface ResampleJob {
  step: 'resample'
  frame: FrameInfo
  /** Product of the match: the transformation is in it. */
  transforms: string
  /** The frames among which the reference is. */
  candidates: FrameInfo[]
}

/** Bytes per pixel that one frame needs while its stars are found. */
const BYTES_PER_PIXEL = 12

export function planAlignment(request: Request<AlignmentSchema>): Plan<AlignmentJob> {
  checkConfig(request)
  const { frames, rows } = sortFrames(request)
  const { file } = request.config.reference
  const reference = file
    ? readInfo({ path: file, name: basename(file), stem: stemOf(file), shown: file }, request).frame
    : undefined
  const groups = new Map<string, FrameInfo[]>()
  for (const frame of frames) groups.set(frame.key, [...(groups.get(frame.key) ?? []), frame])
  const names = new Set<string>()
  const jobs = [...groups.values()].flatMap((group) => jobsFor(group, reference, request, names))
  const largest = frames.reduce((most, { width, height }) => Math.max(most, width * height), 0)
  return { jobs, rows, memoryPerJob: BYTES_PER_PIXEL * largest }
}

function checkConfig({ config }: Request<AlignmentSchema>): void {
  const odd = config.group.by.find((fact) => !GROUPS.includes(fact as never) && fact !== 'none')
  if (odd) throw new ConfigError(`[group] by: '${odd}' is none of ${GROUPS.join(', ')}, none`)
  const { scale } = config.match
  if (scale.length !== 2 || !(scale[0] > 0 && scale[0] <= scale[1])) {
    throw new ConfigError(`[match] scale = ${scale.join(', ')}: a smallest and a largest scale are wanted`)
  }
  if (config.reference.file && !existsSync(config.reference.file)) {
    throw new ConfigError(`[reference] file: ${config.reference.file} does not exist`)
  }
  if (config.stars.catalogues && !existsSync(config.stars.catalogues)) {
    throw new ConfigError(`[stars] catalogues: ${config.stars.catalogues} does not exist`)
  }
}

function jobsFor(
  frames: FrameInfo[],
  reference: FrameInfo | undefined,
  { output, config, context }: Request<AlignmentSchema>,
  names: Set<string>,
): Job<AlignmentJob>[] {
  const catalogueOf = ({ stem }: FrameInfo) => {
    const path = join(config.stars.catalogues, `${stem}.cat.fits`)
    return config.stars.catalogues ? [path, `${path}.fz`].find((one) => existsSync(one)) : undefined
  }
  const name = groupName(frames[0], names)
  const transforms = productPath(join(output, `${name}.transforms.fits`), context)
  const catalogues = frames.map(catalogueOf)
  const referenceCatalogue = reference && catalogueOf(reference)
  const parents: Parent[] = frames.map(({ path }) => ({ path, role: 'frame' }))
  if (reference) parents.push({ path: reference.path, role: 'reference' })
  for (const path of [...catalogues, referenceCatalogue]) if (path) parents.push({ path, role: 'stars' })
  const match: Job<AlignmentJob> = {
    ...{ name: `match ${name}`, inputs: [], products: [transforms], aside: true, parents: unique(parents) },
    params: { step: 'match', frames, catalogues, reference, referenceCatalogue },
  }
  const candidates = reference ? [reference] : frames
  const resampled = frames.map((frame): Job<AlignmentJob> => {
    const own = [
      { path: frame.path, role: 'frame' },
      { path: transforms, role: 'transforms' },
    ]
    return {
      ...{ name: frame.name, inputs: [frame.path], products: [join(output, `${frame.stem}.fits`)], parents: own },
      params: { step: 'resample', frame, transforms, candidates },
    }
  })
  return [match, ...resampled]
}

const unique = (parents: readonly Parent[]) =>
  parents.filter(({ path, role }, k) => parents.findIndex((other) => other.path === path && other.role === role) === k)

function groupName({ label }: FrameInfo, names: Set<string>): string {
  const plain = label.replace(/[^A-Za-z0-9.+-]+/g, '_').replace(/^[_.-]+|_+$/g, '') || 'frames'
  let name = plain
  for (let k = 2; names.has(name.toLowerCase()); k++) name = `${plain}_${k}`
  names.add(name.toLowerCase())
  return name
}
