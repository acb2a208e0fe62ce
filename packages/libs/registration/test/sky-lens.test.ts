import { spawnSync } from 'node:child_process'
import { random } from '@nightpipe/math'
import { makeWcs, type SipDistortion, type Wcs, wcsCards } from '@nightpipe/sky'
import { lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import { type FieldFit, fitField, fitPlate } from '../src/index.js'

const SIZE = { width: 2048, height: 2048 }
const SCALE = 0.4 / 3600
const [C, S] = [Math.cos(0.3) * SCALE, Math.sin(0.3) * SCALE]
const linear = {
  pixel: [1023.5, 1023.5] as [number, number],
  sky: [123.4, 21.5] as [number, number],
  matrix: [-C, S, S, C] as [number, number, number, number],
}
const PER_STAR = 30 / 3.6e6

/** Four pixels of pincushion at the middle of an edge, about a point that is off the middle of the frame by (x, y). */
function lensAbout(x: number, y: number): SipDistortion {
  const k = 4 / 1024 ** 3
  const a = [[0, 0, -k * x, 0], [0, -2 * k * y, k], [-3 * k * x, 0], [k]]
  const b = [[0, 0, -3 * k * y, k], [0, -2 * k * x, 0], [-k * y, k], [0]]
  return { kind: 'SIP', a, b }
}

/** The same with a slope of 0.5 px along one direction, as a detector that is tilted gives. */
function tiltedLens(): SipDistortion {
  const k = 4 / 1024 ** 3
  const [p, q] = [0.4 / 1024 ** 2, 0.3 / 1024 ** 2]
  return { kind: 'SIP', a: [[0, 0, 0, 0], [0, q, k], [p, 0], [k]], b: [[0, 0, q, k], [0, p, 0], [0, k], [0]] }
}

/** All terms of the second and third order, half a pixel each: no lens does this. */
function noLens(seed: number): SipDistortion {
  const dice = random(seed)
  const [q, k] = [0.5 / 1024 ** 2, 0.5 / 1024 ** 3]
  const square = () => [
    [0, 0, q * dice.normal(), k * dice.normal()],
    [0, q * dice.normal(), k * dice.normal()],
    [q * dice.normal(), k * dice.normal()],
    [k * dice.normal()],
  ]
  return { kind: 'SIP', a: square(), b: square() }
}

/** A field of references that are wrong by 30 mas along each axis, solved. */
function solved(truth: Wcs, seed: number, { count = 500, kind = 'SIP' as 'SIP' | 'TPV' } = {}): FieldFit {
  const dice = random(seed)
  const x = new Float64Array(count).map(() => 2047 * dice.uniform())
  const y = new Float64Array(count).map(() => 2047 * dice.uniform())
  const { ra, dec } = truth.toSkyMany(x, y)
  for (let k = 0; k < count; k++) {
    ra[k] += (PER_STAR * dice.normal()) / Math.cos((dec[k] * Math.PI) / 180)
    dec[k] += PER_STAR * dice.normal()
    x[k] += 0.01 * dice.normal()
    y[k] += 0.01 * dice.normal()
  }
  const start = { plate: fitPlate({ x, y, ra, dec }, linear, 1, 1024), wcs: makeWcs({ linear }), radius: 12 }
  const error = new Float64Array(count).fill(0.01)
  return fitField({ x, y }, SIZE, { ra, dec, magnitude: x }, start, { error, kind })
}

/** Root mean square error of the plates of ten fields along an axis over the frame, mas. */
function errorMas(truth: Wcs, fits: readonly FieldFit[]): number {
  let [sum, n] = [0, 0]
  for (let x = 51; x < 2048; x += 102) {
    for (let y = 51; y < 2048; y += 102) {
      const [ra, dec] = truth.toSky(x, y)
      for (const { wcs } of fits) {
        const found = wcs.toSky(x, y)
        sum += ((found[0] - ra) * Math.cos((dec * Math.PI) / 180)) ** 2 + (found[1] - dec) ** 2
        n += 2
      }
    }
  }
  return Math.sqrt(sum / n) * 3.6e6
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

for (const [what, distortion, numbers] of [
  ['a lens about the middle of the frame', lensAbout(0, 0), 7],
  ['a lens about another point', lensAbout(60, -40), 9],
  ['a lens before a tilted detector', tiltedLens(), 9],
] as const) {
  t.test(`${what} takes ${numbers} numbers: 500 references of 30 mas give 3 mas`, async (t) => {
    const truth = makeWcs({ linear, distortion })
    const fits = SEEDS.map((seed) => solved(truth, seed))
    const right = fits.filter((fit) => fit.numbers === numbers).length
    t.ok(right >= 9, `${right} of 10 with ${numbers} numbers`)
    t.ok(errorMas(truth, fits) <= 3, `${errorMas(truth, fits)} mas`)
  })
}

t.test('where the distortion is none of a lens, the polynomial wins as before', async (t) => {
  for (const seed of SEEDS) {
    const fit = solved(makeWcs({ linear, distortion: noLens(seed) }), seed)
    t.equal(fit.numbers, 20)
    t.equal(fit.plate.order, 3)
  }
})

t.test('a plain field stays plain', async (t) => {
  const fits = SEEDS.map((seed) => solved(makeWcs({ linear }), seed))
  t.ok(fits.filter(({ numbers }) => numbers === 6).length >= 9)
  t.ok(errorMas(makeWcs({ linear }), fits) <= 3)
})

t.test('the radial terms of the header are those of one number, along x and along y', async (t) => {
  const fit = solved(makeWcs({ linear, distortion: lensAbout(0, 0) }), 1)
  const { a, b } = fit.wcs.distortion as SipDistortion
  const k = a[3]![0]!
  t.ok(Math.abs(k * 1024 ** 3 - 4) < 0.05, `${k * 1024 ** 3} px at the edge`)
  for (const term of [a[1]![2]!, b[2]![1]!, b[0]![3]!]) t.ok(Math.abs(term / k - 1) < 1e-9)
  for (const term of [a[2]![1]!, a[0]![3]!, b[3]![0]!, b[1]![2]!, a[2]![0]!, b[1]![1]!]) {
    t.ok(Math.abs(term) < 1e-9 * Math.abs(k), 'and no others')
  }
})

t.test('25 stars, too few for a polynomial of the third order, know a lens', async (t) => {
  const truth = makeWcs({ linear, distortion: lensAbout(0, 0) })
  const fits = SEEDS.map((seed) => solved(truth, seed, { count: 25 }))
  t.ok(errorMas(truth, fits) < 20, `${errorMas(truth, fits)} mas`)
})

const READ = `
import sys, json, numpy as np
from astropy.io import fits
from astropy.wcs import WCS
q = json.load(sys.stdin)
h = fits.Header()
for k, v in q['cards']: h[k] = v
w = WCS(h)
p = np.array(q['pixels'])
sky = w.all_pix2world(p, 0)
back = w.sip_foc2pix(w.sip_pix2foc(p, 0), 0) if w.sip else p
print(json.dumps({'sky': sky.tolist(), 'back': np.max(np.abs(back - p)).item()}))
`

for (const kind of ['SIP', 'TPV'] as const) {
  t.test(
    `astropy reads the ${kind} of a lens as we do, within 1e-6 px`,
    { skip: lackingPython('astropy') },
    async (t) => {
      const { wcs, numbers } = solved(makeWcs({ linear, distortion: lensAbout(60, -40) }), 3, { kind })
      t.equal(numbers, 9)
      const pixels = [0, 511, 1024, 1500, 2047].flatMap((x) => [0, 700, 1024, 2047].map((y) => [x, y]))
      const cards = wcsCards(wcs).map(([keyword, value]) => [keyword, value])
      const { stdout, stderr } = spawnSync(PYTHON, ['-c', READ], {
        input: JSON.stringify({ cards, pixels }),
        encoding: 'utf8',
      })
      t.ok(stdout, stderr)
      const { sky, back } = JSON.parse(stdout) as { sky: [number, number][]; back: number }
      for (const [k, [x, y]] of pixels.entries()) {
        const at = wcs.toPixel(...sky[k])!
        t.ok(Math.hypot(at[0] - x, at[1] - y) < 1e-6, `at ${x}, ${y}: ${Math.hypot(at[0] - x, at[1] - y)} px`)
      }
      if (kind === 'SIP') t.ok(back < 1e-3, `AP and BP lead back: ${back} px`)
    },
  )
}
