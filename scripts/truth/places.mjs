// Places on the sky: plate solutions, HEALPix, motions and horizontal coordinates, against those of astropy, wcstools and
// astropy-healpix that are kept in fixtures/sky (scripts/fixtures says how they were made).
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { attempt, line } from './verdict.mjs'

const GROUP = 'Places on the sky, against astropy and wcstools'
const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const kept = (name) => JSON.parse(readFileSync(join(root, 'fixtures/sky', name), 'utf8'))
const library = pathToFileURL(join(root, 'packages/libs/sky/dist/src/index.js')).href
const sky = await import(library).catch(() => undefined)

/** The largest of many misses. */
const worst = (values) => values.reduce((most, value) => Math.max(most, value), 0)

function solutions(name, file, chosen, limit) {
  const { angularSeparation, readWcs } = sky
  const cases = kept(file).filter((one) => chosen.test(one.name))
  const [there, back] = [[], []]
  for (const { cards, points } of cases) {
    const wcs = readWcs((keyword) => cards[keyword], { asHeader: true })
    for (const { x, y, ra, dec } of points) {
      there.push(angularSeparation(wcs.toSky(x, y), [ra, dec]))
      const [px, py] = wcs.toPixel(...wcs.toSky(x, y))
      back.push(Math.hypot(px - x, py - y))
    }
  }
  const note = `${cases.length} solutions, ${there.length} pixels`
  return [
    line(GROUP, `${name}: pixel to sky, worst`, worst(there), { limit: { most: limit }, unit: 'deg', note }),
    line(GROUP, `${name}: there and back, worst`, worst(back), { limit: { most: 1e-6 }, unit: 'px' }),
  ]
}

/** Needs no simulation: what is kept is compared. */
export function places() {
  if (!sky) return [line(GROUP, 'packages/libs/sky is not built', Number.NaN, { limit: { most: 0 } })]
  const { angularSeparation, healpixOf, toHorizontal } = sky
  return attempt(GROUP, 'places', () => {
    const { pixels, horizontals } = kept('places.json')
    const wrong = pixels.filter(({ order, ra, dec, pixel }) => healpixOf(order, ra, dec) !== pixel).length
    const above = horizontals.map(({ at, mjd, dut1, latitude, longitude, azimuth, altitude }) => {
      const seen = toHorizontal(at, mjd, { latitude, longitude }, { dut1 })
      return angularSeparation([seen.azimuth, seen.altitude], [azimuth, altitude]) * 3600
    })
    return [
      ...solutions('TAN', 'wcs.json', /^TAN/, 1e-9),
      ...solutions('SIP', 'wcs.json', /SIP/, 1e-9),
      ...solutions('TPV', 'wcs.json', /^TPV/, 1e-9),
      ...solutions('SIN, ARC, ZEA, STG, ZPN, CAR', 'wcs.json', /^(SIN|NCP|ARC|ZEA|STG|ZPN|CAR)/, 1e-9),
      ...solutions('TNX (wcstools prints 1e-9)', 'tnx.json', /./, 1e-9),
      line(GROUP, 'HEALPix, directions in another pixel', wrong, { limit: { most: 0 }, note: `of ${pixels.length}` }),
      line(GROUP, 'altitude and azimuth, 1990 to 2021, worst', worst(above), { limit: { most: 1.2 }, unit: 'arcsec' }),
    ]
  })
}
