import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, openFits, textOf, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import type { OrderSpectrum } from '@nightpipe/spectra'
import { spectraHdus } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { withError } from '../src/found.js'

const run = (args: readonly string[], cwd: string) => call('classify', args, { cwd })

const C = 299792458
const draw = random(3)
const LINES = Array.from({ length: 250 }, () => ({
  at: 5000 + 320 * draw.uniform(),
  depth: 0.1 + 0.7 * draw.uniform(),
  cold: draw.uniform() - 0.4,
  metal: draw.uniform(),
}))

/** Toy stars: lines that answer to temperature and metals, 6.5 km/s wide (FWHM, that of the spectrograph). */
function starAt(teff: number, metals: number, wavelength: number): number {
  let tau = 0
  for (const { at, depth, cold, metal } of LINES) {
    const v = ((wavelength / at - 1) * C) / 2800
    if (Math.abs(v) < 5)
      tau += depth * (5500 / teff) ** (5 * cold) * 10 ** (0.6 * metal * metals) * Math.exp(-0.5 * v * v)
  }
  return Math.exp(-tau)
}

/** A set as people have them: images in air or vacuum with CRVAL1, and tables; parameters in headers. */
function writeTemplates(folder: string) {
  const wavelength = Float64Array.from({ length: 9000 }, (_, k) => 4990 + 0.0375 * k)
  for (const teff of [5000, 5500, 6000]) {
    for (const metals of [-0.5, 0, 0.5]) {
      const flux = wavelength.map((w) => starAt(teff, metals, w))
      const cards = [
        ['TEFF', teff, ''],
        ['LOGG', 4, ''],
        ['FEH', metals, ''],
        ['SPECRES', 45000, ''],
      ] as const
      const name = join(folder, `t${teff}_${metals}.fits`)
      if (metals === 0) {
        const image = createHeader([...cards, ['CRVAL1', 4990, ''], ['CRPIX1', 1, ''], ['CDELT1', 0.0375, '']])
        writeFits(name, [{ kind: 'image', bitpix: -32, axes: [9000], pixels: Float32Array.from(flux), header: image }])
      } else {
        const columns = [
          { name: 'WAVE', values: wavelength },
          { name: 'FLUX', values: flux },
        ]
        writeFits(name, [
          { kind: 'empty', header: createHeader([...cards]) },
          { kind: 'table', rows: 9000, columns },
        ])
      }
    }
  }
}

function writeStar(
  path: string,
  teff: number,
  metals: number,
  velocity: number,
  more: { objects?: string; resolution?: number } = {},
) {
  const { objects = 'hd1&thar&none', resolution } = more
  const noise = random(8)
  const orders = Array.from({ length: 3 }, (_, index): OrderSpectrum => {
    const array = () => new Float64Array(1500)
    const [flux, uncertainty, wavelength] = [array(), array(), array()]
    for (let x = 0; x < 1500; x++) {
      wavelength[x] = (5060 + 85 * index) * (1 + ((x - 750) * 2000) / C)
      const light = 5000 * (1.2 - (x / 1500) ** 2) * starAt(teff, metals, wavelength[x]! / (1 + velocity / C))
      uncertainty[x] = Math.sqrt(light + 25)
      flux[x] = light + uncertainty[x]! * noise.normal()
    }
    return { index, order: 90 - index, fibre: 0, flux, uncertainty, mask: new Int32Array(1500), wavelength }
  })
  const header = createHeader([
    ['OBSTYPE', 'TARGET', ''],
    ['OBJECTS', objects, ''],
    ['TELESCOP', 'nres03', ''],
    ['DATE-OBS', '2017-09-04T00:00:00', ''],
    ['EXPTIME', 60, ''],
    ...(resolution ? [['RESOLUT', resolution, ''] as const] : []),
  ])
  writeFits(path, spectraHdus({ width: 1500, orders }, header))
}

