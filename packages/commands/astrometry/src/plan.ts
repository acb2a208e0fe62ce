import { join } from 'node:path'
import { ConfigError, DataError, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import { describeFrame, type FrameFacts } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, frameHdu, type Hdu, openFits } from '@nightpipe/fits'
import { parseAngle, readWcs } from '@nightpipe/sky'
import { catalogueOf, parentsOfCatalogue } from './reference.js'
import type { AstrometryConfig, AstrometrySchema } from './schema.js'

/** A frame, or the table of its stars, and where its header says that it is. */
export interface FrameJob {
  path: string
  stem: string
  kind: 'frame' | 'stars'
  /** The <stem>.cat.fits that goes with a frame. */
  catalogue?: string
  product: string
  plot?: string
  width: number
  height: number
  gain?: number
  saturation?: number
  /** Date of the frame, Julian year. */
  epoch?: number
  /** The middle of the frame, degrees, and how far off it may be. */
  ra: number
  dec: number
  radius: number
  /** Arcseconds per pixel, from and to. */
  scale: [number, number]
  group: string
}

export interface AstrometryJob {
  frames: FrameJob[]
}

/** Headers only: a frame that does not say where it is, and nobody else does, is refused here. */
export function planAstrometry(request: Request<AstrometrySchema>): Plan<AstrometryJob> {
  const { config, inputs } = request
  if (config.solver.method === 'own' || config.catalogue.folder) catalogueOf(config)
  const asked = askedFor(config)
  const rows: Row[] = []
  const frames: FrameJob[] = []
  for (const input of inputs) {
    try {
      frames.push(describe(input, request, asked))
    } catch (error) {
      rows.push({
        input: input.path,
        status: 'failed',
        reason: (error as Error).message.replace(`${input.name}: `, ''),
      })
    }
  }
  const groups = new Map<string, FrameJob[]>()
  for (const frame of frames) {
    const key = config.fit.common ? frame.group : frame.path
    groups.set(key, [...(groups.get(key) ?? []), frame])
  }
  const jobs = [...groups.values()].map((members) => jobOf(members, config))
  // pixels, background, noise, filtered image and segmentation
  const largest = Math.max(0, ...frames.map(({ width, height, kind }) => (kind === 'frame' ? 28 * width * height : 0)))
  return { jobs, rows, memoryPerJob: largest + 60e6 }
}

function jobOf(frames: FrameJob[], config: AstrometryConfig): Job<AstrometryJob> {
  return {
    name: frames.length === 1 ? frames[0]!.stem : `${frames[0]!.group}: ${frames.length} frames`,
    inputs: frames.map(({ path }) => path),
    products: frames.map(({ product }) => product),
    parents: [
      ...frames.map(({ path, kind }) => ({ path, role: kind === 'frame' ? 'frame' : 'stars' })),
      ...frames.flatMap(({ catalogue }) => (catalogue ? [{ path: catalogue, role: 'stars' }] : [])),
      ...parentsOfCatalogue(config),
    ],
    params: { frames },
  }
}

interface Asked {
  ra?: number
  dec?: number
  scale?: [number, number]
}

/** Where the configuration says that all frames are. */
function askedFor({ pointing }: AstrometryConfig): Asked {
  const ra = pointing.ra.trim() === '' ? undefined : angleOf(pointing.ra, 'ra')
  const dec = pointing.dec.trim() === '' ? undefined : angleOf(pointing.dec, 'dec')
  if ((ra === undefined) !== (dec === undefined)) throw new ConfigError('[pointing] needs both ra and dec, or neither')
  const [low, high = low] = pointing.scale
  if (pointing.scale.length > 2 || (high ?? 0) < (low ?? 0)) {
    throw new ConfigError(
      `[pointing] scale = ${pointing.scale.join(', ')}: one size of a pixel, or the smallest and the largest`,
    )
  }
  if (low === undefined) return { ra, dec }
  return { ra, dec, scale: pointing.scale.length === 2 ? [low, high!] : around(low, pointing['scale error']) }
}

