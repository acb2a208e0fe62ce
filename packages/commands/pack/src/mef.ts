import {
  type Column,
  column,
  copyHeader,
  createHeader,
  type Header,
  type NewHdu,
  type NewImage,
  openFits,
  readTable,
  setCard,
  type Table,
  textOf,
} from '@nightpipe/fits'
import { divideByFlat, divideLamp, type OrderSpectrum, type Spectra, SpectrumBit } from '@nightpipe/spectra'
import type { BundleJob } from './plan.js'
import { publicDate } from './public-date.js'

type Values = (one: OrderSpectrum) => ArrayLike<number> | undefined

/** Columns that do not count for the amplitude of the flat. */
const UNUSABLE = SpectrumBit.noData | SpectrumBit.saturated | SpectrumBit.telluric | SpectrumBit.bad

/** Orders of one fibre as an image of (nx, nord); what is not there is 0, as the old files have it. */
function orderPlane(spectra: Spectra, fibre: number, value: Values, exact: boolean): NewImage {
  const { width, orders } = spectra
  const height = 1 + Math.max(0, ...orders.map(({ index }) => index))
  const pixels = exact ? new Float64Array(width * height) : new Float32Array(width * height)
  for (const one of orders) {
    const from = one.fibre === fibre ? value(one) : undefined
    if (!from) continue
    for (let x = 0; x < width; x++) pixels[one.index * width + x] = Number.isFinite(from[x]) ? from[x]! : 0
  }
  return { kind: 'image', bitpix: exact ? -64 : -32, axes: [width, height], pixels }
}

const ratioOf: Values = (one) => one.blaze && divideByFlat(one, one.blaze, UNUSABLE).ratio
const differenceOf: Values = (one) => one.blaze && divideByFlat(one, one.blaze, UNUSABLE).difference
const lampOf: Values = (one) => one.blaze && divideLamp(one, one.blaze)
const nanometres: Values = ({ wavelength }) => wavelength?.map((angstrom) => angstrom / 10)

/** The HDUs of the e91 file of NRES (nres.md 5.1): spectra of the star and of the lamp, wavelengths, correlation, blocks. */
export function e91Hdus(spectra: Spectra & { header: Header }, job: BundleJob, level: number): NewHdu[] {
  const lossy = { type: 'RICE_1', quantize: { level, dither: 'SUBTRACTIVE_DITHER_1', seed: 1 } } as const
  const image = (name: string, fibre: number, value: Values, unit: string): NewImage => ({
    ...orderPlane(spectra, fibre, value, false),
    ...{ name, header: createHeader(unit ? [['BUNIT', unit]] : []), compress: lossy },
  })
  const waves = (name: string, fibre: number): NewImage => ({
    ...orderPlane(spectra, fibre, nanometres, true),
    ...{ name, header: createHeader([['BUNIT', 'nm']]), compress: { type: 'GZIP_2' } },
  })
  // A second star has the same HDUs with a 2 behind their names.
  const stars = job.stars.length ? job.stars : [spectra.orders[0]?.fibre ?? 0]
  const hdus: NewHdu[] = [{ kind: 'empty', header: primaryHeader(spectra.header) }]
  stars.forEach((fibre, k) => {
    const name = (text: string) => (k === 0 ? text : `${text}${k + 1}`)
    hdus.push(
      image(name('SPECRAW'), fibre, ({ flux }) => flux, 'electron'),
      image(name('SPECFLAT'), fibre, ratioOf, 'electron'),
      image(name('SPECBLAZE'), fibre, differenceOf, 'electron'),
    )
  })
  if (job.arc !== undefined) {
    hdus.push(
      image('THARRAW', job.arc, ({ flux }) => flux, 'electron'),
      image('THARFLAT', job.arc, lampOf, 'electron'),
    )
  }
  hdus.push(...stars.map((fibre, k) => waves(k === 0 ? 'WAVESPEC' : `WAVESPEC${k + 1}`, fibre)))
  if (job.arc !== undefined) hdus.push(waves('WAVETHAR', job.arc))
  return [...hdus, ...(job.radv ? velocityHdus(job.radv) : [])]
}

function primaryHeader(given: Header): Header {
  const header = copyHeader(given)
  setCard(header, 'RLEVEL', 91, 'level of reduction')
  const date = publicDate(textOf(header, 'DATE-OBS'), textOf(header, 'PROPID'))
  if (date) setCard(header, 'L1PUBDAT', date, 'when it becomes public (UTC)')
  return header
}

/** Correlation and block fit of the first star, from the old file of velocities. */
function velocityHdus(path: string): NewHdu[] {
  const file = openFits(path)
  try {
    const tables = file.hdus.filter(({ kind }) => kind === 'table').map((hdu) => readTable(hdu))
    const has = (name: string) => tables.find((table) => column(table, name) !== undefined)
    const correlation = has('LagVel')
    const blocks = has('RedShft')
    return [...(correlation ? [correlationHdu(correlation)] : []), ...(blocks ? [blocksHdu(blocks)] : [])]
  } finally {
    file.close()
  }
}

/** The values of the first of one or two stars: the star is the fastest axis. */
function firstStar({ values, repeat, dim }: Column): Float64Array {
  const all = values as ArrayLike<number>
  const stars = dim?.[0] ?? 1
  return Float64Array.from({ length: repeat / stars }, (_, k) => all[stars * k]!)
}

function correlationHdu(table: Table): NewHdu {
  const lags = firstStar(column(table, 'LagVel')!)
  const pixels = Float32Array.from(firstStar(column(table, 'CC_fn')!))
  const step = (lags.at(-1)! - lags[0]!) / (lags.length - 1)
  const cards: [string, number | string, string?][] = [
    ['CRPIX1', 1],
    ['CRVAL1', lags[0]!, 'lag of the first value (km/s)'],
    ['CDELT1', step, 'km/s'],
    ['CTYPE1', 'VELO'],
    ['CUNIT1', 'km/s'],
  ]
  return { kind: 'image', name: 'SPECXCOR', header: createHeader(cards), bitpix: -32, axes: [pixels.length], pixels }
}

const BLOCK_COLUMNS = [
  ['RedShft', 'ZBLOCK'],
  ['ErrRShft', 'ERRZBLOCK'],
  ['Scale', 'SCALE'],
  ['ErrScale', 'ERRSCALE'],
  ['Lx1Coef', 'LX1COEF'],
  ['ErrLx1', 'ERRLX1'],
  ['PLDP', 'PLDP'],
] as const

/** One row: orders times blocks of each quantity. */
function blocksHdu(table: Table): NewHdu {
  const shape = column(table, 'RedShft')!.dim
  const [orders = 1, blocks = 1] = shape?.slice(1) ?? []
  const count = orders * blocks
  const columns = BLOCK_COLUMNS.flatMap(([theirs, ours]) => {
    const found = column(table, theirs)
    return found ? [{ name: ours, format: `${count}D`, values: firstStar(found), dim: [orders, blocks] }] : []
  })
  const numbers = (value: (k: number) => number) => Int32Array.from({ length: count }, (_, k) => value(k))
  const indices = [
    { name: 'BLKINDX', format: `${count}J`, values: numbers((k) => Math.floor(k / orders)), dim: [orders, blocks] },
    { name: 'ORDINDX', format: `${count}J`, values: numbers((k) => k % orders), dim: [orders, blocks] },
  ]
  return { kind: 'table', name: 'RVBLOCKFIT', rows: 1, columns: [...columns, ...indices] }
}
