import t from 'tap'
import { angularSeparation, makeTan, tanHeaderCards, tanWcs } from '../src/index.js'
import { reference } from './reference.js'

for (const { name, cards, points } of reference.projections) {
  t.test(`${name}: both ways as astropy has it`, async (t) => {
    const wcs = tanWcs((keyword) => cards[keyword])!
    for (const { x, y, ra, dec } of points) {
      t.ok(angularSeparation(wcs.toSky(x, y), [ra, dec]) * 3600 < 1e-7, `${wcs.toSky(x, y)} ${ra} ${dec}`)
      const [px, py] = wcs.toPixel(ra, dec)!
      t.ok(Math.hypot(px - x, py - y) < 1e-6, `${px},${py} ${x},${y}`)
    }
    const written = new Map(tanHeaderCards(wcs).map(([keyword, value]) => [keyword, value]))
    const again = tanWcs((keyword) => written.get(keyword))!
    t.ok(angularSeparation(again.toSky(100, 200), wcs.toSky(100, 200)) * 3600 < 1e-9, 'and so from its own cards')
  })
}

t.test('the far side of the sky has no pixel', async (t) => {
  const wcs = makeTan({ pixel: [0, 0], sky: [10, 20], matrix: [-1e-4, 0, 0, 1e-4] })
  t.equal(wcs.toPixel(190, -20), undefined)
  t.equal(wcs.toPixel(100.1, 0), undefined)
  t.same(wcs.toPixel(10, 20), [0, 0])
})

t.test('headers without a usable plate solution have none', async (t) => {
  const good: Record<string, string | number> = {
    CTYPE1: 'RA---TAN',
    CTYPE2: 'DEC--TAN',
    CRPIX1: 1,
    CRPIX2: 1,
    CRVAL1: 1,
    CRVAL2: 1,
    CD1_1: 1e-4,
    CD2_2: 1e-4,
  }
  const read = (change: Record<string, string | number | undefined>) =>
    tanWcs((keyword) => ({ ...good, ...change })[keyword])
  t.ok(read({}))
  t.equal(read({ CTYPE1: 'LINEAR' }), undefined)
  t.equal(read({ CTYPE2: 'RA---TAN' }), undefined)
  t.equal(read({ CTYPE1: undefined }), undefined)
  t.equal(read({ CRVAL1: 'N/A' }), undefined)
  t.equal(read({ CRPIX2: undefined }), undefined)
  t.equal(read({ CD1_1: 0 }), undefined)
  t.equal(read({ CD1_1: undefined, CD2_2: undefined }), undefined)
  t.equal(read({ CRVAL1: ' 1.0 ' })?.sky[0], 1)
})

t.test('a distortion that is left out is named', async (t) => {
  const cards: Record<string, string | number> = {
    CTYPE1: 'RA---TAN-SIP',
    CTYPE2: 'DEC--TAN-SIP',
    CRPIX1: 1,
    CRPIX2: 1,
    CRVAL1: 1,
    CRVAL2: 1,
    CD1_1: 1e-4,
    CD2_2: 1e-4,
    RADESYS: 'FK5',
    EQUINOX: 2000,
  }
  t.match(
    tanWcs((keyword) => cards[keyword]),
    { distortion: 'SIP', radesys: 'FK5', equinox: 2000 },
  )
  t.equal(
    tanWcs((keyword) => (keyword === 'CTYPE1' ? 'RA---TPV' : keyword === 'CTYPE2' ? 'DEC--TPV' : cards[keyword]))
      ?.distortion,
    'TPV',
  )
  t.throws(() => makeTan({ pixel: [0, 0], sky: [0, 0], matrix: [1, 1, 1, 1] }), RangeError)
})
