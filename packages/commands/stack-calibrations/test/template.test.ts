// Exposures of a star in a spectrograph's tree become its template.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { barycentricCorrection } from '@nightpipe/sky'
import type { OrderSpectrum } from '@nightpipe/spectra'
import { readZero, spectraHdus } from '@nightpipe/spectrographs'
import t from 'tap'
import { call } from './support/run.js'
import { emptyTree, NOON } from './support/tree.js'

const C = 299792458
const COLUMNS = 800
const SITE = { longitude: 20.8101, latitude: -32.3806, height: 1760 }
const STAR = { ra: 40, dec: -30 }
/** Lines every 1.7 Angstrom or so, of the star at rest. */
const rest = (w: number) =>
  1 - 0.6 * Math.exp(-((((w % 1.7) - 0.85) / 0.08) ** 2)) - 0.3 * Math.exp(-((((w % 2.3) - 1) / 0.1) ** 2))

/** An exposure as `wavelength` leaves it: two orders of the star in fibre 0, the lamp in fibre 1. */
function writeExposure(reduced: string, k: number, { object = 'hd1461', velocity = 0 } = {}): string {
  const mjd = NOON + 0.2 + 20 * k
  const seconds = 600
  const { z } = barycentricCorrection({ mjdUtc: mjd + seconds / 2 / 86400, site: SITE, ...STAR, pmRa: 0, pmDec: 0 })
  const { normal } = random(k + 1)
  const orderOf = (index: number, fibre: number): OrderSpectrum => {
    const wavelength = Float64Array.from({ length: COLUMNS }, (_, x) => 5000 + 30 * index + 0.03 * x)
    const shift = (1 + z) / (1 + velocity / C)
    const expected = wavelength.map((w) => (fibre === 0 ? 40000 * rest(w * shift) : 100))
    const flux = expected.map((value) => value + Math.sqrt(value) * normal())
    return {
      index,
      fibre,
      order: 100 - index,
      wavelength,
      flux,
      uncertainty: expected.map(Math.sqrt),
      mask: new Int32Array(COLUMNS),
    }
  }
  const orders = [0, 1].flatMap((fibre) => [orderOf(0, fibre), orderOf(1, fibre)])
  const header = createHeader([
    ...([
      ['OBSTYPE', 'TARGET'],
      ['OBJECTS', `${object}&thar&none`],
      ['EXPTIME', seconds],
      ['MJD-OBS', mjd],
    ] as const),
    ...([
      ['SITEID', 'cpt'],
      ['TELESCOP', 'nres03'],
      ['INSTRUME', 'fa13'],
      ['RA', STAR.ra / 15],
      ['DEC', STAR.dec],
    ] as const),
    ...([
      ['LONGITUD', SITE.longitude],
      ['LATITUDE', SITE.latitude],
      ['HEIGHT', SITE.height],
    ] as const),
  ])
  const folder = join(reduced, 'temp/wave')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `cptnrs03-fa13-2019-${String(k).padStart(4, '0')}-e00-1d.fits`)
  writeFits(path, spectraHdus({ width: COLUMNS, orders }, header))
  return path
}

const asked = ['--calibration-type', 'TEMPLATE', '--target', 'HD 1461', '--start', '2019-04-01', '--end', '2019-08-01']

t.test('exposures of a star, weeks apart, become one template at rest', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  for (let k = 0; k < 4; k++) writeExposure(reduced, k)
  writeExposure(reduced, 8, { object: 'hr9087' })
  const { status, stderr, stdout } = call(...flags, ...asked)
  t.equal(status, 0, stderr)
  t.match(stdout, /zero\/ZEROcpt2019095\.70010\.fits/)
  const table = readFileSync(join(reduced, 'csv/zeros.csv'), 'utf8').trim().split('\n')
  t.match(table.at(-1), /^"zero\/ZEROcpt2019095\.70010\.fits",4,"cpt","fa13",2458579\.2,"HD1461",.*"0000"$/)
  const zero = readZero(stdout.trim())
  t.equal(zero.averaged, 4)
  const [order] = zero.orders
  let [sum, n] = [0, 0]
  for (let x = 50; x < COLUMNS - 50; x++) {
    const value = order!.flux[x]! / rest(order!.wavelength[x]!)
    if (!Number.isFinite(value)) continue
    sum += value
    n++
  }
  let squares = 0
  for (let x = 50; x < COLUMNS - 50; x++) {
    const value = order!.flux[x]! / rest(order!.wavelength[x]!) / (sum / n)
    if (Number.isFinite(value)) squares += (value - 1) ** 2
  }
  const rms = Math.sqrt(squares / n)
  // photons: 1 / sqrt(4 x 40000) = 0.0025, more in the lines
  t.ok(n > 600 && rms < 0.006, `lines at rest fit to ${rms} in ${n} columns`)
})

t.test('one exposure is no template, and one that is flagged does not count', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  writeExposure(reduced, 0)
  writeExposure(reduced, 1)
  const jd = 2458579 + 0.2 + 20
  writeFileSync(
    join(reduced, 'csv/standards.csv'),
    `T,F,0,S,C,0.0,Flags\n"BLAZE","reduced/blaz/BLAZcpt2019115.70000.fits",1,"cpt","fa13",${jd},"1010"\n`,
  )
  const { status, stderr } = call(...flags, ...asked)
  t.equal(status, 3)
  t.match(stderr, /only 1 of 1 exposures can be used for a template of HD 1461, 2 needed/)
  const nobody = call(...flags, ...asked.map((word) => (word === 'HD 1461' ? 'HR1' : word)))
  t.equal(nobody.status, 3)
  t.match(nobody.stderr, /no ZERO between/)
})
