import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createHeader, numberOf, openFits, writeFits } from '@nightpipe/fits'
import { type OrderSpectrum, SpectrumBit } from '@nightpipe/spectra'
import { lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import { orderImageHdus, orderOf, readOrderImage, readSpectra, spectraHdus, toOrderImage } from '../src/index.js'

const one = (index: number, fibre: number, order: number): OrderSpectrum => ({
  ...{ index, fibre, order },
  flux: Float64Array.of(1.5, 2.5 * (index + 1), Number.NaN, -4),
  uncertainty: Float64Array.of(0.5, 0.25, 1, 2),
  blaze: Float64Array.of(0.25, 1, 0.5, 0.125),
  wavelength: Float64Array.of(5000.123456789, 5001, 5002, Number.NaN),
  mask: Int32Array.of(0, 0, SpectrumBit.noData, SpectrumBit.cosmicRay),
})
const spectra = { width: 4, orders: [one(0, 0, 52), one(1, 0, 53), one(0, 1, 52), one(1, 1, 53)] }

t.test('what is written is read again, missing values and all', async (t) => {
  const path = join(t.testdir({}), 'a-1d.fits')
  writeFits(path, spectraHdus(spectra, createHeader([['MJD-OBS', 58000.5]]), { air: (w) => w - 1 }))
  const { header, ...read } = readSpectra(path)
  t.same(read, spectra)
  t.equal(numberOf(header, 'MJD-OBS'), 58000.5)
})

t.test('diffraction orders and wavelengths that are not known come back as not known', async (t) => {
  const path = join(t.testdir({}), 'a-1d.fits')
  const { wavelength, blaze, ...bare } = one(3, 0, 0)
  writeFits(path, spectraHdus({ width: 4, orders: [bare] }, createHeader()))
  const [read] = readSpectra(path).orders
  t.equal(read!.order, 0)
  t.equal(read!.index, 3)
  t.ok(read!.wavelength!.every(Number.isNaN))
})

t.test('a file without the table is refused by name', async (t) => {
  const path = join(t.testdir({}), 'b.fits')
  writeFits(path, [{ kind: 'empty' }])
  t.throws(() => readSpectra(path), { message: /^b\.fits has no table SPECTRUM/ })
})

t.test('legacy images are (nx, nord, fibres), with 0 for what there is not', async (t) => {
  const path = join(t.testdir({}), 'EXTR.fits')
  writeFits(
    path,
    orderImageHdus(
      toOrderImage(spectra, 3, [0, 1], ({ flux }) => flux),
      createHeader(),
    ),
  )
  const file = openFits(path)
  t.same(file.hdus[0]!.axes, [4, 3, 2])
  const image = readOrderImage(file)
  file.close()
  t.same([...orderOf(image, 1, 1)], [1.5, 5, 0, -4])
  t.same([...orderOf(image, 0, 2)], [0, 0, 0, 0], 'no such order')
})

t.test('astropy reads the same numbers', { skip: lackingPython('astropy') }, async (t) => {
  const path = join(t.testdir({}), 'a-1d.fits')
  writeFits(path, spectraHdus(spectra, createHeader()))
  const code =
    'import sys; from astropy.io import fits; s = fits.open(sys.argv[1])["SPECTRUM"].data; ' +
    'print(s["order"].tolist(), s["fiber"].tolist(), s["wavelength"][0, 0], s["flux"][1].tolist(), s["mask"][3].tolist())'
  const { stdout } = spawnSync(PYTHON, ['-c', code, path], { encoding: 'utf8' })
  t.equal(stdout.trim(), '[52, 53, 52, 53] [0, 0, 1, 1] 5000.123456789 [1.5, 5.0, nan, -4.0] [0, 0, 8, 4]')
})
