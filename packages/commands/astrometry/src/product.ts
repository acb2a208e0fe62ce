import { type Context, type Parent, writeProduct } from '@nightpipe/command'
import {
  copyHeader,
  type Hdu,
  type Header,
  imageHdu,
  type NewColumn,
  type NewHdu,
  openFits,
  readPixels,
  readPixels64,
  readTable,
  removeCard,
  scalingOf,
  setCard,
} from '@nightpipe/fits'
import { type Wcs, wcsCards } from '@nightpipe/sky'
import type { FrameJob } from './plan.js'
import { catalogueOf } from './reference.js'
import type { AstrometryConfig } from './schema.js'
import { type Solved, wcsOf } from './solve.js'

/** Everything that earlier solutions may have left in a header. */
const OLD =
  /^(WCSAXES|WCSNAME|C(TYPE|UNIT|RPIX|RVAL|DELT|ROTA|RDER|SYER)[12]|(CD|PC)\d+_\d+|CD00\d00\d|PC00\d00\d|LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|P[VR][12]_\d+|[AB]P?_(ORDER|\d+_\d+|DMAX)|WAT[012]_\d+|AST[A-Z]+|(A|D)STRMTX)$/

/** The header with this plate solution in place of any other, and how good it is. */
export function solvedHeader(
  header: Header,
  solved: Solved,
  wcs: Wcs,
  config: AstrometryConfig,
  epoch: number | undefined,
  alone = false,
): Header {
  const next = copyHeader(header)
  const old = new Set(next.cards.map(({ keyword }) => keyword).filter((keyword) => OLD.test(keyword)))
  for (const keyword of old) removeCard(next, keyword)
  // where there is no image, nothing else tells of how many axes the solution speaks
  if (alone) setCard(next, 'WCSAXES', 2, 'axes of the plate solution')
  for (const [keyword, value, comment] of wcsCards(wcs)) setCard(next, keyword, value, comment)
  const figures: [string, number | string | undefined, string][] = [
    [
      'ASTCAT',
      config.catalogue.folder ? catalogueOf(config).name.slice(0, 60) : 'astrometry.net',
      'reference catalogue',
    ],
    [
      'ASTEPOCH',
      epoch === undefined ? undefined : Number(epoch.toFixed(4)),
      '[yr] date to which proper motions were taken',
    ],
    ['ASTSTARS', solved.matched, 'stars in the fit'],
    ['ASTRMS', Number((solved.rms * wcs.scaleArcsec).toPrecision(5)), '[arcsec] rms of their residuals along an axis'],
    ['ASTRMSPX', Number(solved.rms.toPrecision(5)), '[pix] the same'],
    ['ASTORDER', solved.plate.order, 'order of the polynomials'],
    ['ASTFALSE', Number(solved.logFalse.toFixed(2)), 'log10 of the matches as good by chance'],
  ]
  for (const [keyword, value, comment] of figures) if (value !== undefined) setCard(next, keyword, value, comment)
  return next
}

/** The frame, or the table of its stars, with its plate solution. */
export function writeSolved(
  job: FrameJob,
  solved: Solved,
  config: AstrometryConfig,
  context: Context,
  parents: readonly Parent[],
): string {
  const wcs = wcsOf(solved, config)
  const epoch = config.catalogue.folder ? job.epoch : undefined
  const file = openFits(job.path)
  try {
    const alone = job.kind === 'stars' || config.products.write === 'header'
    const head = (hdu: Hdu) => solvedHeader(wholeHeader(hdu), solved, wcs, config, epoch, alone)
    if (job.kind === 'stars') return writeProduct(job.product, tablesWithSky(file.hdus, head, wcs), context, parents)
    const image = imageHdu(file)
    if (config.products.write === 'header') {
      const header = head(image)
      setCard(header, 'IMAGEW', solved.width, '[pix] width of the frame')
      setCard(header, 'IMAGEH', solved.height, '[pix] height of the frame')
      return writeProduct(job.product, [{ kind: 'empty', header }], context, parents)
    }
    const planes = file.hdus.filter(
      (hdu) => hdu !== image && hdu.kind === 'image' && (hdu.name === 'ERR' || hdu.name === 'MASK'),
    )
    return writeProduct(
      job.product,
      [copied(image, head(image)), ...planes.map((hdu) => copied(hdu, hdu.header))],
      context,
      parents,
    )
  } finally {
    file.close()
  }
}

/** The header of an image in an extension, with what the primary one tells besides: the product has its image in front. */
function wholeHeader({ header, index, kind, file }: Hdu): Header {
  const [primary] = file.hdus
  if (index === 0 || kind !== 'image' || primary!.kind !== 'empty') return header
  const whole = copyHeader(header)
  const known = new Set(header.cards.map(({ keyword }) => keyword))
  for (const { keyword, value, comment } of primary!.header.cards) {
    if (!known.has(keyword) && value !== undefined && !COMMENTARY.has(keyword)) setCard(whole, keyword, value, comment)
  }
  removeCard(whole, 'EXTNAME')
  return whole
}

const COMMENTARY = new Set(['', 'COMMENT', 'HISTORY'])

/** An image as it stands: integers stay the integers that they were. */
function copied(hdu: Hdu, header: Header): NewHdu {
  const { bitpix, name } = hdu
  const axes = hdu.axes.slice(0, 2)
  const range = { plane: 0 }
  const wide = bitpix === 32 || bitpix === 64 || bitpix === -64
  const pixels = wide ? readPixels64(hdu, range) : readPixels(hdu, range)
  const base = {
    kind: 'image' as const,
    header,
    bitpix: bitpix as 16,
    axes,
    pixels,
    ...(name === 'ERR' || name === 'MASK' ? { name } : {}),
  }
  if (bitpix < 0) return base
  const { scale, zero, blank } = scalingOf(hdu)
  return { ...base, bscale: scale, bzero: zero, ...(blank === undefined ? {} : { blank: Number(blank) }) }
}

/** Tables as they were, the one of the stars with RA and DEC. */
function tablesWithSky(hdus: readonly Hdu[], head: (hdu: Hdu) => Header, wcs: Wcs): NewHdu[] {
  const stars = hdus.find(({ name }) => name === 'CAT') ?? hdus.find(({ kind }) => kind === 'table')!
  const table = readTable(stars)
  const find = (...names: string[]) => table.columns.find(({ name }) => names.includes(name.toUpperCase()))
  const x = find('X', 'XWIN_IMAGE', 'X_IMAGE')!
  const y = find('Y', 'YWIN_IMAGE', 'Y_IMAGE')!
  const from0 = (values: unknown) => Float64Array.from(values as Float64Array, (value) => value - 1)
  const { ra, dec } = wcs.toSkyMany(from0(x.values), from0(y.values))
  const own = x.name.toUpperCase() === 'X'
  const [raName, decName] = own ? ['RA', 'DEC'] : ['ALPHA_J2000', 'DELTA_J2000']
  const columns: NewColumn[] = table.columns
    .filter(({ name }) => name.toUpperCase() !== raName && name.toUpperCase() !== decName)
    .map((column) => column as unknown as NewColumn)
  columns.push({ name: raName, unit: 'deg', format: 'D', comment: 'right ascension', values: ra })
  columns.push({ name: decName, unit: 'deg', format: 'D', comment: 'declination', values: dec })
  const primary = hdus[0]!
  return [
    { kind: 'empty', header: primary === stars ? undefined : head(primary) },
    { kind: 'table', name: stars.name || 'CAT', header: stars.header, columns, rows: table.rows },
  ]
}
