import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import type { Job } from '@nightpipe/command'
import { type Header, numberOf, textOf } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import type { OrderSpectrum } from '@nightpipe/spectra'
import { type RvRow, readSpectra, replaceVelocities, type Tree } from '@nightpipe/spectrographs'
import type { RvJob } from './plan.js'

/** A row of rv.csv for each star of each exposure, from the products: a run that is repeated enters the same. */
export async function enterVelocities(tree: Tree, jobs: readonly Job<RvJob>[]): Promise<void> {
  for (const { products, params } of jobs) {
    const path = products[0]!
    if (!existsSync(path)) continue
    const { header, orders } = readSpectra(path)
    const rows = ['', '2'].flatMap(
      (mark) => rowOf(header, mark, orders, params.raw, relative(tree.folder, path), tree.site) ?? [],
    )
    await replaceVelocities(tree, params.raw, rows)
  }
}

/** The mean wavelength that the order of Mg b spans in NRES, which Mgbdisp is told against: nm. */
const MGB_SPAN = 10.5777

function rowOf(
  header: Header,
  mark: string,
  all: readonly OrderSpectrum[],
  raw: string,
  file: string,
  site: string,
): RvRow | undefined {
  const name = (keyword: string) => (mark ? `${keyword.slice(0, 7)}${mark}` : keyword)
  const number = (keyword: string) => numberOf(header, name(keyword))
  const fibre = number('SCIFIBER')
  if (fibre === undefined || textOf(header, name('RVMETH')) === 'none') return undefined
  const orders = all.filter((one) => one.fibre === fibre)
  const [bary, rcc] = [number('BARYCORR'), number('RCC')]
  const seen = rcc === undefined ? number('RVMEAS') : rcc * LIGHT_SPEED
  return {
    ...{
      Targname: textOf(header, name('RVSTAR')),
      CrDate: numberOf(header, 'MJD-OBS'),
      BJD: number('TCORR'),
      Site: site,
    },
    ...{ Exptime: numberOf(header, 'EXPTIME'), Orgname: raw, Specfile: file },
    ...{ Nmatch: numberOf(header, 'NMATCH'), Amoerr: numberOf(header, 'AMOERR'), RMSgood: numberOf(header, 'RMSGOOD') },
    ...{ Mgbdisp: magnesiumSpan(orders), Lammid: middleWavelength(orders) },
    ...{ 'RVkm/s': seen === undefined ? undefined : seen / 1000, AmpCC: number('AMPCC'), WidCC: number('WIDCC') },
    Baryshift: bary === undefined ? undefined : bary / LIGHT_SPEED,
    ...{ Rshiftavg: number('ZBLKAVG'), RshiftMed: number('ZBLKMED'), RshiftErr: number('ZBLKERR') },
  }
}

/** Of the order of index 38, nm, less what it was at first. */
function magnesiumSpan(orders: readonly OrderSpectrum[]): number | undefined {
  const waves = orders.find(({ index }) => index === 38)?.wavelength?.filter((w) => w > 0)
  return waves && waves.length > 1 ? Math.abs(waves.at(-1)! - waves[0]!) / 10 - MGB_SPAN : undefined
}

/** In the middle of the detector, of orders 33 to 43: nm. */
function middleWavelength(orders: readonly OrderSpectrum[]): number | undefined {
  const waves = orders
    .filter(({ index }) => index >= 33 && index <= 43)
    .map(({ wavelength }) => wavelength?.[Math.min(2000, wavelength.length >> 1)] ?? Number.NaN)
    .filter((w) => w > 0)
  return waves.length > 0 ? waves.reduce((a, b) => a + b, 0) / waves.length / 10 : undefined
}
