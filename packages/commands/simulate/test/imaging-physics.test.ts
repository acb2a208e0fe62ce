import t from 'tap'
import { type Exposed, expose } from '../src/imaging/expose.js'
import type { Exposure } from '../src/imaging/night.js'
import { seenIn } from '../src/imaging/scene.js'
import type { Settings } from '../src/imaging/schema.js'
import type { Studio } from '../src/imaging/studio.js'
import { settingsOf, statistics } from './small.js'

interface Made {
  settings: Settings
  studio: Studio
  frames: (type: Exposure['type'], filter?: string) => Exposure[]
  shoot: (frame: Exposure) => Exposed
}

function night(...set: string[]): Made {
  const { settings, studio } = settingsOf('detector.width=128', 'detector.height=96', 'field.stars=20', ...set)
  return {
    ...{ settings, studio },
    frames: (type, filter) =>
      studio.night.exposures.filter((frame) => frame.type === type && (!filter || frame.filter === filter)),
    shoot(frame) {
      const sources = studio.sources(frame.field ?? studio.night.fields[0]!)
      const seen = frame.type === 'object' ? seenIn(settings, studio.camera, frame, sources) : []
      return expose(settings, studio.camera, studio.maps(frame.filter, 2), frame, seen, studio.night.exposures[0]!.mjd)
    },
  }
}

/** The pixels of the image, with the level of their row taken off, and the gain and place of each. */
function* pixelsOf({ studio }: Made, { raw, levels }: Exposed) {
  const { camera } = studio
  for (const [k, { data, place, gain }] of camera.amplifiers.entries()) {
    for (let y = place.y0; y < place.y1; y++) {
      for (let x = place.x0; x < place.x1; x++) {
        const value = raw[y * camera.rawWidth + data.x0 + x - place.x0]! - levels[k]![y - place.y0]!
        yield { p: y * camera.width + x, value, gain, x, y }
      }
    }
  }
}

t.test(
  'without noise a raw frame is level + bias + t (dark + flat S) / gain, for every layout of amplifiers',
  async (t) => {
    for (const amplifiers of [1, 2, 3, 4]) {
      const made = night(
        ...['noise.noiseless=yes', 'files.light=yes', `detector.amplifiers=${amplifiers}`, 'detector.width=132'],
        ...['detector.gain=1.5,1.7,1.9,2.1', 'detector.bias level=300,500', 'detector.prescan=4'],
      )
      for (const frame of [made.frames('object', 'r')[1]!, made.frames('dark').at(-1)!, made.frames('bias')[0]!]) {
        const exposed = made.shoot(frame)
        const { bias, dark, flat } = made.studio.maps(frame.filter, 1)
        let worst = 0
        for (const { p, value, gain } of pixelsOf(made, exposed)) {
          const electrons = frame.seconds * (dark[p]! + (flat && exposed.light ? flat[p]! * exposed.light[p]! : 0))
          worst = Math.max(worst, Math.abs(value - bias[p]! - electrons / gain) / (500 + electrons / gain))
        }
        t.ok(worst < 3e-7, `${frame.type} with ${amplifiers} amplifiers: ${worst}`) // float32 rounds at 6e-8, three times
        const [first] = made.studio.camera.amplifiers
        const { overscan, prescan } = first!
        for (const x of [prescan.x0, overscan.x0]) {
          t.equal(exposed.raw[5 * made.studio.camera.rawWidth + x], Math.fround(exposed.levels[0]![5]!))
        }
        t.equal(exposed.hits.length, 0)
      }
    }
  },
)

