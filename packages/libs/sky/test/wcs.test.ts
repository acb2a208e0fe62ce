import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURES, lackingFixtures, lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import {
  angularSeparation,
  makeWcs,
  readWcs,
  type SipDistortion,
  type Wcs,
  wcsCards,
  withSipInverse,
} from '../src/index.js'
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

const read = (name: string): Case[] => JSON.parse(readFileSync(join(root, 'fixtures/sky', name), 'utf8'))
const cases = read('wcs.json')
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

const tanOf = (scale: number) => ({
  pixel: [0, 0] as [number, number],
  sky: [10, 20] as [number, number],
  matrix: [-scale, 0, 0, scale] as [number, number, number, number],
})

for (const one of read('tnx.json')) {
  t.test(`${one.name}: as wcstools has it, and back`, async (t) => {
    const wcs = readWcs(lookup(one.cards))!
    const { sky, pixel } = worst(wcs, one)
    t.ok(sky < 1e-9, `${sky} degrees, of which wcstools prints 1e-9`)
    t.ok(pixel < 1e-6)
    t.same(
      readWcs(lookup(Object.fromEntries(wcsCards(wcs))))!.toSky(5, 6),
      wcs.toSky(5, 6),
      'and so from its own cards',
    )
  })
}

t.test(
  'an inverse for other programs is good to 0.005 px in the corners, a bad one in a header does no harm',
  async (t) => {
    // 15 pixels in the corners, and a tilt of 3.
    const [cubic, tilt] = [15 / 1270 ** 3, 3 / 1270 ** 2]
    const a = [[0, 0, 0], [0, tilt, cubic], [tilt], [cubic]]
    const b = [
      [0, 0, tilt, cubic],
      [0, tilt],
      [0, cubic],
    ]
    const linear = { ...tanOf(1e-4), pixel: [1023, 749] as [number, number] }
    const wcs = makeWcs({ linear, distortion: { kind: 'SIP', a, b } })
    const fitted = withSipInverse(wcs, 2048, 1500)
    const { ap, bp } = fitted.distortion as SipDistortion
    // With the roles exchanged the fitted inverse is the way there: what a program that trusts AP and BP does.
    const trusting = makeWcs({ ...wcs, distortion: { kind: 'SIP', a: ap!, b: bp! } })
    for (const [x, y] of [
      [0, 0],
      [2047, 0],
      [1000, 700],
      [2047, 1499],
    ]) {
      const plain = makeWcs({ ...wcs, distortion: undefined })
      const [u, v] = plain.toPixel(...wcs.toSky(x, y))!
      const [px, py] = plain.toPixel(...trusting.toSky(u, v))!
      t.ok(Math.hypot(px - x, py - y) < 5e-3, `${px - x} ${py - y}`)
    }
    const { cards } = cases.find(({ name }) => name === 'SIP 2')!
    const spoiled = { ...cards, AP_ORDER: 2, BP_ORDER: 2, AP_2_0: 1e-4, BP_0_2: -1e-4, AP_1_1: 0, BP_1_1: 0 }
    const [px, py] = readWcs(lookup(spoiled))!.toPixel(...readWcs(lookup(spoiled))!.toSky(1900, 1400))!
    t.ok(Math.hypot(px - 1900, py - 1400) < 1e-6)
    const written = Object.fromEntries(wcsCards(fitted))
    t.ok(written.AP_ORDER && written.BP_ORDER)
  },
)

const skip = lackingFixtures() || lackingPython('astropy')

t.test('every plate solution of the real frames is as astropy has it, to 1e-9 degrees', { skip }, async (t) => {
  const files = ['imaging_wcs', 'subtraction', 'imaging_series', 'imaging_raw', 'longslit'].flatMap((folder) =>
    readdirSync(join(FIXTURES, folder), { recursive: true })
      .map((name) => join(FIXTURES, folder, String(name)))
      .filter((path) => /\.(fits?|fts)(\.fz|\.gz)?$/i.test(path)),
  )
  const script = join(root, 'scripts/fixtures/wcs-reference.py')
  const { stdout } = spawnSync(PYTHON, [script, ...files], { encoding: 'utf8', maxBuffer: 1e9 })
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
  const wcs = makeWcs({ linear: tanOf(1e-4) })
  t.equal(wcs.toPixel(190, -20), undefined)
  t.ok(Number.isNaN(wcs.toPixelMany([190], [-20]).x[0]))
  t.ok(Math.hypot(...wcs.toPixel(10, 20)!) < 1e-9)
})

t.test('a TAN with the coefficients of TPV, as old SCAMP wrote it, is a TPV', async (t) => {
  const { cards } = cases.find(({ name }) => name === 'TPV 1')!
  const wcs = readWcs(lookup({ ...cards, CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN' }), { asHeader: true })!
  t.same(wcs.toSky(5, 6), readWcs(lookup(cards), { asHeader: true })!.toSky(5, 6))
})
