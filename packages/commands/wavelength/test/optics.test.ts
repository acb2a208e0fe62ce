// The optical model of spectrographs.csv through the whole command: arcs of a tree, then an exposure that takes their TRIPLE.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHeader, numberOf, openFits, textOf, writeFits } from '@nightpipe/fits'
import { displacement, type EchelleModel, modelWavelength, parseLineList } from '@nightpipe/spectra'
import { readArc, readSpectra, spectraHdus } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'

const lamp = parseLineList(
  readFileSync(fileURLToPath(new URL('../../../../../configs/lines/thar.csv', import.meta.url)), 'utf8'),
)
const [COLUMNS, ORDERS, FWHM] = [1024, 16, 3.4]
const NOON = 58578.5
const LIGHT = 299792458

/** The spectrograph as it is: not quite what its row says, and with something that the optics do not explain. */
const TRUTH: EchelleModel = {
  ...{ nx: COLUMNS, orders: ORDERS, firstOrder: 78, grooveSpacing: 24.0442, sinAlpha: 0.97177, focalLength: 374.9 },
  ...{ y0: -22.2, z0: 0.000236, glass: 'PBM2', apex: 55, centralWavelength: 0.479, rotation: 1.4, pixelSize: 0.06 },
  residual: Float64Array.from({ length: 15 }, (_, k) => 0.02 * Math.cos(2 * k)),
}
/** How fibre 0 lies beside fibre 1, px. */
const BESIDE = Float64Array.of(1.9, 0.03, 0.0003, 0, 0.0004, 0, 1e-7, 0, 0, 0)
const truth = (fibre: number, index: number, x: number) =>
  10 * modelWavelength(TRUTH, index, x - (fibre === 0 ? displacement(BESIDE, x - COLUMNS / 2, index - ORDERS / 2) : 0))

const ROW = [
  ...['cpt', '58000.01', 78, 24.0442, 76.35733667, 0.01, 374.71238621, 0.01, -22.24454229, 0.02, 0.00019935, 2e-6],
  ...['PBM2', 55, 0.479, 1.4, 0.06, COLUMNS, ORDERS, 12, 3, 5, 10.5, 17],
  ...Array.from({ length: 35 }, () => 0),
]
const COLUMN_NAMES =
  'Site,MJD,Ord0,GrSpc,GrInc,dGrInc,FL,dFL,Y0,dY0,Z0,dZ0,Glass,Apex,LamCen,Rot,PixSiz,Nx,Nord,Nblock,Nfib,Npoly,Ordwid,Medboxsz'
const PROFILE = `[profile]
about = a spectrograph of this test
parent = nres

[spectrograph]
orders = ${ORDERS}
first order = 78
order constant = 468000
pixel velocity = 5.75
`

/** Spectra of the lamp in both fibres, or of a star beside it. */
function spectraOf(light: readonly ('lamp' | 'star')[], drift: number) {
  return light.flatMap((of, fibre) =>
    Array.from({ length: ORDERS }, (_, index) => {
      const flux = new Float64Array(COLUMNS).fill(of === 'star' ? 5000 : 40)
      const wavelength = Float64Array.from(flux, (_, x) => truth(fibre, index, x - drift))
      for (let k = 0, x = 1; k < lamp.wavelength.length && of === 'lamp'; k++) {
        while (x < COLUMNS - 1 && wavelength[x]! < lamp.wavelength[k]!) x++
        const place = x - (wavelength[x]! - lamp.wavelength[k]!) / (wavelength[x]! - wavelength[x - 1]!)
        if (!(place > -5 && place < COLUMNS + 5)) continue
        const sigma = FWHM / 2.3548
        for (let at = Math.max(0, Math.ceil(place - 12)); at < Math.min(COLUMNS, place + 12); at++)
          flux[at]! += 3 * lamp.intensity[k]! * Math.exp(-0.5 * ((at - place) / sigma) ** 2)
      }
      const uncertainty = flux.map((value) => Math.sqrt(value + 50))
      return { index, order: 0, fibre, flux, uncertainty, mask: new Int32Array(COLUMNS) }
    }),
  )
}

function write(path: string, at: number, light: ('lamp' | 'star')[], drift: number): string {
  const header = createHeader([
    ...([
      ['OBSTYPE', light.includes('star') ? 'TARGET' : 'DOUBLE'],
      ['OBJECTS', light.includes('star') ? 'star&thar&none' : 'thar&thar&none'],
      ['INSTRUME', 'fa13'],
    ] as const),
    ...([
      ['SITEID', 'cpt'],
      ['MJD-OBS', NOON + at],
      ['EXPTIME', 60],
    ] as const),
  ])
  writeFits(path, spectraHdus({ width: COLUMNS, orders: spectraOf(light, drift) }, header))
  return path
}

