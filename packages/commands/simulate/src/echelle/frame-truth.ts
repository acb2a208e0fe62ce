import { type Context, type Parent, writeProduct } from '@nightpipe/command'
import { createHeader, type NewHdu } from '@nightpipe/fits'
import type { Made, OrderTruth } from './frame.js'
import type { Exposure } from './night.js'
import { CELL, type CoarseMap } from './scattered-light.js'
import type { Studio } from './studio.js'

/** truth/frames: what is in one frame. */
export function writeFrameTruth(
  path: string,
  studio: Studio,
  frame: Exposure,
  made: Made,
  context: Context,
  parents: readonly Parent[],
): string {
  const { drift, series, motion } = made.conditions
  const header = createHeader([
    ['FRAME', frame.name, 'name of the frame'],
    ['FRMTYPE', frame.type, 'type of frame'],
    ['MJD', frame.mjd, '[d] start, UTC'],
    ['EXPTIME', frame.seconds, '[s] exposure time'],
    ['DRIFTX', drift.along, '[pixel] of the image, along the dispersion'],
    ['DRIFTY', drift.across, '[pixel] across it'],
    ['STRETCH', drift.stretch, '[pixel] at the ends'],
    ['SEED', studio.settings.random.seed, 'of the night'],
    ...(series ? ([['MJDMID', series.middle, '[d] UTC, weighted by the light']] as [string, number, string][]) : []),
    ...(motion
      ? ([
          ['STARV', motion.star, '[km/s] velocity of the star, barycentric: c z'],
          ['BARYV', motion.barycentric, '[km/s] velocity of the site towards the star'],
          ['BJDTDB', motion.bjdTdb, '[d] of MJDMID at the barycentre'],
          ['ZSEEN', motion.stretch - 1, 'redshift of the star as seen'],
        ] as [string, number, string][])
      : []),
  ])
  const spectra = studio.settings.files.truth === 'full' && made.orders.length > 0
  return writeProduct(
    path,
    [{ kind: 'empty', header }, ...(spectra ? spectrumHdus(studio, made) : []), cosmicTable(studio, made)],
    context,
    parents,
  )
}

/** Cubes of pixel along the dispersion, order and fibre; NaN where a fibre is dark. */
function spectrumHdus(studio: Studio, { orders, scattered }: Made): NewHdu[] {
  return [
    cube(studio, orders, 'WAVELENGTH', 'Angstrom', -64, ({ order }) => order.wavelength),
    cube(studio, orders, 'FLUX', 'electron', -32, ({ flux }) => flux),
    cube(studio, orders, 'NOISE', 'electron', -32, ({ noise }) => noise),
    ...(scattered ? [scatteredHdu(scattered)] : []),
  ]
}

function cube(
  { settings, along }: Studio,
  orders: readonly OrderTruth[],
  name: string,
  unit: string,
  bitpix: -32 | -64,
  of: (truth: OrderTruth) => Float64Array,
): NewHdu {
  const axes = [along, settings.optics.orders, settings.fibres.count]
  const length = axes.reduce((a, b) => a * b)
  const pixels = (bitpix === -64 ? new Float64Array(length) : new Float32Array(length)).fill(Number.NaN)
  for (const truth of orders) {
    const { index, fibre } = truth.order
    pixels.set(of(truth), along * (index + settings.optics.orders * fibre))
  }
  return { kind: 'image', name, header: createHeader([['BUNIT', unit, 'unit']]), bitpix, axes, pixels }
}

function scatteredHdu({ values, width, height }: CoarseMap): NewHdu {
  const header = createHeader([
    ['BUNIT', 'electron', 'in a pixel of the detector'],
    ['CELL', CELL, '[pixel] a value stands in the middle of such a cell'],
  ])
  const axes = [width, height]
  return { kind: 'image', name: 'SCATTERED', header, bitpix: -32, axes, pixels: Float32Array.from(values) }
}

/** The charge of every pixel that a particle hit; pixels of the detector without overscan, from 0. */
function cosmicTable({ settings }: Studio, { exposed }: Made): NewHdu {
  const { width } = settings.detector
  const found = exposed.hits.flatMap(({ kind, pixels }, event) =>
    [...pixels].map(([p, electrons]) => ({ p, electrons, kind, event: event + 1 })),
  )
  const column = (of: (hit: (typeof found)[number]) => number) => Int32Array.from(found, of)
  return {
    ...{ kind: 'table', name: 'COSMICS', rows: found.length },
    columns: [
      { name: 'EVENT', values: column(({ event }) => event), comment: 'one particle' },
      { name: 'KIND', format: '5A', values: found.map(({ kind }) => kind), comment: 'muon, worm or point' },
      { name: 'X', unit: 'pixel', values: column(({ p }) => p % width), comment: 'column, from 0' },
      { name: 'Y', unit: 'pixel', values: column(({ p }) => Math.floor(p / width)), comment: 'row, from 0' },
      { name: 'CHARGE', unit: 'electron', values: column(({ electrons }) => electrons), comment: 'that it left' },
    ],
  }
}
