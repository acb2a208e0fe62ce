import { type CatOptions, catTable, starsAsRegions, tableAsCsv, tableAsVotable } from '@nightpipe/catalogues'
import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import {
  cardLookup,
  companion,
  copyHeader,
  type FitsFile,
  frameHdu,
  type Hdu,
  type Header,
  type NewHdu,
  openFits,
  readIntegers,
  readPixels,
  removeCard,
  setCard,
} from '@nightpipe/fits'
import { allocate, scoped } from '@nightpipe/kernels'
import { readWcs } from '@nightpipe/sky'
import { type Found, type FrameQuality, findStars } from '@nightpipe/stars'
import { gateReason } from './gates.js'
import { optionsOf } from './options.js'
import type { FindJob } from './plan.js'
import type { FindConfig, FindSchema } from './schema.js'

/** Reads a frame, finds its stars, writes what was asked for. */
export function findInFrame(job: Job<FindJob>, tools: Tools<FindSchema>): Row[] {
  const input = job.inputs[0]!
  const file = openFits(input)
  try {
    const image = frameHdu(file)
    return scoped(() => {
      const frame = readPlanes(file, image)
      const found = findStars(frame, { ...optionsOf(tools.config), ...job.params, net: frame.pixels })
      const measurements = measurementsOf(found.quality)
      const reason = gateReason(found.quality, tools.config.quality)
      if (reason) return [{ input, status: 'rejected', reason, measurements }]
      writeProducts(job, found, image, tools)
      return [{ input, status: 'done', product: job.products[0], measurements }]
    })
  } finally {
    file.close()
  }
}

/** The planes of a frame in kernel memory. */
function readPlanes(file: FitsFile, image: Hdu) {
  const [width, height] = image.axes as [number, number]
  const n = width * height
  const [error, mask] = [companion(file, image, 'ERR'), companion(file, image, 'MASK')]
  return {
    ...{ name: file.name, width, height },
    pixels: readPixels(image, { plane: 0, into: allocate(Float32Array, n) }),
    error: error && readPixels(error, { plane: 0, into: allocate(Float32Array, n) }),
    mask: mask && readIntegers(mask, { plane: 0, into: allocate(Int16Array, n) }),
  }
}

function writeProducts({ products, parents }: Job<FindJob>, found: Found, image: Hdu, tools: Tools<FindSchema>): void {
  const header = catHeader(image.header, found.quality)
  const table = catTable(found.stars, tableOptions(found, image, tools.config))
  const [width, height] = image.axes as [number, number]
  for (const path of products) {
    if (path.endsWith('.csv')) writeAtomically(path, tableAsCsv(table))
    else if (path.endsWith('.xml')) writeAtomically(path, tableAsVotable(table))
    else if (path.endsWith('.reg')) writeAtomically(path, starsAsRegions(found.stars))
    else {
      const shape = { kind: 'image' as const, header, axes: [width, height] }
      const hdus: NewHdu[] = path.endsWith('.segm.fits')
        ? [{ ...shape, header: withoutUnit(header), bitpix: 32, pixels: found.segmentation() }]
        : path.endsWith('.net.fits')
          ? [{ ...shape, bitpix: -32, pixels: found.net }]
          : [{ kind: 'empty', header: withoutUnit(header) }, table]
      writeProduct(path, hdus, tools.context, parents)
    }
  }
}

function tableOptions({ stars }: Found, image: Hdu, { products }: FindConfig): CatOptions {
  const lookup = cardLookup(image)
  const unit = lookup('BUNIT')
  const guess = lookup('WCSSEED') === true
  const wcs = guess ? undefined : readWcs(lookup)
  return {
    ...{ names: products.names, unit: typeof unit === 'string' && unit.trim() ? unit.trim() : 'adu' },
    sky: wcs?.toSkyMany(stars.x, stars.y),
  }
}

function catHeader(frame: Header, quality: FrameQuality): Header {
  const header = copyHeader(frame)
  for (const keyword of ['EXTNAME', 'EXTVER', 'EXTLEVEL', 'INHERIT']) removeCard(header, keyword)
  const set = (keyword: string, value: number, comment: string) => {
    if (Number.isFinite(value)) setCard(header, keyword, Number(value.toPrecision(7)), comment)
  }
  set('NSTARS', quality.count, 'stars found')
  set('NGOOD', quality.good, 'stars that tell the quality of the frame')
  set('SEEING', quality.seeing, '[pix] median full width at half maximum')
  set('ELLIPTIC', quality.ellipticity, '1 - b / a of the profile of the stars')
  set('SKYLEV', quality.sky, 'median background')
  set('SKYSIG', quality.skySigma, 'noise of a pixel of the sky')
  set('LIMMAG', quality.limitingMagnitude, '[mag] instrumental, point source at threshold')
  return header
}

function withoutUnit(header: Header): Header {
  const copy = copyHeader(header)
  removeCard(copy, 'BUNIT')
  return copy
}

function measurementsOf(quality: FrameQuality): Record<string, number> {
  const digits = (value: number) => Number(value.toPrecision(7))
  return {
    ...{ stars: quality.count, good: quality.good, seeing_px: digits(quality.seeing) },
    ...{ ellipticity: digits(quality.ellipticity), elongation: digits(quality.elongation) },
    ...{ theta_kurtosis: digits(quality.thetaKurtosis), sky: digits(quality.sky), sky_sigma: digits(quality.skySigma) },
    ...{ limit_mag: digits(quality.limitingMagnitude), peak: digits(quality.highestPeak) },
  }
}
