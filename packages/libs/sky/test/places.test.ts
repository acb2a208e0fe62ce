import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  airmass,
  angularSeparation,
  type Direction,
  greenwichSiderealTime,
  healpixCentre,
  healpixCount,
  healpixDisc,
  healpixOf,
  healpixRadius,
  julianYear,
  moveStar,
  parallacticAngle,
  readWcs,
  toHorizontal,
  wcsCards,
} from '../src/index.js'
import { root } from './reference.js'

interface Places {
  pixels: { order: number; ra: number; dec: number; pixel: number; centre: Direction }[]
  discs: { order: number; ra: number; dec: number; radius: number; pixels: number[] }[]
  equinoxes: { system: string; at: Direction; icrs: Direction }[]
  motions: { at: Direction; pm: [number, number]; years: number; to: Direction }[]
  horizontals: {
    at: Direction
    mjd: number
    dut1: number
    latitude: number
    longitude: number
    azimuth: number
    altitude: number
    gmst: number
    gast: number
  }[]
}

/** What astropy and astropy-healpix compute; made by scripts/fixtures/sky-places.py. */
const places: Places = JSON.parse(readFileSync(join(root, 'fixtures/sky/places.json'), 'utf8'))

t.test('HEALPix numbers and centres are those of astropy-healpix', async (t) => {
  for (const { order, ra, dec, pixel, centre } of places.pixels) {
    if (healpixOf(order, ra, dec) !== pixel) t.fail(`order ${order}, ${ra} ${dec}: ${healpixOf(order, ra, dec)}`)
    if (angularSeparation(healpixCentre(order, pixel), centre) > 1e-10) t.fail(`centre of ${pixel} at order ${order}`)
  }
  t.equal(healpixCount(3), 768)
})

t.test('every pixel holds its centre, and lies in its parent', async (t) => {
  for (const order of [0, 2, 5]) {
    for (let pixel = 0; pixel < healpixCount(order); pixel++) {
      const centre = healpixCentre(order, pixel)
      if (healpixOf(order, ...centre) !== pixel) t.fail(`${pixel} at order ${order}`)
      if (order > 0 && healpixOf(order - 1, ...centre) !== pixel >> 2) t.fail(`parent of ${pixel} at order ${order}`)
    }
  }
})

t.test('a disc has every pixel that it touches, and few more', async (t) => {
  let [found, needed] = [0, 0]
  for (const { order, ra, dec, radius, pixels } of places.discs) {
    const disc = healpixDisc(order, ra, dec, radius)
    t.same(
      pixels.filter((pixel) => !disc.includes(pixel)),
      [],
      `order ${order}, ${radius} degrees around ${ra}, ${dec}`,
    )
    t.same(
      disc,
      [...disc].sort((a, b) => a - b),
    )
    for (const pixel of disc) {
      t.ok(angularSeparation(healpixCentre(order, pixel), [ra, dec]) <= radius + healpixRadius(order) + 1e-6)
    }
    found += disc.length
    needed += pixels.length
  }
  t.ok(found < 1.1 * needed, `${found} for ${needed}`)
  t.equal(healpixDisc(2, 10, 10, 180).length, 192)
  t.throws(() => healpixOf(14, 0, 0), /order is 0 to 13, not 14/)
  t.throws(() => healpixCentre(0, 12), /has no pixel 12/)
})

t.test('equinoxes and systems become those of J2000', async (t) => {
  for (const { system, at, icrs } of places.equinoxes) {
    const [name, year] = system.split(' ')
    const types = name === 'galactic' ? ['GLON-TAN', 'GLAT-TAN'] : ['RA---TAN', 'DEC--TAN']
    const cards: Record<string, string | number | undefined> = {
      ...{ CTYPE1: types[0], CTYPE2: types[1], CRPIX1: 1, CRPIX2: 1, CRVAL1: at[0], CRVAL2: at[1] },
      ...{ CD1_1: 1e-4, CD2_2: 1e-4, RADESYS: year ? name : undefined, EQUINOX: year && Number(year) },
    }
    const wcs = readWcs((keyword) => cards[keyword])!
    // The galactic pole of the paper is given to 0.02".
    const most = name === 'galactic' ? 0.02 : 1e-5
    t.ok(angularSeparation(wcs.toSky(0, 0), icrs) * 3600 < most, `${system} ${at}`)
    const [x, y] = wcs.toPixel(...wcs.toSky(30, 40))!
    t.ok(Math.hypot(x - 30, y - 40) < 1e-7)
    const written = new Map(wcsCards(wcs).map(([keyword, value]) => [keyword, value]))
    const again = readWcs((keyword) => written.get(keyword))!
    t.ok(angularSeparation(again.toSky(30, 40), wcs.toSky(30, 40)) < 1e-9, 'and so from its own cards')
  }
})

t.test('stars move along great circles', async (t) => {
  for (const { at, pm, years, to } of places.motions) {
    // astropy gives stars without parallax a distance, and then counts the time that their light takes: v/c is 1.6e-4.
    const miss = angularSeparation(moveStar(at, ...pm, years), to) * 3.6e6
    const path = Math.hypot(...pm) * Math.abs(years)
    t.ok(miss < 2e-4 * path, `${miss} mas on a path of ${path} mas`)
  }
  t.same(moveStar([10, 20], Number.NaN, Number.NaN, 50), [10, 20], 'an unknown motion is none')
  t.equal(julianYear(51544.5 + 36525), 2100)
})

t.test('sidereal time is that of astropy', async (t) => {
  for (const { mjd, dut1, gmst, gast } of places.horizontals) {
    const miss = (a: number, b: number) => Math.abs(((a - b + 540) % 360) - 180) * 3600
    t.ok(miss(greenwichSiderealTime(mjd, { apparent: false, dut1 }), gmst) < 0.001)
    t.ok(miss(greenwichSiderealTime(mjd, { dut1 }), gast) < 0.5)
  }
})

t.test('altitude and azimuth are those of astropy to 1 arcsecond', async (t) => {
  let worst = 0
  for (const { at, mjd, dut1, latitude, longitude, azimuth, altitude } of places.horizontals) {
    const seen = toHorizontal(at, mjd, { latitude, longitude }, { dut1 })
    const miss = angularSeparation([seen.azimuth, seen.altitude], [azimuth, altitude]) * 3600
    worst = Math.max(worst, miss)
  }
  t.ok(worst < 1.2, `${worst} arcsec`)
})

t.test('air mass and parallactic angle', async (t) => {
  t.ok(Math.abs(airmass(90) - 1) < 1e-5)
  t.ok(Math.abs(airmass(30) - 1.992) < 0.001, 'the secant of the angle that refraction leaves')
  t.ok(Math.abs(airmass(0) - 31.7) < 0.1, 'Young: 31.7 on the horizon')
  t.ok(Number.isNaN(airmass(-1)))
  const site = { latitude: 30, longitude: 0 }
  const mjd = 60000.3
  // On the meridian, south of the zenith, the zenith is in the north: 0; in the west it is to the left of north.
  const sidereal = greenwichSiderealTime(mjd)
  t.ok(Math.abs(parallacticAngle([sidereal, 0], mjd, site)) < 1, 'the equinox is of J2000')
  t.ok(parallacticAngle([sidereal - 40, 0], mjd, site) > 20)
})
