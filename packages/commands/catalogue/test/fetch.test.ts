import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCatalogue } from '@nightpipe/catalogues'
import { angularSeparation } from '@nightpipe/sky'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { catalogue } from './small.js'
import { type ServedStar, tapServer } from './tap-server.js'

const cwd = scratch()

/** A grid of stars around (40, 10), across the borders of tiles. */
const stars: ServedStar[] = Array.from({ length: 3600 }, (_, k) => ({
  id: String(4295806720n * BigInt(k + 1) + 1n),
  ra: 38 + (k % 60) / 15 + 0.003,
  dec: 8 + Math.floor(k / 60) / 15 + 0.007,
  g: 10 + ((k * 7919) % 1000) / 100,
}))
const server = await tapServer(stars)
t.teardown(() => server.close())

const QUICK = ['manners.pause=0', 'manners.back off=0.02', 'manners.patience=20', 'fetch.order=5']
const around = (folder: string, ...set: string[]) => [
  ...['fetch', '--output', folder, '--ra', '40', '--dec', '+10:00:00', '--radius', '1.2'],
  ...[`fetch.url=${server.url}`, ...QUICK, ...set].flatMap((one) => ['--set', one]),
]
const inCircle = stars.filter(({ ra, dec }) => angularSeparation([ra, dec], [40, 10]) <= 1.2)

t.test('the tiles around a position are fetched once, and searched like any catalogue', async (t) => {
  const { code, stdout, stderr } = await catalogue(around('gaia'), cwd)
  t.equal(code, 0, stderr)
  t.equal(stdout, `${join(cwd, 'gaia')}\n`)
  const found = openCatalogue(join(cwd, 'gaia')).cone(40, 10, 1.2)
  t.same([...found.id!].sort(), inCircle.map(({ id }) => id).sort(), 'whole numbers of 64 bits survive')
  t.match(found, { epoch: 2016 })
  t.ok(Math.abs(found.magnitudes.G!.error[0]! - 0.002) < 1e-7 && found.pmRa[0] === 3)
  t.ok(Number.isNaN(found.magnitudes.BP!.value[0]!), 'what the mask of BINARY2 hides is no value')
  const asked = server.queries.length
  t.equal((await catalogue(around('gaia'), cwd)).code, 0)
  t.equal(server.queries.length, asked, 'a second call asks nothing')
  t.equal((await catalogue(['check', '--catalogue', 'gaia'], cwd)).code, 0)
})

t.test('busy, broken, stalled and truncated answers are asked for again', async (t) => {
  server.faults.push('503', '503 after', 'hang up', 'truncate', 'stall', 'stall midway')
  const { code, stderr } = await catalogue(around('troubled', 'manners.patience=0.5'), cwd)
  t.equal(code, 0, stderr)
  for (const problem of [
    'it answers 503; again in 0.02 s',
    'it answers 503; again in 0.4 s',
    'the connection failed',
    'the answer ends too early',
    'no answer within 0.5 s',
  ]) {
    t.match(stderr, problem)
  }
  const [whole, again] = ['gaia', 'troubled'].map((name) => openCatalogue(join(cwd, name)).cone(40, 10, 1.2))
  t.same(again, whole)
})

