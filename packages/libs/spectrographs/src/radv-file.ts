import {
  column,
  copyHeader,
  createHeader,
  type FitsFile,
  type Header,
  type NewColumn,
  type NewHdu,
  numberOf,
  readTable,
  setCard,
  textOf,
  withFits,
} from '@nightpipe/fits'
import { LIGHT_SPEED_KM } from '@nightpipe/math'
import type { BlockVelocities, Correlation, Velocity } from '@nightpipe/spectra'

/** What a RADV file says of one star. */
export interface RadvStar {
  fibre: number
  correlation: Correlation
  velocity: Velocity
  blocks: BlockVelocities
  /** barycentric correction, where it is known */
  z?: number | undefined
  /** BJD_TDB of the flux-weighted middle */
  bjd?: number | undefined
  /** name of the template */
  template: string
}

/** Samples of a correlation on either side of its peak. */
const HALF = 400

/** The legacy keywords of a star: redshift of the correlation, and what the blocks add to it. */
export function radvCards({ correlation, blocks, velocity, z, bjd }: RadvStar): [string, number, string][] {
  const rcc = correlation.z
  const combined = blocks.combined
  const known = (keyword: string, value: number | undefined, comment: string): [string, number, string][] =>
    value === undefined || !Number.isFinite(value) ? [] : [[keyword, value, comment]]
  const over = (value: number | undefined) => (value === undefined ? undefined : (1 + value) / (1 + rcc) - 1)
  return [
    ['RCC', rcc, 'redshift against the template, of the correlation'],
    ['WIDCC', correlation.width / 1000, '[km/s] full width of the correlation'],
    ['AMPCC', correlation.height, 'height of the correlation, 0 to 1'],
    ...known(
      'RVCC',
      z === undefined ? undefined : LIGHT_SPEED_KM * ((1 + rcc) * (1 + z) - 1),
      '[km/s] barycentric, of RCC',
    ),
    ...known('BJD', bjd, '[d] BJD_TDB, flux-weighted middle'),
    ...known('ZBLKAVG', over(combined?.value), 'what blocks add to RCC: (1+RCC)(1+ZBLKAVG)-1'),
    ...known('ZBLKMED', over(combined?.median), 'the same of their median'),
    ...known('ZBLKERR', combined?.error, 'one sigma of ZBLKAVG'),
    ['PLDP', velocity.limit / 1000, '[km/s] velocity that the photons allow'],
  ]
}

/**
 * The RADV file: keywords in the primary header (of the first star; of a second with a 2 behind), a table of the blocks with
 * cells of stars × orders × blocks, and one of the correlations, stars × 801. Redshifts of blocks are against the template,
 * positive to the red; errors are theirs.
 */
export function radvHdus(stars: readonly RadvStar[], orders: number, blocks: number, cards?: Header): NewHdu[] {
  const header = cards ? copyHeader(cards) : createHeader()
  stars.slice(0, 2).forEach((star, k) => {
    const mark = k === 0 ? '' : '2'
    for (const [keyword, value, comment] of radvCards(star)) setCard(header, `${keyword}${mark}`, value, comment)
    setCard(header, `FIBRV${mark}`, star.fibre, 'fibre of these velocities')
  })
  for (const star of stars) setCard(header, `L1IDZER${star.fibre}`, star.template, 'template of this fibre')
  setCard(header, 'NBLOCK', blocks, 'pieces of an order')
  return [
    { kind: 'empty', header },
    { kind: 'table', name: 'RVBLOCKFIT', rows: 1, columns: blockColumns(stars, orders, blocks) },
    { kind: 'table', name: 'SPECXCOR', rows: 1, columns: correlationColumns(stars) },
  ]
}

