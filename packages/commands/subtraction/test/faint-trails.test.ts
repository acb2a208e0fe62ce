import { random } from '@nightpipe/math'
import t from 'tap'
import { isOnFaintTrail } from '../src/faint-trails.js'

const [width, height] = [500, 420]
const at = (x: number, y: number, score: number) => ({ x, y, score, flux: 10 * score, fluxError: 10 })

/** A score whose noise is as wide as stars, with a trail that adds `light`, which fades out at x = `until`. */
function scoreOf(light: number, until = width): Float32Array {
  const { normal } = random(4)
  const noise = Float32Array.from({ length: width * height }, () => normal())
  const smooth = new Float32Array(width * height)
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      let sum = 0
      for (let v = -1; v <= 1; v++) for (let u = -1; u <= 1; u++) sum += noise[(y + v) * width + x + u]!
      const away = (0.5 * x + 60 - y) / Math.hypot(1, 0.5)
      smooth[y * width + x] = sum / 3 + (x < until ? light * Math.exp((-away * away) / 6) : 0)
    }
  }
  return smooth
}

const testOf = (score: Float32Array, mask = new Int16Array(width * height)) =>
  isOnFaintTrail(
    { difference: { width, height, score, seeing: { fresh: 3, reference: 3 } } as never, mask },
    { above: [], below: [] },
    5.5,
  )

t.test('on a faint trail a candidate counts by what it has beyond the trail', async (t) => {
  const onTrail = testOf(scoreOf(3))
  t.ok(onTrail(at(200, 160, 6.5)))
  t.ok(onTrail(at(300, 210, 7)))
  t.notOk(onTrail(at(200, 160, 12)), 'a source')
  t.notOk(onTrail(at(200, 190, 6.5)), 'beside it')
  t.notOk(onTrail(at(200, 160, -6.5)), 'faded')
  t.ok(testOf(scoreOf(-3))(at(200, 160, -6.5)), 'of the reference')
  t.notOk(testOf(scoreOf(0))(at(200, 160, 6.5)), 'where there is none')
})

t.test('where the trail has ended it takes nothing', async (t) => {
  const onTrail = testOf(scoreOf(3, 260))
  t.ok(onTrail(at(150, 135, 6.5)))
  t.notOk(onTrail(at(400, 260, 6.5)))
})
