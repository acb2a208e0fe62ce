import t from 'tap'
import { erf, tabulatedErf } from '../src/echelle/line-spread.js'
import { blazeOf, orderOf, refractiveIndex, traceOf, wavelengthOf } from '../src/echelle/optics.js'
import { pixelOf } from '../src/echelle/spectrum.js'
import { studioOf } from './small-echelle.js'

// The header of lscnrs01-fl09-20171110-0037: parameters of the fit, and wavelengths that follow from them.
const HEADER = [
  'optics.incidence=76.34986245', // its sine is checked below
  'optics.focal length=375.148150860',
  'optics.cross offset=-22.1609437182',
  'optics.air=0.000267987291401',
  'optics.residual=.00340326,-.00187633,-.0360488,-.00910170,.0450354,.143455,.0336166,-.00217271,-.0308000,.0301350,-.00449405,.0134021,-.00732926,-.00803556,-.00622579',
]

t.test('wavelengths of NRES are those of a published header', async (t) => {
  const alpha = (Math.asin(0.971752791943) * 180) / Math.PI
  const { settings } = studioOf('nres', ...HEADER, `optics.incidence=${alpha}`)
  const at = (index: number, x: number) => wavelengthOf(settings, index, 0)(x) / 10
  // LAMCENR, LAMCENG, LAMCENB of fibre 0, nm; the coefficients are printed with six digits, which leaves 1e-7 nm.
  t.ok(Math.abs(at(5, 2048) - 819.302627259) < 3e-7, `${at(5, 2048)}`)
  t.ok(Math.abs(at(38, 2048) - 518.420809109) < 3e-7, `${at(38, 2048)}`)
  t.ok(Math.abs(at(60, 2048) - 415.800943616) < 3e-7, `${at(60, 2048)}`)
  const fibre1 = wavelengthOf(settings, 38, 1)(2048) / 10
  t.ok(Math.abs(fibre1 - 518.437981) < 1e-6, `fibre 1: ${fibre1}`)
})

t.test('without prism and residuals the wavelengths obey the grating equation', async (t) => {
  const { settings } = studioOf('small', 'optics.rotation=0', 'optics.air=0')
  const { optics } = settings
  const alpha = (optics.incidence * Math.PI) / 180
  for (const [index, x] of [
    [0, 100],
    [7, 256],
    [11, 500],
  ] as const) {
    const m = orderOf(settings, index)
    // The prism lifts the order out of the plane by gamma: the cosine is all that it does.
    const theta = Math.atan(((x - 256) * 0.015) / optics['focal length'])
    const plane = ((optics['groove spacing'] * 1e4) / m) * (Math.sin(alpha) + Math.sin(alpha + theta))
    const ratio = wavelengthOf(settings, index, 1)(x) / plane
    t.ok(ratio <= 1 && ratio > 0.998, `cos gamma = ${ratio}`)
    const other = wavelengthOf(settings, index, 1)(256) / (((optics['groove spacing'] * 1e4) / m) * 2 * Math.sin(alpha))
    t.ok(Math.abs(ratio - other) < 1e-12, 'the same all along the order')
  }
})

t.test('the index of BK7 is that of the catalogue', async (t) => {
  t.ok(Math.abs(refractiveIndex('BK7', 0.5876) - 1.5168) < 1e-4)
  t.ok(Math.abs(refractiveIndex('SiO2', 0.5893) - 1.45845) < 1e-4)
})

t.test('falling wavelengths are the rising ones, read backwards', async (t) => {
  const rises = studioOf('small').settings
  const falls = studioOf('small', 'optics.wavelength=falls').settings
  for (const x of [0, 100, 511]) {
    t.equal(wavelengthOf(falls, 3, 0)(x), wavelengthOf(rises, 3, 0)(511 - x))
  }
})

t.test('the blaze peaks where the light goes back the way it came', async (t) => {
  const { settings, along } = studioOf('medium', 'optics.rotation=0', 'optics.blaze floor=0')
  for (const index of [0, 15, 29]) {
    const wavelength = wavelengthOf(settings, index, 1)
    const blaze = blazeOf(settings, index)
    t.ok(Math.abs(blaze(wavelength(along / 2)) - 1) < 1e-9)
    const range = wavelength(along / 2) / orderOf(settings, index)
    t.ok(Math.abs(blaze(wavelength(along / 2) + range)) < 1e-9, 'dark a free spectral range away')
  }
})

t.test('fibres and orders of NRES lie as far apart as published', async (t) => {
  const { settings, along } = studioOf('nres')
  const y = (index: number, fibre: number, x: number) => traceOf(settings, index, fibre)(x)
  t.ok(Math.abs(y(0, 0, 2000) - y(0, 1, 2000) - 17.6) < 0.1)
  t.ok(Math.abs(y(66, 0, 2000) - y(66, 1, 2000) - 24.4) < 0.1)
  // Traced by hand on a flat of December 2017, rounded to a pixel.
  for (const [index, x, hand] of [
    [0, 500, 113],
    [20, 2000, 788],
    [40, 3750, 1890],
    [66, 2000, 3911],
  ] as const) {
    t.ok(Math.abs(y(index, 1, x) - hand) < 2.5, `order ${index}: ${y(index, 1, x)}, by hand ${hand}`)
  }
  t.ok(y(1, 1, along / 2) - y(0, 1, along / 2) > 30)
})

t.test('the pixel of a wavelength is where the wavelength is', async (t) => {
  const { settings, along } = studioOf('nres')
  const at = wavelengthOf(settings, 30, 1)
  for (const x of [-3.3, 17.25, 2048, 4099]) t.ok(Math.abs(pixelOf(at, at(x), along) - x) < 1e-6)
})

t.test('the error function is that of Abramowitz and Stegun, table 7.1', async (t) => {
  for (const [x, value] of [
    [0.1, 0.1124629160182849],
    [1, 0.8427007929497149],
    [2.4, 0.9993114861033549],
    [2.6, 0.9997639655834707],
    [4, 0.9999999845827421],
  ] as const) {
    t.ok(Math.abs(erf(x) - value) < 1e-12, `erf(${x}) = ${erf(x)}`)
    t.equal(erf(-x), -erf(x))
    t.ok(Math.abs(tabulatedErf(-x) + value) < 1e-11, `from the table: ${tabulatedErf(-x)}`)
  }
})