function blockColumns(stars: readonly RadvStar[], orders: number, blocks: number): NewColumn[] {
  const n = stars.length
  const of = (
    name: string,
    comment: string,
    value: (one: BlockVelocities['blocks'][number]) => number,
    unit?: string,
  ): NewColumn => {
    const values = new Float64Array(n * orders * blocks).fill(Number.NaN)
    stars.forEach((star, s) => {
      for (const one of star.blocks.blocks) {
        if (one.index < orders) values[s + n * (one.index + orders * one.block)] = value(one)
      }
    })
    return { name, format: `${values.length}D`, dim: [n, orders, blocks], values, comment, ...(unit && { unit }) }
  }
  return [
    of('RedShft', 'redshift against the template', (one) => one.z),
    of('ErrRShft', 'one sigma of it', (one) => one.error),
    of('Scale', 'factor of the template', (one) => one.scale),
    of('ErrScale', 'one sigma of it', (one) => one.scaleError),
    of('Lx1Coef', 'its linear change over half an order', (one) => one.slope),
    of('ErrLx1', 'one sigma of it', (one) => one.slopeError),
    of('PLDP', 'velocity that the photons allow', (one) => one.limit / 1000, 'km/s'),
  ]
}

/** Height and lag of the 801 samples about the peak; NaN beyond the range that was searched. */
export function correlationWindow({ velocity, value }: Correlation): { height: Float32Array; lag: Float32Array } {
  let at = 0
  for (let k = 1; k < value.length; k++) if (value[k]! > value[at]!) at = k
  const [height, lag] = [new Float32Array(2 * HALF + 1), new Float32Array(2 * HALF + 1)]
  const step = velocity[1]! - velocity[0]!
  for (let k = -HALF; k <= HALF; k++) {
    height[k + HALF] = value[at + k] ?? Number.NaN
    lag[k + HALF] = (velocity[at]! + k * step) / 1000
  }
  return { height, lag }
}

function correlationColumns(stars: readonly RadvStar[]): NewColumn[] {
  const n = stars.length
  const size = 2 * HALF + 1
  const [heights, lags] = [new Float32Array(n * size), new Float32Array(n * size)]
  stars.forEach(({ correlation }, s) => {
    const { height, lag } = correlationWindow(correlation)
    for (let k = 0; k < size; k++) {
      heights[s + n * k] = height[k]!
      lags[s + n * k] = lag[k]!
    }
  })
  const shape = { format: `${n * size}E`, dim: [n, size] }
  return [
    { name: 'CC_fn', values: heights, ...shape, comment: 'correlation with the template' },
    { name: 'LagVel', values: lags, ...shape, unit: 'km/s', comment: 'positive to the red' },
  ]
}

/** What is read back of a RADV file: keywords of the first star, and its blocks as [order + orders × block]. */
export interface RadvFile {
  header: Header
  rcc?: number | undefined
  zBlock?: number | undefined
  zBlockError?: number | undefined
  bjd?: number | undefined
  template?: string | undefined
  redshift: Float64Array
  error: Float64Array
}

/** Reads a RADV file, ours or one of the NRES pipeline. */
export function readRadv(source: string | FitsFile): RadvFile {
  return withFits(source, readOpen)
}

function readOpen(file: FitsFile): RadvFile {
  const hdu = file.hdus.find(({ kind }) => kind === 'table')
  const table = hdu && readTable(hdu)
  const cell = (name: string) => {
    const found = table && column(table, name)
    if (!found) throw new RangeError(`${file.name} is no file of velocities: no column ${name}`)
    const stars = found.dim?.[0] ?? 1
    const all = found.values as ArrayLike<number>
    return Float64Array.from({ length: found.repeat / stars }, (_, k) => all[k * stars]!)
  }
  const header = copyHeader(file.hdus[0]!.header)
  return {
    ...{ header, rcc: numberOf(header, 'RCC'), bjd: numberOf(header, 'BJD') },
    ...{ zBlock: numberOf(header, 'ZBLKAVG'), zBlockError: numberOf(header, 'ZBLKERR') },
    template: textOf(header, 'L1IDZER0') ?? textOf(header, 'L1IDZER2'),
    ...{ redshift: cell('RedShft'), error: cell('ErrRShft') },
  }
}
