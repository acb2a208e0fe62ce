import { random } from '@nightpipe/math'
import t from 'tap'
import { nearestPoint, nearestWithin, pointGrid } from '../src/index.js'

const cloud = (seed: number, n: number) => {
  const { uniform } = random(seed)
  return {
    x: Float64Array.from({ length: n }, () => 900 * uniform()),
    y: Float64Array.from({ length: n }, () => 50 * uniform()),
  }
}

t.test('the nearest point is that which a look at all finds', async (t) => {
  const points = cloud(1, 400)
  const grid = pointGrid(points)
  const asked = cloud(2, 300)
  for (let k = 0; k < 300; k++) {
    const [x, y] = [asked.x[k] * 1.2 - 90, asked.y[k] * 1.4 - 10]
    const all = Array.from(points.x, (px, i) => Math.hypot(px - x, points.y[i] - y))
    const least = Math.min(...all)
    t.equal(nearestPoint(grid, x, y, 12), least <= 12 ? all.indexOf(least) : -1)
  }
})

t.test('pairs are mutual: no point is in two', async (t) => {
  const pairs = nearestWithin(cloud(3, 500), cloud(4, 500), 20)
  t.ok(pairs.length > 100)
  t.equal(new Set(pairs.map(([i]) => i)).size, pairs.length)
  t.equal(new Set(pairs.map(([, j]) => j)).size, pairs.length)
})

t.test('no points, one point, points without a value', async (t) => {
  const none = { x: [], y: [] }
  t.same(nearestWithin(none, cloud(1, 5), 1), [])
  t.same(nearestWithin({ x: [3], y: [4] }, { x: [3, Number.NaN], y: [4.5, 4] }, 1), [[0, 0]])
})
