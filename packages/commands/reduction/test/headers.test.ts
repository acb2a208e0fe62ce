import { join } from 'node:path'
import { createHeader, numberOf, writeFits } from '@nightpipe/fits'
import { finish, lacking, outside, scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { tidyHeader } from '../src/tidy-header.js'
import { CAMERA, makeNight, reduced, reduction, writeImage } from './support/night.js'

const keywords = (header: ReturnType<typeof createHeader>) => header.cards.map(({ keyword }) => keyword)

t.test('what cameras write against the standard is not carried on', async (t) => {
  const header = createHeader([
    ['EPOCH', '2000.0', 'of coordinates'],
    ['DATE', '140917'],
    ['CROTA2', 0],
    ['AIRMASS', 1.2],
  ])
  header.cards.push({ keyword: 'AIRMASS', value: 1.3, comment: '' }, { keyword: 'COMMENT', value: 'a', comment: '' })
  header.cards.push({ keyword: 'COMMENT', value: 'a', comment: '' })
  tidyHeader(header)
  t.same(keywords(header), ['EQUINOX', 'AIRMASS', 'COMMENT', 'COMMENT'])
  t.equal(numberOf(header, 'EQUINOX'), 2000)
  t.equal(numberOf(header, 'AIRMASS'), 1.2, 'the first of two counts, as for every reader')
})

t.test('a whole plate solution stays, its matrix once', async (t) => {
  const header = createHeader([
    ['PV2_3', 1],
    ['WCSAXES', 2],
    ['CTYPE1', 'RA---TPV'],
    ['CTYPE2', 'DEC--TPV'],
    ['CRPIX1', 3],
    ['CD1_1', 1e-4],
    ['PC1_1', 1],
    ['EQUINOX', ''],
    ['DATE', '2026-03-01T04:00:00'],
  ])
  tidyHeader(header)
  t.same(keywords(header), ['PV2_3', 'CTYPE1', 'CTYPE2', 'CRPIX1', 'CD1_1', 'DATE'])
})

t.test('fitsverify finds nothing in a product of an untidy frame', { skip: lacking('fitsverify') }, async (t) => {
  const raw = writeImage(join(scratch(), 'x.fits'), new Float32Array(64 * 64).fill(100), 64, [
    ...CAMERA,
    ['IMAGETYP', 'object'],
    ['EXPTIME', 3],
    ['EPOCH', 2000],
    ['EQUINOX', ''],
    ['CROTA2', 0],
    ['CD1_1', 0],
  ])
  const none = set('calibration.bias=none', 'calibration.dark=none', 'calibration.flat=none')
  const { stdout } = reduction('-s', raw, '-r', scratch(), ...none)
  t.match(finish(outside('fitsverify', stdout.trim())).stdout, /0 warning\(s\) and 0 error\(s\)/)
})

t.test('the read noise that biases tell is of ADU: it follows the gain', async (t) => {
  const night = makeNight({ width: 80, height: 60, gain: 2, readNoise: 6 })
  night.masters[0] = writeImage(join(night.folder, 'measured.fits'), new Float32Array(80 * 60), 80, [
    ...CAMERA,
    ['IMAGETYP', 'master bias'],
    ['BUNIT', 'adu'],
    ['GAIN', 2],
    ['RDNADU', 3],
    ['RDNOISE', 6],
  ])
  t.equal(numberOf(reduced(night).header, 'RDNOISE'), 6)
  t.equal(numberOf(reduced(night, 'parameters.gain=6').header, 'RDNOISE'), 18)
})

t.test('a cube is no frame', async (t) => {
  const raw = join(scratch(), 'cube.fits')
  const header = createHeader([
    ['IMAGETYP', 'object'],
    ['EXPTIME', 3],
  ])
  writeFits(raw, [{ kind: 'image', bitpix: -32, axes: [8, 8, 3], pixels: new Float32Array(192), header }])
  const { code, stdout, stderr } = reduction('-s', raw, '-r', scratch(), ...set('calibration.build=no'))
  t.equal(code, 3)
  t.equal(stdout, '')
  t.match(stderr, /cube\.fits: is a cube of 8 x 8 x 3, not one frame \(split it into its planes\)/)
})