/** Errors of the wavelengths of a file, m/s. */
function rms(path: string, drift: number): number {
  let [squares, n] = [0, 0]
  for (const { fibre, index, wavelength } of readSpectra(path).orders) {
    for (let x = 10; x < COLUMNS - 10; x += 21) {
      squares += (wavelength![x]! / truth(fibre, index, x - drift) - 1) ** 2
      n++
    }
  }
  return LIGHT * Math.sqrt(squares / n)
}

const spectraIn = (bytes: Uint8Array) => readSpectra(openFits(bytes)).orders

t.test('arcs of a tree are solved through the optics; an exposure takes their TRIPLE and its own drift', async (t) => {
  const folder = t.testdir({ 'test.ini': PROFILE })
  const reduced = join(folder, 'cpt/nres03/reduced')
  for (const name of ['csv', 'temp/extr', 'trip', 'thar']) mkdirSync(join(reduced, name), { recursive: true })
  const rest = Array.from({ length: 35 }, (_, k) => (k < 15 ? `C${k}` : `F${String(k - 15).padStart(2, '0')}`))
  writeFileSync(join(reduced, 'csv/spectrographs.csv'), `${COLUMN_NAMES},${rest.join(',')}\n${ROW.join(',')}\n`)
  writeFileSync(join(reduced, 'csv/standards.csv'), 'T,F,0,S,C,0.0,Flags\n')
  const run = (...args: string[]) => {
    const tree = ['--root', folder, '--site', 'cpt', '--nres-instrument', 'nres03', '--quiet']
    const settings = ['instrument.profile=test.ini', 'wavelength.model=optics'].flatMap((one) => ['--set', one])
    return call('wavelength', [...tree, ...settings, ...args], { cwd: folder })
  }
  const arc = run('-s', write(join(reduced, 'temp/extr/arc-1d.fits'), 0, ['lamp', 'lamp'], 0))
  t.equal(arc.status, 0, arc.stderr)
  const product = join(reduced, 'temp/wave/arc-1d.fits')
  // a pixel is 5750 m/s: 0.005 px, of some hundred lines on 18 parameters
  t.ok(rms(product, 0) < 30, `${rms(product, 0)} m/s`)
  t.equal(textOf(readSpectra(product).header, 'WAVEMOD'), 'optics')
  const trip = join(reduced, 'trip', readdirSync(join(reduced, 'trip'))[0]!)
  const { header, solutions } = readArc(trip)!
  t.same(
    solutions.map(({ fibre }) => fibre),
    [0, 1],
  )
  t.equal(numberOf(header, 'ORD0'), 78)
  t.ok(Math.abs(numberOf(header, 'FIBCOE00')! - 1.9) < 0.02, `fibre 0 lies ${numberOf(header, 'FIBCOE00')} px beside`)
  const star = run('-s', write(join(reduced, 'temp/extr/star-1d.fits'), 0.2, ['star', 'lamp'], 0.37))
  t.equal(star.status, 0, star.stderr)
  t.ok(rms(join(reduced, 'temp/wave/star-1d.fits'), 0.37) < 30, `${rms(join(reduced, 'temp/wave/star-1d.fits'), 0.37)}`)
  // the same from an arc of the tree, of a run before, and of this run, which writes it as it was
  const exposure = join(reduced, 'temp/wave/star-1d.fits')
  const [fromTree, solved, triple] = [exposure, product, trip].map((path) => readFileSync(path))
  const both = ['arc', 'star'].flatMap((name) => ['-s', join(reduced, `temp/extr/${name}-1d.fits`)])
  rmSync(exposure)
  t.equal(run(...both).status, 0)
  const kept = readFileSync(exposure)
  t.equal(run(...both, '--force').status, 0)
  t.ok(readFileSync(product).equals(solved!), 'the arc')
  t.ok(readFileSync(trip).equals(triple!), 'its TRIPLE')
  t.ok(readFileSync(exposure).equals(kept), 'solved just now')
  t.same(spectraIn(kept), spectraIn(fromTree!), 'its parent is another file')
})

t.test('without a row of its site an arc is set aside, and says why', async (t) => {
  const folder = t.testdir({ 'test.ini': PROFILE })
  const reduced = join(folder, 'cpt/nres03/reduced')
  for (const name of ['csv', 'temp/extr']) mkdirSync(join(reduced, name), { recursive: true })
  const path = write(join(reduced, 'temp/extr/arc-1d.fits'), 0, ['lamp', 'lamp'], 0)
  const tree = ['--root', folder, '--site', 'cpt', '--nres-instrument', 'nres03', '--quiet', '-s', path]
  const settings = ['instrument.profile=test.ini', 'wavelength.model=optics'].flatMap((one) => ['--set', one])
  const { status, stderr } = call('wavelength', [...tree, ...settings], { cwd: folder })
  t.equal(status, 0, stderr)
  t.match(readFileSync(join(reduced, 'temp/wave/wavelength.csv'), 'utf8'), /rejected,.*no optics for it/)
  t.same(readdirSync(join(reduced, 'temp/wave')), ['wavelength.csv'])
})
