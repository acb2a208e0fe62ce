import { random } from '@nightpipe/math'
import t from 'tap'
import { type Affine, matchPatterns, type StarList, transform } from '../src/index.js'

interface Field {
  stars: number
  /** Fraction of the detections of each frame that the other has not. */
  spurious?: number
  noise?: number
  size?: number
  seed?: number
}

/** Two frames of one field: what is bright in one need not be in the other, and each misses some and invents some. */
function twoFrames(map: Affine, { stars, spurious = 0, noise = 0.05, size = 1000, seed = 1 }: Field) {
  const { uniform, normal } = random(seed)
  const lists = [0, 1].map(() => ({ x: [] as number[], y: [] as number[], flux: [] as number[] }))
  const put = (k: number, x: number, y: number, flux: number) => {
    lists[k].x.push(x)
    lists[k].y.push(y)
    lists[k].flux.push(flux)
  }
  for (let i = 0; i < stars; i++) {
    const [x, y, flux] = [size * uniform(), size * uniform(), 100 * uniform() ** -1]
    const [u, v] = transform(map, x, y)
    put(0, x + noise * normal(), y + noise * normal(), flux * (1 + 0.1 * normal()))
    if (u > 0 && u < size && v > 0 && v < size)
      put(1, u + noise * normal(), v + noise * normal(), flux * (1 + 0.1 * normal()))
  }
  for (const k of [0, 1]) {
    const extra = Math.round((lists[k].x.length * spurious) / (1 - spurious))
    for (let i = 0; i < extra; i++) put(k, size * uniform(), size * uniform(), 100 * uniform() ** -1)
  }
  return lists as unknown as [StarList, StarList]
}

const worst = (a: Affine, b: Affine, size = 1000) =>
  Math.max(
    ...[0, size].flatMap((x) =>
      [0, size].map((y) => Math.hypot(...transform(a, x, y).map((v, k) => v - transform(b, x, y)[k]))),
    ),
  )

const turn = (degrees: number, dx: number, dy: number, scale = 1, flip = 1): Affine => {
  const [c, s] = [scale * Math.cos((degrees * Math.PI) / 180), scale * Math.sin((degrees * Math.PI) / 180)]
  return [flip * c, -s, dx, flip * s, c, dy]
}

const CASES: [name: string, Affine, Field][] = [
  ['a shift', turn(0, 31.3, -17.7), { stars: 60 }],
  ['a shift of half of the frame', turn(0, 480, -300), { stars: 150 }],
  ['half a turn', turn(180, 1000, 1000), { stars: 60 }],
  ['a rotation and a scale', turn(37, 500, -200, 1.03), { stars: 100 }],
  ['a third of both lists spurious', turn(3, 20, -12), { stars: 80, spurious: 0.33 }],
  ['two thirds of both lists spurious', turn(1, 12, 5), { stars: 80, spurious: 0.66 }],
  ['eight stars', turn(2, 10, 5), { stars: 8 }],
  ['a crowded field', turn(1, 40, -25), { stars: 3000, noise: 0.1 }],
]

for (const [name, map, field] of CASES) {
  t.test(`found: ${name}`, async (t) => {
    const [from, to] = twoFrames(map, field)
    const match = matchPatterns(from, to)
    t.ok(match, 'found')
    t.ok(worst(match!.transform, map) < 0.3, `off by ${worst(match!.transform, map)} px`)
    t.ok(match!.falseMatchProbability < 1e-6)
  })
}

t.test('a mirror image is found when it is looked for, and only then', async (t) => {
  const map = turn(20, 900, -100, 1, -1)
  const [from, to] = twoFrames(map, { stars: 80 })
  t.equal(matchPatterns(from, to), undefined)
  t.ok(worst(matchPatterns(from, to, { mirrored: true })!.transform, map) < 0.2)
  t.ok(worst(matchPatterns(from, to, { mirrored: 'either' })!.transform, map) < 0.2)
})

t.test('a scale of two is found when it is allowed', async (t) => {
  const map = turn(20, 100, -200, 0.5)
  const [from, to] = twoFrames(map, { stars: 60 })
  t.equal(matchPatterns(from, to), undefined)
  t.ok(worst(matchPatterns(from, to, { scale: [0.3, 3] })!.transform, map) < 0.2)
})

t.test('fields that have nothing in common do not match', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const [from] = twoFrames(turn(0, 0, 0), { stars: 200, seed })
    const [, to] = twoFrames(turn(0, 0, 0), { stars: 200, seed: seed + 1000 })
    t.equal(matchPatterns(from, to, { mirrored: 'either' }), undefined)
  }
})

t.test('too few stars give no match, and no error', async (t) => {
  const none = { x: [], y: [], flux: [] }
  t.equal(matchPatterns(none, none), undefined)
  const two = { x: [1, 500], y: [2, 30], flux: [5, 6] }
  t.equal(matchPatterns(two, two), undefined)
})

/** As many detections again along a straight line, and brighter than most stars. */
function withTrail({ x, y, flux }: StarList, angle: number, seed: number): StarList {
  const { uniform, normal } = random(seed)
  const all = [x, y, flux].map((values) => Array.from(values)) as [number[], number[], number[]]
  for (let along = -700; along < 700; along += 8 + 8 * uniform()) {
    const [u, v] = [500 + along * Math.cos(angle) + normal(), 500 + along * Math.sin(angle) + normal()]
    if (u < 0 || v < 0 || u > 1000 || v > 1000) continue
    all[0].push(u)
    all[1].push(v)
    all[2].push(2000 + 500 * normal())
  }
  return { x: all[0], y: all[1], flux: all[2] }
}

t.test('the trails of two satellites are not matched with one another', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const map = turn(0.1, 12, -7)
    const [a, b] = twoFrames(map, { stars: 90, seed })
    const match = matchPatterns(withTrail(a, 0.4 * seed, seed), withTrail(b, 2 - 0.3 * seed, seed + 50), {
      mirrored: 'either',
    })
    t.ok(match && worst(match.transform, map) < 0.5, `${match?.transform}`)
    const others = twoFrames(map, { stars: 90, seed: seed + 20 })[1]
    t.equal(matchPatterns(withTrail(a, 0.4 * seed, seed), withTrail(others, 2 - 0.3 * seed, seed + 50)), undefined)
  }
})