t.test('a set is imported from spectra of any kind, and tells a star between its members', async (t) => {
  const cwd = t.testdir({ spectra: {}, stars: {} })
  writeTemplates(join(cwd, 'spectra'))
  const made = run(['import', '-s', 'spectra', '-r', 'set'], cwd)
  t.equal(made.status, 0, made.stderr)
  t.equal(readFileSync(join(cwd, 'set/templates.csv'), 'utf8').trim().split('\n').length, 10)
  writeStar(join(cwd, 'stars/e-1d.fits'), 5640, 0.12, 31e3)
  const { status, stderr, stdout } = run(
    [
      '-s',
      'stars',
      '-r',
      'out',
      '--templates',
      'set',
      '--set',
      'classify.resolution=45000',
      '--set',
      'instrument.profile=nres',
    ],
    cwd,
  )
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/e-class.fits\n')
  const file = openFits(join(cwd, 'out/e-class.fits'))
  const { header } = file.hdus[0]!
  t.ok(Math.abs(numberOf(header, 'TEFF')! - 5640) < 25, String(numberOf(header, 'TEFF')))
  t.ok(Math.abs(numberOf(header, 'FEH')! - 0.12) < 0.03, String(numberOf(header, 'FEH')))
  t.ok(numberOf(header, 'TEFFE')! < 25)
  t.equal(numberOf(header, 'LOGG'), 4)
  t.ok(statSync(join(cwd, 'out/e-class.png')).size > 10000)
  t.match(textOf(header, 'LIMITS'), /^vsini_km_s < [0-2]\.\d\d$/)
  t.equal(textOf(header, 'METHOD'), 'interpolated')
  t.equal(textOf(header, 'TEMPLAT'), 't5500_0.fits')
  t.equal(file.hdus.find(({ name }) => name === 'FITS')!.axes[1], 9)
  t.match(textOf(header, 'RESFROM'), /given/)
  file.close()
})

t.test('the resolution is that of the lamp in the header of the spectrum, and the product says so', async (t) => {
  const cwd = t.testdir({ spectra: {}, known: {}, unknown: {} })
  writeTemplates(join(cwd, 'spectra'))
  t.equal(run(['import', '-s', 'spectra', '-r', 'set'], cwd).status, 0)
  writeStar(join(cwd, 'known/e-1d.fits'), 5640, 0.12, 31e3, { resolution: 45012.3 })
  writeStar(join(cwd, 'unknown/e-1d.fits'), 5640, 0.12, 31e3)
  const flags = ['-r', 'out', '--templates', 'set', '--set', 'instrument.profile=nres']
  const { status, stderr } = run(['-s', 'known', ...flags], cwd)
  t.equal(status, 0, stderr)
  const file = openFits(join(cwd, 'out/e-class.fits'))
  const { header } = file.hdus[0]!
  t.same([numberOf(header, 'RESOLUT'), textOf(header, 'RESFROM')], [45000, 'lines of the lamp: RESOLUT'])
  t.ok(Math.abs(numberOf(header, 'TEFF')! - 5640) < 25, String(numberOf(header, 'TEFF')))
  file.close()
  const silent = run(['-s', 'unknown', ...flags], cwd)
  t.equal(silent.status, 3)
  t.match(silent.stderr, /e-1d\.fits: does not say its resolution \(RESOLUT\) \(run wavelength on it again/)
})

t.test('errors have two significant digits, and numbers as many places', async (t) => {
  t.equal(withError(0.1234, 0.0042), '0.1234 +- 0.0042')
  t.equal(withError(0.12, 0.00994), '0.1200 +- 0.0099')
  t.equal(withError(5643.7, 12.3), '5644 +- 12')
  t.equal(withError(5643.7, 123), '5640 +- 120')
  t.equal(withError(4.5, 1.26), '4.5 +- 1.3')
})

t.test('without a set it says none, and invents nothing', async (t) => {
  const cwd = t.testdir({ stars: {} })
  writeStar(join(cwd, 'stars/e-1d.fits'), 5640, 0.12, 0)
  const { status, stderr, stdout } = run(['-s', 'stars', '-r', 'out', '--set', 'instrument.profile=nres'], cwd)
  t.equal(status, 0, stderr)
  t.equal(stdout, '')
  t.match(stderr, /no set of templates/)
  t.match(readFileSync(join(cwd, 'out/classify.csv'), 'utf8'), /e-1d\.fits,done,,,[\d.]*,HD1,none,,,/)
})

t.test('a set that is none, and frames without a star, are told', async (t) => {
  const cwd = t.testdir({ stars: {}, set: {} })
  writeStar(join(cwd, 'stars/e-1d.fits'), 5640, 0, 0, { objects: 'thar&thar&none' })
  const wrong = run(['-s', 'stars', '-r', 'out', '--templates', 'set'], cwd)
  t.equal(wrong.status, 2)
  t.match(wrong.stderr, /no templates\.csv/)
  const none = run(['-s', 'stars', '-r', 'out', '--set', 'instrument.profile=nres'], cwd)
  t.equal(none.status, 3)
  t.match(none.stderr, /no fibre sees a star/)
})
