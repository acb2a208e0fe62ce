import { MaskBit } from '@nightpipe/image'
import t from 'tap'
import type { Difference } from '../src/difference.js'
import { brightTrails, isOnTrail } from '../src/trails.js'
import { scatterBeside } from '../src/what-stars-leave.js'

const [width, height] = [300, 240]
const n = width * height
const trailsOf = (scene: { difference: Difference; mask: Int16Array }) =>
  isOnTrail(brightTrails(scene), scene.difference)
const at = (x: number, y: number, flux: number) => ({ x, y, flux, score: 7 * Math.sign(flux), fluxError: 1 })

t.test(
  'what is left beside the trail of a satellite is not believed, though most of it was taken for hit',
  async (t) => {
    const difference = new Float32Array(n)
    const mask = new Int16Array(n)
    for (let p = 0; p < n; p++) {
      const away = Math.abs(0.5 * (p % width) + 30 - Math.floor(p / width)) / Math.hypot(1, 0.5)
      if (away > 3) continue
      if (p % width > 100) mask[p] = MaskBit.cosmicRay
      else difference[p] = 12
    }
    difference.fill(12, 20 * width + 250, 20 * width + 258) // a few bright pixels are no trail
    const [error, score] = [new Float32Array(n).fill(1), new Float32Array(n)]
    const planes = { width, height, difference, error, score, seeing: { fresh: 3, reference: 3 } }
    const onTrail = trailsOf({ difference: planes as never, mask })
    t.ok(onTrail(at(60, 64, 500)))
    t.ok(onTrail(at(200, 126, 500)))
    t.notOk(onTrail(at(200, 110, 500)), 'beyond its wings')
    t.notOk(onTrail(at(252, 20, 500)))
    t.notOk(onTrail(at(60, 64, -500)), 'faded, where only the new frame has it')
  },
)

t.test('a trail that is faint in its pixels is seen in the score', async (t) => {
  const [difference, error] = [new Float32Array(n), new Float32Array(n).fill(1)]
  const score = Float32Array.from({ length: n }, (_, p) => {
    const away = (0.5 * (p % width) + 30 - Math.floor(p / width)) / Math.hypot(1, 0.5)
    return 7 * Math.exp((-away * away) / 6)
  })
  const trailsWith = (strength: number) =>
    trailsOf({
      difference: {
        ...{ width, height, difference, error, seeing: { fresh: 3, reference: 3 } },
        score: score.map((value) => strength * value),
      } as never,
      mask: new Int16Array(n),
    })
  t.ok(trailsWith(1)(at(60, 61, 50)))
  t.notOk(trailsWith(1)(at(60, 90, 50)))
  t.notOk(trailsWith(0.4)(at(60, 61, 50)), 'what is no more than noise')
})

t.test('what a bright star leaves on two sides counts there', async (t) => {
  const star = { x: [150], y: [120], flux: [1e6] }
  const score = Float32Array.from({ length: n }, (_, p) => {
    const [u, v] = [(p % width) - 150, Math.floor(p / width) - 120]
    return Math.abs(u) > Math.abs(v) ? 4 : ((p * 7919) % 5) / 2 - 1
  })
  const difference = { width, height, score, seeing: { fresh: 4, reference: 4 } } as never
  const scatter = (x: number, y: number) => scatterBeside(at(x, y, 50), difference, new Int16Array(n), [star])
  t.ok(scatter(168, 120) > 1.25 * scatter(150, 138), `${scatter(168, 120)}, ${scatter(150, 138)}`)
})
