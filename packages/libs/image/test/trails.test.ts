import { random } from '@nightpipe/math'
import t from 'tap'
import { findTrails } from '../src/index.js'

t.test('dots on a line are a trail, across a gap; scattered ones are none', async (t) => {
  const { uniform } = random(9)
  const scattered = Array.from({ length: 60 }, () => ({ x: 500 * uniform(), y: 500 * uniform() }))
  t.same(findTrails(scattered, 4), [])
  const line = Array.from({ length: 100 }, (_, k) => ({ x: 50 + 4 * k, y: 400 - 2.2 * k + uniform() })).filter(
    ({ x }) => x < 200 || x > 230,
  )
  const [trail, ...others] = findTrails([...scattered, ...line], 4)
  t.same(others, [])
  const ends = [trail.from, trail.to].sort((a, b) => a.x - b.x)
  t.ok(Math.abs(ends[0].x - 50) < 5 && Math.abs(ends[1].x - 446) < 5, `${ends[0].x} to ${ends[1].x}`)
  const slope = (ends[1].y - ends[0].y) / (ends[1].x - ends[0].x)
  t.ok(Math.abs(slope + 0.55) < 0.005, `${slope}`)
})

t.test('blots that lie in a row do not hide a trail of fewer dots', async (t) => {
  const blots = [40, 240, 440].flatMap((y) =>
    Array.from({ length: 36 }, (_, k) => ({ x: 100 + 4 * (k % 3), y: y + 4 * Math.floor(k / 3) })),
  )
  const line = Array.from({ length: 25 }, (_, k) => ({ x: 200 + 4 * k, y: 120 + 3 * k }))
  const trails = findTrails([...blots, ...line], 4)
  t.equal(trails.length, 1)
  t.ok(trails[0].dots.length >= 24 && trails[0].dots.every((k) => k >= blots.length))
})

t.test('a dot far off on the line of a trail does not hide it, and is not of it', async (t) => {
  const line = Array.from({ length: 60 }, (_, k) => ({ x: 1200 + 4 * k, y: 385 + 0.15 * k }))
  const strays = [400, 650, 780].map((x) => ({ x, y: 385 + (0.15 * (x - 1200)) / 4 }))
  const trails = findTrails([...strays, ...line], 4)
  t.equal(trails.length, 1)
  t.same(trails[0].dots.length, 60)
  t.ok(Math.min(trails[0].from.x, trails[0].to.x) > 1190)
})
