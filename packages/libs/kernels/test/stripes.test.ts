import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

const STRIPES = 40
const DIRECTIONS = 60

/** Asks for the likeliest stripe of points, in stripes from the middle; undefined where there is none. */
const askFor = (points: readonly (readonly [number, number])[], limit: number) =>
  scoped(() => {
    const n = points.length
    const [x, y] = [allocate(Float64Array, n), allocate(Float64Array, n)]
    points.forEach((point, k) => {
      x[k] = point[0]
      y[k] = point[1]
    })
    const turns = allocate(Float64Array, 2 * DIRECTIONS)
    for (let d = 0; d < DIRECTIONS; d++) {
      turns[2 * d] = Math.cos((d * Math.PI) / DIRECTIONS)
      turns[2 * d + 1] = Math.sin((d * Math.PI) / DIRECTIONS)
    }
    const [counts, place] = [allocate(Int32Array, STRIPES + 6), allocate(Int32Array, 2)]
    const found = kernels().likeliestStripe(
      ...[x.byteOffset, y.byteOffset, n, turns.byteOffset, DIRECTIONS],
      ...[STRIPES, 10, limit, counts.byteOffset, place.byteOffset],
    )
    return found ? { direction: place[0]!, stripe: place[1]! } : undefined
  })

/** Points all over the field, evenly. */
const evenly = (n: number) =>
  Array.from({ length: n }, (_, k) => [24 * ((k * 0.618034) % 1) - 12, 24 * ((k * 0.754878) % 1) - 12] as const)

t.test('a row is found at its place, with an odd or even number of points about it', async (t) => {
  for (const n of [0, 1, 200, 201]) {
    // 21 degrees is the seventh direction of sixty; the row lies 5.5 stripes to the left of the middle
    const [cos, sin] = [Math.cos((21 / 180) * Math.PI), Math.sin((21 / 180) * Math.PI)]
    const row = Array.from({ length: 61 }, (_, k) => {
      const along = (k - 30) / 2
      return [along * cos - 5.5 * sin, along * sin + 5.5 * cos] as const
    })
    t.same(askFor([...evenly(n), ...row], -10), { direction: 7, stripe: 25 }, `${n} others`)
  }
})

t.test('the density of a field alone is no row, nor is a row that chance makes', async (t) => {
  t.equal(askFor(evenly(2000), -20), undefined)
  t.equal(
    askFor(
      Array.from({ length: 9 }, (_, k) => [k, 0.5] as const),
      -1,
    ),
    undefined,
    'fewer than ten',
  )
  const twelve = Array.from({ length: 12 }, (_, k) => [k - 6, 0.5] as const)
  // 12 where 0.5 are expected: 11.5 - 12 ln 24 = -26.6
  t.ok(askFor(twelve, -26.5))
  t.equal(askFor(twelve, -26.7), undefined)
})
