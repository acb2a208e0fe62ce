import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHeader, writeFits } from '@nightpipe/fits'
import { traceY } from '@nightpipe/spectra'
import { makeTree, readStandards, readTraces } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'

const handTrace = fileURLToPath(new URL('../../../../../fixtures/hand-traces/cpt-2017a.txt', import.meta.url))
const run = (args: readonly string[], cwd: string) => call('trace0', args, { cwd })

const [WIDTH, HEIGHT, ORDERS] = [300, 260, 8]
const painted = (o: number, f: number, x: number) => 26 + 24 * o + 0.5 * o * o + 8 * ((2 * x) / WIDTH - 1) ** 2 - 9 * f

/** A flat in which some fibres are lit; along y, the axes change places. */
function writeFlat(path: string, lit: readonly number[], objects: string, along: 'x' | 'y' = 'x'): void {
  const pixels = new Float32Array(WIDTH * HEIGHT)
  for (let p = 0; p < pixels.length; p++) pixels[p] = 100 + ((p * 7919) % 13)
  for (let o = 0; o < ORDERS; o++) {
    for (const f of lit) {
      for (let x = 0; x < WIDTH; x++) {
        const centre = painted(o, f, x)
        for (let y = Math.floor(centre) - 5; y < centre + 6; y++) {
          pixels[y * WIDTH + x]! += (4000 - 300 * o) * Math.exp(-0.5 * ((y - centre) / 1.3) ** 2)
        }
      }
    }
  }
  const turned = along === 'x' ? pixels : pixels.map((_, p) => pixels[(p % HEIGHT) * WIDTH + Math.floor(p / HEIGHT)]!)
  const header = createHeader([
    ['OBSTYPE', 'LAMPFLAT'],
    ['OBJECTS', objects],
    ['SITEID', 'cpt'],
    ['TELESCOP', 'nres03'],
    ['INSTRUME', 'fl13'],
    ['DATE-OBS', '2017-12-16T12:00:00'],
    ['GAIN', 1],
  ])
  writeFits(path, [
    { kind: 'image', header, bitpix: -32, axes: along === 'x' ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH], pixels: turned },
  ])
}

const profile = ['instrument.profile=small.ini']
const PROFILE = '[profile]\nparent = nres\n[spectrograph]\norders = 0\nfibres = 3\nfirst order = 52\nwidth = 7\n'

t.test('two flats give the traces of three fibres, a figure and the rows of a report', async (t) => {
  const cwd = t.testdir({ 'small.ini': PROFILE })
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  writeFlat(join(cwd, 'b.fits'), [1, 2], 'none&tung&tung')
  const { status, stdout, stderr } = run(['-s', 'b.fits', 'a.fits', '-r', 'out', '--set', ...profile], cwd)
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/a-trace0.fits\n')
  t.ok(existsSync(join(cwd, 'out/a-trace0.png')))
  const traces = readTraces(join(cwd, 'out/a-trace0.fits'))
  t.same([traces.orders, traces.fibres, traces.rows, traces.blocks, traces.firstOrder], [ORDERS, 3, 7, 12, 52])
  for (const [o, f, x] of [
    [0, 0, 10],
    [3, 1, 150],
    [7, 2, 290],
  ] as const) {
    t.ok(Math.abs(traceY(traces, o, f, x) - painted(o, f, x)) < 0.1, `order ${o}, fibre ${f}`)
  }
  t.match(readFileSync(join(cwd, 'out/trace0.csv'), 'utf8'), /a\.fits,done,,a-trace0\.fits,[^,]*,8,0 1 2,/)
})

t.test('a spectrograph that disperses along y is turned', async (t) => {
  const cwd = t.testdir({ 'small.ini': `${PROFILE}dispersion = y\n` })
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none', 'y')
  const { status } = run(['-s', 'a.fits', '-r', 'out', '--set', ...profile], cwd)
  t.equal(status, 0)
  const traces = readTraces(join(cwd, 'out/a-trace0.fits'))
  t.same([traces.width, traces.height, traces.orders], [WIDTH, HEIGHT, ORDERS])
  t.ok(Math.abs(traceY(traces, 5, 1, 40) - painted(5, 1, 40)) < 0.1)
})

t.test('a hand trace in a tree: named, entered in the table, as the NRES pipeline does', async (t) => {
  const cwd = t.testdir({})
  makeTree({ folder: join(cwd, 'cpt/nres03/reduced') })
  const tree = ['--root', '.', '--site', 'cpt', '--nres-instrument', 'nres03', '--camera', 'fl13']
  const { status, stdout, stderr } = run(
    ['--filename', handTrace, ...tree, '--date', '2018-04-09T21:37:35', '--set', 'hand.columns=4096'],
    cwd,
  )
  t.equal(status, 0, stderr)
  t.match(stdout, /^cpt\/nres03\/reduced\/trace\/TRACcpt0018099\.90110\.fits\n$|\/TRACcpt0018099\.90110\.fits\n$/)
  const traces = readTraces(join(cwd, 'cpt/nres03/reduced/trace/TRACcpt0018099.90110.fits'))
  t.same([traces.orders, traces.fibres, traces.terms, traces.firstOrder], [67, 3, 3, 52])
  t.ok(Math.abs(traceY(traces, 38, 2, 2048) - 1685.739) < 0.01)
  const [row] = readStandards({ folder: join(cwd, 'cpt/nres03/reduced') })
  t.match(row, { Type: 'TRACE', Filename: 'trace/TRACcpt0018099.90110.fits', Navg: 1, Flags: '0000', Camera: 'fl13' })
})

t.test('what cannot be traced is refused in one line', async (t) => {
  const cwd = t.testdir({ 'small.ini': PROFILE, 'wrong.txt': 'comment\nnfib 2 0 1\niord 1 2 3\n0 1 2\n' })
  const refusal = (...args: string[]) => run([...args, '-r', 'out'], cwd)
  t.match(refusal('--filename', 'none.txt'), { status: 2, stderr: /--filename none\.txt: no such file/ })
  t.match(refusal('--filename', 'wrong.txt', '--set', 'hand.columns=100'), {
    status: 3,
    stderr: /wrong\.txt:4: 2 positions for 3 columns/,
  })
  t.match(refusal(), { status: 2, stderr: /no frames among the inputs \(give flats by --input, or a hand trace by/ })
  writeFileSync(join(cwd, 'text.fits'), 'no FITS at all')
  t.match(refusal('-s', 'text.fits'), { status: 3, stderr: /no orders to find: text\.fits: is not FITS/ })
  writeFlat(join(cwd, 'dark.fits'), [], 'tung&none&none')
  t.match(refusal('-s', 'dark.fits', '--set', ...profile), {
    status: 3,
    stderr: /dark\.fits: no orders found, 1 wanted/,
  })
})