function angleOf(text: string, key: 'ra' | 'dec'): number {
  // as everywhere: separators mean hours in a right ascension, a plain number is degrees
  const unit = key === 'ra' && !Number.isFinite(Number(text)) ? 'hours' : 'degrees'
  const angle = parseAngle(text, unit)
  if (angle === undefined) throw new ConfigError(`[pointing] ${key} = ${text} is no angle`)
  return angle
}

const around = (scale: number, percent: number): [number, number] => [
  scale / (1 + percent / 100),
  scale * (1 + percent / 100),
]

function describe(
  { path, name, stem }: InputFile,
  { config, profile, output }: Request<AstrometrySchema>,
  asked: Asked,
): FrameJob {
  const file = openFits(path)
  try {
    const first = file.hdus.find(
      ({ kind, axes }) => kind === 'image' && axes.length >= 2 && axes[0]! > 1 && axes[1]! > 1,
    )
    const image = first && frameHdu(file, first.index)
    const table = file.hdus.find((hdu) => hdu.name === 'CAT') ?? file.hdus.find(({ kind }) => kind === 'table')
    const hdu = image ?? table
    if (!hdu) throw new DataError('holds neither an image nor a table of stars')
    const lookup = cardLookup(hdu)
    const [width, height] = image ? [image.axes[0]!, image.axes[1]!] : sizeOfStars(file.hdus[0]!)
    const facts = describeFrame(lookup as never, profile, { width, height, name })
    return {
      ...{ path, stem, kind: image ? 'frame' : 'stars', product: join(output, `${stem}.fits`), width, height },
      plot: config.products.plot ? join(output, `${stem}.residuals.svg`) : undefined,
      catalogue: image && config.stars.catalogues ? join(config.stars.catalogues, `${stem}.cat.fits`) : undefined,
      ...{ gain: facts.gain, saturation: facts.saturation },
      epoch: config.catalogue.epoch ?? (facts.mjd === undefined ? undefined : 2000 + (facts.mjd - 51544.5) / 365.25),
      ...placeOf(lookup, facts, config, asked, width, height),
      group: [facts.instrument, facts.camera, facts.filter, `${width}x${height}`].filter(Boolean).join(' '),
    }
  } finally {
    file.close()
  }
}

/** The frame that a table of stars was made of; without a word about it, what its stars span is found later. */
function sizeOfStars(primary: Hdu): [number, number] {
  const lookup = cardLookup(primary)
  const [width, height] = [Number(lookup('IMAGEW') ?? 0), Number(lookup('IMAGEH') ?? 0)]
  return [width || 0, height || 0]
}

/** The configuration first, then a plate solution of the header, then what it says of the pointing. */
function placeOf(
  lookup: (keyword: string) => unknown,
  facts: FrameFacts,
  { pointing }: AstrometryConfig,
  asked: Asked,
  width: number,
  height: number,
): Pick<FrameJob, 'ra' | 'dec' | 'radius' | 'scale'> {
  const wcs = readable(lookup)
  const middle = width > 0 ? wcs?.toSky((width - 1) / 2, (height - 1) / 2) : wcs?.linear.sky
  const known = middle?.every(Number.isFinite) ? middle : undefined
  const ra = asked.ra ?? known?.[0] ?? facts.raDeg
  const dec = asked.dec ?? known?.[1] ?? facts.decDeg
  if ((ra === undefined || dec === undefined) && pointing.radius < 180) {
    throw new DataError(
      'the header does not say where the telescope pointed: set [pointing] ra and dec, or radius = 180',
    )
  }
  const scale = facts.pixelScaleArcsec ?? wcs?.scaleArcsec
  const range = asked.scale ?? (scale === undefined ? undefined : around(scale, pointing['scale error']))
  if (!range)
    throw new DataError('the header does not tell the size of a pixel: set [pointing] scale, one value or a range')
  return { ra: ra ?? 0, dec: dec ?? 0, radius: pointing.radius, scale: range }
}

/** A plate solution that cannot be read is no reason to refuse a frame that gets a new one. */
function readable(lookup: (keyword: string) => unknown) {
  try {
    return readWcs(lookup)
  } catch {
    return undefined
  }
}