t.test('a service that stays down ends it with what there is, and the next call goes on', async (t) => {
  const rowsOf = (name: string) =>
    readFileSync(join(cwd, name, 'tiles-1/tiles.csv'), 'utf8')
      .trim()
      .split('\n').length - 1
  const all = rowsOf('gaia')
  const killed = await catalogue([...around('halves', 'manners.pause=0.1'), '--verbose'], cwd, /\(3 of/)
  t.equal(killed.code, null, 'killed in the middle')
  const rows = rowsOf('halves')
  t.ok(rows >= 3 && rows < all, `${rows} of ${all} tiles`)

  server.faults.push(...Array.from({ length: 3 * 3 }, () => '503' as const))
  const down = await catalogue(around('halves', 'manners.retries=2'), cwd)
  t.equal(down.code, 3)
  t.match(down.stderr, /it answers 503, 3 times \(run it again later: what is there already is kept\)/)

  const asked = server.queries.length
  t.equal((await catalogue(around('halves'), cwd)).code, 0)
  t.equal(server.queries.length - asked, all - rows, 'only what was missing')
  t.same(openCatalogue(join(cwd, 'halves')).cone(40, 10, 1.2), openCatalogue(join(cwd, 'gaia')).cone(40, 10, 1.2))
})

t.test('an answer that was cut off is asked for in quarters', async (t) => {
  const { code, stderr } = await catalogue(around('cut', 'fetch.rows=300'), cwd)
  t.equal(code, 0, stderr)
  t.same(openCatalogue(join(cwd, 'cut')).cone(40, 10, 1.2), openCatalogue(join(cwd, 'gaia')).cone(40, 10, 1.2))
})

t.test('by jobs of the service too; what is not needed any more is deleted there', async (t) => {
  server.faults.push('abort')
  const { code, stderr } = await catalogue(around('jobs', 'fetch.mode=async'), cwd)
  t.equal(code, 0, stderr)
  t.match(stderr, 'the job was aborted')
  t.equal(server.jobs.size, 0)
  t.same(openCatalogue(join(cwd, 'jobs')).cone(40, 10, 1.2), openCatalogue(join(cwd, 'gaia')).cone(40, 10, 1.2))
})

t.test('the query and its limit are what was asked for; a second kind of tile is refused', async (t) => {
  const { code } = await catalogue(around('bright', 'fetch.faintest=12'), cwd)
  t.equal(code, 0)
  t.ok(
    openCatalogue(join(cwd, 'bright'))
      .cone(40, 10, 1.2)
      .magnitudes.G!.value.every((value) => value <= 12),
  )
  const other = await catalogue(around('bright', 'fetch.faintest=13'), cwd)
  t.equal(other.code, 3)
  t.match(other.stderr, /holds tiles of another kind \(source .* magnitude 12, now .* magnitude 13\)/)
})

t.test('a query that the service refuses is not repeated', async (t) => {
  server.faults.push('400')
  const before = server.requests.length
  const { code, stderr } = await catalogue(
    around('refused').map((word) => (word === '1.2' ? '0.01' : word)),
    cwd,
  )
  t.equal(code, 3)
  t.match(stderr, 'refuses the query (400): no such column: colour')
  t.equal(server.requests.length - before, 1)
  server.faults.push('error')
  t.match(
    (
      await catalogue(
        around('said').map((word) => (word === '1.2' ? '0.01' : word)),
        cwd,
      )
    ).stderr,
    'the service says: out of <disk>',
  )
})

t.test('requests keep their distance', async (t) => {
  const from = server.requests.length
  await catalogue(around('slow', 'manners.pause=0.25'), cwd)
  const times = server.requests.slice(from).map(({ at }) => at)
  t.ok(times.length > 3)
  // Timers may be a little early; a request that arrives late shortens the time to the next one, but not the mean.
  const gaps = times.slice(1).map((at, k) => at - times[k]!)
  const mean = (times.at(-1)! - times[0]!) / gaps.length
  t.ok(mean > 200 && Math.min(...gaps) > 100, `${gaps}`)
})

t.test('wrong flags touch nothing', async (t) => {
  for (const [args, message] of [
    [
      ['fetch', '--output', 'none', '--ra', '40', '--dec', '95', '--radius', '1'],
      '--dec 95: a declination is -90 to 90',
    ],
    [
      ['fetch', '--output', 'none', '--ra', 'x', '--dec', '5', '--radius', '1'],
      '--ra x (write it as 05:35:17 or 83.82)',
    ],
    [['fetch', '--output', 'none', '--ra', '4', '--dec', '5'], '--radius is missing'],
  ] as const) {
    const { code, stderr } = await catalogue(args, cwd)
    t.equal(code, 2)
    t.match(stderr, message)
  }
  t.notOk(existsSync(join(cwd, 'none/catalogue.json')))
})
