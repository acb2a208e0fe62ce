import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { angularSeparation, makeWcs, readWcs, type Wcs, wcsCards } from '../src/index.js'
import { root } from './reference.js'

interface Case {
  name: string
  cards: Record<string, string | number>
  points: { x: number; y: number; ra: number; dec: number }[]
}

const lookup = (cards: Record<string, string | number>) => (keyword: string) => cards[keyword]

/** The largest difference from astropy's directions, in degrees, and of our way there and back, in pixels. */
function worst(wcs: Wcs, { points }: Case): { sky: number; pixel: number } {
  let [sky, pixel] = [0, 0]
  for (const { x, y, ra, dec } of points) {
    sky = Math.max(sky, angularSeparation(wcs.toSky(x, y), [ra, dec]))
    const [px, py] = wcs.toPixel(...wcs.toSky(x, y)) ?? [Number.NaN, Number.NaN]
    pixel = Math.max(pixel, Number.isNaN(px) ? Number.POSITIVE_INFINITY : Math.hypot(px - x, py - y))
  }
  return { sky, pixel }
}

const cases: Case[] = JSON.parse(readFileSync(join(root, 'fixtures/sky/wcs.json'), 'utf8'))
for (const one of cases) {
  t.test(`${one.name}: as astropy has it, and back`, async (t) => {
    const wcs = readWcs(lookup(one.cards), { asHeader: true })!
    t.ok(one.points.length >= 6, 'the reference has points')
    const { sky, pixel } = worst(wcs, one)
    t.ok(sky < 1e-9, `${sky} degrees`)
    t.ok(pixel < 1e-6, `${pixel} pixels`)
    const again = readWcs(lookup(Object.fromEntries(wcsCards(wcs))), { asHeader: true })!
    t.ok(worst(again, one).sky < 1e-9, 'and so from its own cards')
    const many = wcs.toSkyMany(
      one.points.map(({ x }) => x),
      one.points.map(({ y }) => y),
    )
    t.same([many.ra[3], many.dec[3]], wcs.toSky(one.points[3].x, one.points[3].y))
    const back = wcs.toPixelMany(many.ra, many.dec)
    t.ok(Math.hypot(back.x[3] - one.points[3].x, back.y[3] - one.points[3].y) < 1e-6)
  })
}

const fixtures = process.env.NIGHTPIPE_FIXTURES ?? join(root, '../shared/fixtures')
const python = '/usr/bin/python3'
const skip = !existsSync(fixtures)
  ? 'the real frames are not here'
  : spawnSync(python, ['-c', 'import astropy']).status !== 0 && 'astropy is not installed'

t.test('every plate solution of the real frames is as astropy has it, to 1e-9 degrees', { skip }, async (t) => {
  const files = ['imaging_wcs', 'subtraction', 'imaging_series', 'imaging_raw', 'longslit'].flatMap((folder) =>
    readdirSync(join(fixtures, folder), { recursive: true })
      .map((name) => join(fixtures, folder, String(name)))
      .filter((path) => /\.(fits?|fts)(\.fz|\.gz)?$/i.test(path)),
  )
  const script = join(root, 'scripts/fixtures/wcs-reference.py')
  const { stdout } = spawnSync(python, [script, ...files], { encoding: 'utf8', maxBuffer: 1e9 })
  let solved = 0
  for (const one of JSON.parse(stdout) as Case[]) {
    const wcs = readWcs(lookup(one.cards), { asHeader: true })
    if (!wcs) {
      t.comment(`${one.name}: ${one.cards.CTYPE1} ${one.cards.CTYPE2} is no plate solution`)
      continue
    }
    solved++
    const { sky, pixel } = worst(wcs, one)
    t.ok(sky < 1e-9, `${one.name} ${one.cards.CTYPE1}: ${sky} degrees`)
    t.ok(pixel < 1e-6, `${one.name} ${one.cards.CTYPE1}: ${pixel} pixels there and back`)
  }
  t.ok(solved >= 8, `${solved} plate solutions`)
})

t.test('a direction that the plane cannot show has no pixel', async (t) => {
  const wcs = makeWcs({ linear: { pixel: [0, 0], sky: [10, 20], matrix: [-1e-4, 0, 0, 1e-4] } })
  t.equal(wcs.toPixel(190, -20), undefined)
  t.ok(Number.isNaN(wcs.toPixelMany([190], [-20]).x[0]))
  t.ok(Math.hypot(...wcs.toPixel(10, 20)!) < 1e-9)
})

t.test('a TAN with the coefficients of TPV, as old SCAMP wrote it, is a TPV', async (t) => {
  const { cards } = cases.find(({ name }) => name === 'TPV 1')!
  const wcs = readWcs(lookup({ ...cards, CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN' }), { asHeader: true })!
  t.same(wcs.toSky(5, 6), readWcs(lookup(cards), { asHeader: true })!.toSky(5, 6))
})