t.test('photon transfer between two flats gives the gain, the overscan the read noise', async (t) => {
  const made = night(
    ...['detector.width=384', 'detector.height=384', 'detector.non-linearity=0', 'detector.gain=2.3', 'flat.scatter=0'],
    ...['detector.read noise=7', 'cosmic rays.rate=0', 'detector.row drift=0', 'flat.gradient=0', 'flat.stars=no'],
    'flat.exposures=5',
  )
  const [one, two] = made.frames('flat', 'g').slice(0, 2).map(made.shoot) as [Exposed, Exposed]
  const bias = made.studio.maps(undefined, 1).bias
  const flat = made.studio.maps('g', 1).flat!
  const [a, b] = [[...pixelsOf(made, one)], [...pixelsOf(made, two)]]
  // Each pixel's difference, over the square root of what its light predicts.
  const pulls = a.flatMap(({ p, value }, k) => {
    const mean = (value + b[k]!.value) / 2 - bias[p]!
    return flat[p]! > 0.5 ? [(value - b[k]!.value) / Math.sqrt(2 * (mean / 2.3 + (7 / 2.3) ** 2 + 1 / 12))] : []
  })
  const { variance, count } = statistics(pulls)
  t.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / count), `variance over prediction ${variance}`)
  const { camera } = made.studio
  const overscan: number[] = []
  for (let y = 0; y < camera.height; y++) {
    for (let x = camera.width; x < camera.rawWidth; x++)
      overscan.push(one.raw[y * camera.rawWidth + x]! - one.levels[0]![y]!)
  }
  const read = statistics(overscan)
  const expected = (7 / 2.3) ** 2 + 1 / 12 // and the rounding
  t.ok(
    Math.abs(read.variance / expected - 1) < 5 * Math.sqrt(2 / read.count),
    `read noise ${Math.sqrt(read.variance) * 2.3}`,
  )
})

t.test('darks of two exposure times have the same rate', async (t) => {
  const made = night(
    ...['dark.exposures=50,400', 'dark.count=3', 'detector.dark=0.5', 'cosmic rays.rate=0', 'detector.hot pixels=0'],
    'detector.non-linearity=0',
  )
  const { bias, dark } = made.studio.maps(undefined, 1)
  for (const frame of made.frames('dark')) {
    const pulls = [...pixelsOf(made, made.shoot(frame))].map(({ p, value, gain }) => {
      const electrons = frame.seconds * dark[p]!
      return ((value - bias[p]!) * gain - electrons) / Math.sqrt(electrons + 4.5 ** 2 + gain ** 2 / 12)
    })
    const { mean, variance, count } = statistics(pulls)
    t.ok(Math.abs(mean) < 5 / Math.sqrt(count), `${frame.seconds} s: mean pull ${mean}`)
    t.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / count), `${frame.seconds} s: variance ${variance}`)
  }
})

t.test('the light of a science frame is its sky and its sources', async (t) => {
  const made = night(
    ...['noise.noiseless=yes', 'files.light=yes', 'detector.width=256', 'detector.height=256', 'field.stars=60'],
    ...['events.satellites=0', 'field.brightest=17', 'telescope.trailed frames=0'],
  )
  const [frame] = made.frames('object', 'g')
  const { light } = made.shoot(frame!)
  const seen = seenIn(made.settings, made.studio.camera, frame!, made.studio.sources('simfield'))
  const inside = seen.filter(({ x, y }) => x > 40 && y > 40 && x < 216 && y < 216)
  // The gradient is antisymmetric: it adds nothing to the sum.
  const sum = light!.reduce((total, value) => total + value, 0) - frame!.conditions!.sky * light!.length
  const within = inside.reduce((total, { electrons }) => total + electrons, 0) / frame!.seconds
  const all =
    seen.filter(({ inside }) => inside).reduce((total, { electrons }) => total + electrons, 0) / frame!.seconds
  t.ok(inside.length > 10)
  t.ok(sum > within * 0.999 && sum < all * 1.02, `${sum} between ${within} and ${all}`)
})

