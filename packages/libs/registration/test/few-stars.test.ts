import { random } from '@nightpipe/math'
import { makeWcs, type SipDistortion } from '@nightpipe/sky'
import t from 'tap'
import { fitField, fitPlate } from '../src/index.js'

// The truth is the oracle: fields of few stars, the errors of which differ by a factor of 60, as those of bright and faint
// stars do, behind a lens that shifts the middle of an edge by 2.6 px and the corners by 7.
const SIZE = { width: 1024, height: 1024 }
const SCALE = 2 / 3600
const [C, S] = [Math.cos(0.4) * SCALE, Math.sin(0.4) * SCALE]
const linear = {
  pixel: [511.5, 511.5] as [number, number],
  sky: [123.4, 21.5] as [number, number],
  matrix: [-C, S, S, C] as [number, number, number, number],
}
const CUBIC = 2.6 / 512 ** 3

function radial(): SipDistortion {
  const [a, b] = [
    [[0, 0, 0, 0], [0, 0, CUBIC], [0, 0], [CUBIC]],
    [[0, 0, 0, CUBIC], [0, 0, 0], [0, CUBIC], [0]],
  ]
  return { kind: 'SIP', a, b }
}

/** All terms of the second and third order. */
function anyCubic(seed: number): SipDistortion {
  const dice = random(seed)
  const term = (order: number) => (order < 2 ? 0 : ((order === 2 ? 0.8 : 1.6) * dice.normal()) / 512 ** order)
  const all = () => [0, 1, 2, 3].map((p) => Array.from({ length: 4 - p }, (_, q) => term(p + q)))
  return { kind: 'SIP', a: all(), b: all() }
}

/** Median error of the plate over the frame, pixels. */
function errorOf(distortion: SipDistortion | undefined, count: number, seed: number): number {
  const dice = random(seed)
  const truth = makeWcs({ linear, distortion })
  const [x, y] = [0, 1].map(() => new Float64Array(count).map(() => 1023 * dice.uniform()))
  const { ra, dec } = truth.toSkyMany(x!, y!)
  // brightest first
  const error = new Float64Array(count).map(() => Math.max(0.002, 0.12 * dice.uniform())).sort()
  for (let k = 0; k < count; k++) {
    x![k]! += error[k]! * dice.normal()
    y![k]! += error[k]! * dice.normal()
  }
  const stars = { x: x!, y: y! }
  const start = { plate: fitPlate({ ...stars, ra, dec }, linear, 1, 512), wcs: makeWcs({ linear }), radius: 12 }
  const { wcs } = fitField(stars, SIZE, { ra, dec, magnitude: error }, start, { error })
  const off: number[] = []
  for (let u = 40; u < 1024; u += 105) {
    for (let v = 40; v < 1024; v += 105) {
      const [at, should] = [wcs.toSky(u, v), truth.toSky(u, v)]
      const along = (at[0] - should[0]) * Math.cos((should[1] * Math.PI) / 180)
      off.push(Math.hypot(along, at[1] - should[1]) / SCALE)
    }
  }
  return off.sort((a, b) => a - b)[off.length >> 1]!
}

const middle = (distortion: (seed: number) => SipDistortion | undefined, count: number) =>
  Array.from({ length: 11 }, (_, seed) => errorOf(distortion(seed + 1), count, seed + 1)).sort((a, b) => a - b)

for (const [what, distortion, count] of [
  ['13 stars know a lens', radial, 13],
  ['30 stars know all terms of the third order', anyCubic, 30],
  ['55 stars know all terms of the third order', anyCubic, 55],
  ['13 stars are not taken for a lens where there is none', () => undefined, 13],
] as const) {
  t.test(`${what}, as well as their centroids allow`, async (t) => {
    const errors = middle(distortion, count)
    // centroids err by 0.07 px, and 13 to 55 of them by less together; a plain TAN errs by 0.4 to 0.7 px
    t.ok(errors[5]! < 0.06, `median of ${errors[5]} px`)
    t.ok(errors[9]! < 0.12, `the second worst ${errors[9]} px`)
  })
}
