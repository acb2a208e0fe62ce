import { random } from '@nightpipe/math'
import t from 'tap'
import { inRows } from '../src/rows-of-points.js'

const marked = (rows: Uint8Array) => rows.reduce((sum, one) => sum + one, 0)

/** Stars anywhere on a field, and points along lines over it, `apart` pixels from one to the next. */
function field(seed: number, stars: number, size: number, trails: readonly [angle: number, apart: number][]) {
  const { uniform, normal } = random(seed)
  const x = Array.from({ length: stars }, () => size * uniform())
  const y = Array.from({ length: stars }, () => size * uniform())
  for (const [angle, apart] of trails) {
    const [cx, cy] = [size * (0.2 + 0.6 * uniform()), size * (0.2 + 0.6 * uniform())]
    for (let along = -size; along < size; along += apart * (0.5 + uniform())) {
      const [u, v] = [cx + along * Math.cos(angle) + normal(), cy + along * Math.sin(angle) + normal()]
      if (u < 0 || v < 0 || u >= size || v >= size) continue
      x.push(u)
      y.push(v)
    }
  }
  return { x, y }
}

t.test('points of a trail are marked, and next to no star', async (t) => {
  for (const [stars, size, trails] of [
    [200, 1500, [[0.4, 12]]],
    [2000, 1500, [[1.9, 6]]],
    [40, 1000, [[0, 20]]],
    [
      600,
      4096,
      [
        [2.6, 15],
        [Math.PI / 2, 5],
      ],
    ],
    [5, 1000, [[0.8, 10]]],
  ] as [number, number, [number, number][]][]) {
    const points = field(stars, stars, size, trails)
    const rows = inRows(points)
    const found = marked(rows.subarray(stars))
    const all = points.x.length - stars
    t.ok(found >= 0.9 * all, `${found} of ${all} points of trails`)
    // those that the trail crosses, 6 to 10 px wide
    const crossed = (trails.length * 1.4 * 10 * stars) / size
    t.ok(marked(rows.subarray(0, stars)) <= Math.max(2, 2 * crossed), 'of stars')
  }
})

t.test('stars alone make no rows: anywhere, in a cluster, on a grid', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const stars = [12, 60, 300, 1500, 2400][seed % 5]!
    t.equal(marked(inRows(field(seed, stars, 1024, []))), 0, `${stars} stars`)
  }
  const { normal } = random(3)
  const cluster = Array.from({ length: 1200 }, () => [500 + 80 * normal(), 480 + 80 * normal()])
  t.equal(marked(inRows({ x: cluster.map(([x]) => x!), y: cluster.map(([, y]) => y!) })), 0)
  const grid = Array.from({ length: 900 }, (_, k) => [20 + 32 * (k % 30), 20 + 32 * Math.floor(k / 30)])
  t.equal(marked(inRows({ x: grid.map(([x]) => x!), y: grid.map(([, y]) => y!) })), 0)
  t.equal(marked(inRows({ x: [], y: [] })), 0)
})
