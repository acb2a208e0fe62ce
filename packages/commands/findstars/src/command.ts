import { join } from 'node:path'
import { catTable } from '@nightpipe/catalogues'
import { defineCommand, type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { describeFrame } from '@nightpipe/config'
import {
  cardLookup,
  copyHeader,
  type Header,
  imageHdu,
  type NewHdu,
  openFits,
  readFrame,
  setCard,
} from '@nightpipe/fits'
import { tanWcs } from '@nightpipe/sky'
import { type Found, type FoundStars, findStars } from '@nightpipe/stars'
import { type FindConfig, schema } from './schema.js'

/** Background, detection, deblending, shapes and fluxes: a catalogue of the stars of each frame. */
export const findstars = defineCommand({
  name: 'findstars',
  summary: 'background, detection, deblending, shapes and fluxes: a catalogue of the stars of each frame',
  description:
    'Finds the stars of calibrated frames of any tool and measures them. The background is taken off by meshes, the ' +
    'image filtered with the profile of its own stars, connected pixels split where several stars touch. Each star gets ' +
    'its windowed centroid, shape, total flux, fluxes in circles, all with errors. Products are tables, <stem>.cat.fits.',
  examples: [
    { run: 'findstars --input reduced/ --output stars/', doc: 'all frames of a folder' },
    { run: 'findstars -s m67.fits -r stars --set detection.threshold=10', doc: 'the brighter stars of a frame' },
  ],
  schema,
  measurements: [
    { name: 'stars', doc: 'stars found', type: 'integer' },
    { name: 'seeing_px', unit: 'px', doc: 'median full width at half maximum' },
    { name: 'ellipticity', doc: 'median of 1 - b / a' },
    { name: 'sky', doc: 'median background, unit of the frame' },
    { name: 'sky_sigma', doc: 'noise of a pixel of the sky, unit of the frame' },
    { name: 'limit_mag', unit: 'mag', doc: 'instrumental magnitude of a point source at the threshold' },
  ],
  parallel: 'jobs',
  plan: ({ inputs, output, config }) => ({
    jobs: inputs.map(({ name, path, stem }) => ({
      ...{ name, inputs: [path], parents: [{ path, role: 'frame' }], params: {} },
      products: [
        join(output, `${stem}.cat.fits`),
        ...(config.products.segmentation ? [join(output, `${stem}.segm.fits`)] : []),
        ...(config.products.background ? [join(output, `${stem}.net.fits`)] : []),
      ],
    })),
  }),
  job: findInFrame,
})

function findInFrame({ inputs, products, parents }: Job, { config, context, profile }: Tools<typeof schema>): Row[] {
  const input = inputs[0]!
  const file = openFits(input)
  try {
    const frame = readFrame(file)
    const lookup = cardLookup(imageHdu(file))
    const facts = describeFrame(lookup as never, profile, { width: frame.width, height: frame.height })
    const found = findStars(frame, {
      ...optionsOf(config),
      gain: config.photometry.gain ?? facts.gain,
      saturation: config.photometry.saturation ?? facts.saturation,
    })
    const header = catHeader(frame.header, found)
    setCard(header, 'IMAGEW', frame.width, '[pix] width of the frame')
    setCard(header, 'IMAGEH', frame.height, '[pix] height of the frame')
    const wcs = tanWcs(lookup)
    const table = catTable(found.stars, {
      ...{ names: config.products.names as 'own' | 'sextractor', unit: String(lookup('BUNIT') ?? 'adu') },
      sky: wcs && skyOf(found.stars, wcs),
    })
    const [catalogue, ...images] = products
    writeProduct(catalogue!, [{ kind: 'empty', header }, table], context, parents)
    const axes = [frame.width, frame.height]
    for (const path of images) {
      const image: NewHdu = path.endsWith('.segm.fits')
        ? { kind: 'image', header, bitpix: 32, axes, pixels: found.segmentation() }
        : { kind: 'image', header, bitpix: -32, axes, pixels: found.net }
      writeProduct(path, [image], context, parents)
    }
    const { quality } = found
    const measurements = {
      ...{ stars: quality.count, seeing_px: quality.seeing, ellipticity: quality.ellipticity, sky: quality.sky },
      ...{ sky_sigma: quality.skySigma, limit_mag: quality.limitingMagnitude },
    }
    return [{ input, status: 'done', product: catalogue, measurements }]
  } finally {
    file.close()
  }
}

function optionsOf({ background, detection, deblending, photometry }: FindConfig) {
  return {
    ...{ mesh: background.mesh, meshFilter: background.filter },
    ...{ threshold: detection.threshold, isophote: detection.isophote, minimumArea: detection.area },
    filter: detection.filter as 'psf' | 'none',
    ...{ deblendLevels: deblending.levels, deblendContrast: deblending.contrast, clean: deblending.clean },
    ...{ apertures: photometry.apertures, kronFactor: photometry.kron, kronMinimum: photometry['kron minimum'] },
  }
}

function catHeader(frame: Header, { quality }: Found): Header {
  const header = copyHeader(frame)
  const set = (keyword: string, value: number, comment: string) => {
    if (Number.isFinite(value)) setCard(header, keyword, Number(value.toPrecision(7)), comment)
  }
  set('NSTARS', quality.count, 'stars found')
  set('SEEING', quality.seeing, '[pix] median full width at half maximum')
  set('ELLIPTIC', quality.ellipticity, 'median of 1 - b / a of the stars')
  set('SKYLEV', quality.sky, 'median background')
  set('SKYSIG', quality.skySigma, 'noise of a pixel of the sky')
  set('LIMMAG', quality.limitingMagnitude, '[mag] instrumental, point source at threshold')
  return header
}

function skyOf(stars: FoundStars, wcs: { toSky(x: number, y: number): [number, number] }) {
  const ra = new Float64Array(stars.count)
  const dec = new Float64Array(stars.count)
  for (let i = 0; i < stars.count; i++) {
    const [longitude, latitude] = wcs.toSky(stars.x[i], stars.y[i])
    ra[i] = longitude
    dec[i] = latitude
  }
  return { ra, dec }
}