t.test('clouds dim every source alike; variable, transient and moving ones change as their truth says', async (t) => {
  const made = night('field.frames=12', 'field.exposure=300', 'sky.clouds=1', 'telescope.drift=0', 'field.dither=0')
  const { settings, studio } = made
  const sources = studio.sources('simfield')
  const kinds = ['variable', 'transient', 'mover', 'star'] as const
  const frames = made.frames('object', 'r')
  const table = frames.map((frame) => {
    const seen = seenIn(settings, studio.camera, frame, sources)
    return kinds.map((kind) => seen.find(({ source }) => source.kind === kind))
  })
  const column = (k: number) => table.map((row) => row[k])
  const magnitudes = (k: number) => column(k).flatMap((found) => (found ? [found.magnitude] : []))
  const range = (values: number[]) => Math.max(...values) - Math.min(...values)
  t.ok(range(magnitudes(0)) > 0.3 && range(magnitudes(0)) <= 0.5, 'the variable has its amplitude')
  t.equal(range(magnitudes(3)), 0)
  const flare = magnitudes(1)
  t.ok(flare.length > 3 && flare.length < 12, 'before the flare there is nothing')
  t.same(
    flare,
    [...flare].sort((a, b) => a - b),
    'it only fades',
  )
  const path = column(2).map((found) => [found!.x, found!.y] as const)
  const hours = (frames.at(-1)!.mjd - frames[0]!.mjd) * 24
  const way = Math.hypot(path.at(-1)![0] - path[0]![0], path.at(-1)![1] - path[0]![1])
  t.ok(Math.abs((way * 0.5) / (60 * hours) - 1) < 0.01, 'the mover moves at its rate')
  frames.forEach((frame, k) => {
    const star = table[k]![3]!
    const clear = 10 ** (0.4 * (24.4 - star.magnitude)) * frame.seconds
    t.ok(Math.abs(star.electrons / clear / frame.conditions!.transparency - 1) < 1e-12)
  })
  t.ok(range(frames.map((frame) => frame.conditions!.transparency)) > 0.05)
})

t.test('the mask shows the saturated, and the charge of cosmic rays is in the frame', async (t) => {
  const made = night('field.brightest=6', 'field.faintest=9', 'cosmic rays.rate=200', 'detector.non-linearity=0')
  const frame = made.frames('object', 'r')[0]!
  const exposed = made.shoot(frame)
  const full = (95000 / 1.6) * 0.97
  for (const { p, value } of pixelsOf(made, exposed)) {
    if (value > full !== (exposed.mask[p]! & 2) > 0 && Math.abs(value - full) > 0.05 * full)
      t.fail(`pixel ${p}: ${value}`)
  }
  t.ok(exposed.mask.some((bits) => bits & 64))
  t.ok(exposed.lost > 0)
  const bias = made.shoot(made.frames('bias')[0]!)
  const values = new Map([...pixelsOf(made, bias)].map(({ p, value }) => [p, value]))
  const map = made.studio.maps(undefined, 1).bias
  for (const { pixels } of bias.hits) {
    for (const [p, electrons] of pixels) {
      t.ok(Math.abs((values.get(p)! - map[p]!) * 1.6 - Math.min(electrons, 95000)) < 6 * 4.6 || pixels.size > 1)
      t.ok(bias.mask[p]! & 4)
    }
  }
})

t.test('a saturated set of flats is at the end of the converter or of the well', async (t) => {
  const made = night('flat.count=1', 'flat.saturated=1')
  const [usual, over] = made.frames('flat', 'r').map(made.shoot) as [Exposed, Exposed]
  const share = ({ mask }: Exposed) => mask.reduce((n, bits) => n + (bits & 2 ? 1 : 0), 0) / mask.length
  t.ok(share(usual) < 0.001)
  t.ok(share(over) > 0.95, `${share(over)} of the saturated flat`)
})

t.test('a frame does not depend on the frames before it', async (t) => {
  const [one, two] = [night(), night()]
  const frames = one.frames('object')
  const first = frames.map(one.shoot)
  const again = [...frames].reverse().map(two.shoot).reverse()
  const equal = (a: Exposed, b: Exposed) => Buffer.from(a.raw.buffer).equals(Buffer.from(b.raw.buffer))
  t.ok(first.every((exposed, k) => equal(exposed, again[k]!)))
  const noisier = night('bias.count=3')
  t.notOk(equal(noisier.shoot(noisier.frames('dark')[0]!), one.shoot(one.frames('dark')[0]!)))
})
