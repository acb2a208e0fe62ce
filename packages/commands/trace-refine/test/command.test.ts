import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { emptyTraces, setColumnsOnDetector, type Traces, traceY } from '@nightpipe/spectra'
import { addStandards, makeTree, readStandards, readTraces, tracesHdus } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'

const run = (args: readonly string[], cwd: string) => call('trace-refine', args, { cwd })

const [WIDTH, HEIGHT, ORDERS] = [320, 300, 6]
const middleOf = (o: number, f: number) => 34 + 46 * o - 12 * f
const painted = (o: number, f: number, x: number) => middleOf(o, f) + 7 * ((2 * x) / WIDTH - 1) ** 2

/** A flat of 40000 electrons a column in each lit fibre; `light` 0 is a lamp that is off. */
function writeFlat(
  path: string,
  lit: readonly number[],
  objects: string,
  { light = 40000, camera = 'fl13', apart = 12 } = {},
): void {
  const draw = random(lit[0]! + 5)
  const pixels = new Float32Array(WIDTH * HEIGHT)
  for (let o = 0; o < ORDERS; o++) {
    for (const f of lit) {
      for (let x = 0; x < WIDTH; x++) {
        const centre = painted(o, f, x) + (12 - apart) * f
        for (let y = Math.floor(centre) - 7; y < centre + 8; y++) {
          // sigma 1.6, with what a pixel's height adds to the square: good to 1e-4 of the light
          pixels[y * WIDTH + x]! += (light / 4.095) * Math.exp(-0.5 * ((y - centre) / 1.6338) ** 2)
        }
      }
    }
  }
  for (let p = 0; p < pixels.length; p++) pixels[p]! += 150 + Math.sqrt(pixels[p]! + 150) * draw.normal()
  const header = createHeader([
    ['OBSTYPE', 'LAMPFLAT'],
    ['OBJECTS', objects],
    ['SITEID', 'cpt'],
    ['TELESCOP', 'nres03'],
    ['INSTRUME', camera],
    ['DATE-OBS', '2017-12-16T12:00:00'],
    ['GAIN', 1],
    ['RDNOISE', 3],
  ])
  writeFits(path, [{ kind: 'image', header, bitpix: -32, axes: [WIDTH, HEIGHT], pixels }])
}

/** Where the orders were thought to be: up to a pixel off. */
function firstTraces(apart = 12): Traces {
  const traces = emptyTraces({ width: WIDTH, height: HEIGHT, orders: ORDERS, fibres: 3, terms: 3, rows: 9, blocks: 0 })
  for (let o = 0; o < ORDERS; o++) {
    for (let f = 0; f < 3; f++) {
      traces.coefficients.set([middleOf(o, f) + (12 - apart) * f + 7 / 3 + 0.8 - 0.1 * o, 0.3, 14 / 3], (o * 3 + f) * 3)
      setColumnsOnDetector(traces, o, f)
    }
  }
  return traces
}

const PROFILE = '[profile]\nparent = nres\n[spectrograph]\norders = 0\nfibres = 3\nfirst order = 52\nwidth = 9\n'
const small = ['--set', 'instrument.profile=small.ini']
const folder = (t: { testdir(files: Record<string, string>): string }) => {
  const cwd = t.testdir({ 'small.ini': PROFILE })
  writeFits(join(cwd, 'first.fits'), tracesHdus(firstTraces()))
  return cwd
}

t.test('two flats refine three fibres; figures and a row for each order go with the traces', async (t) => {
  const cwd = folder(t)
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  writeFlat(join(cwd, 'b.fits'), [1, 2], 'none&tung&tung')
  const { status, stdout, stderr } = run(
    ['--flat1', 'a.fits', '--flat2', 'b.fits', '--traces', 'first.fits', '-r', 'out', ...small],
    cwd,
  )
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/a-trace.fits\n')
  const traces = readTraces(join(cwd, 'out/a-trace.fits'))
  t.same([traces.terms, traces.blocks, traces.firstOrder, traces.fine!.perRow], [8, 12, 52, 10])
  for (const [o, f] of [
    [0, 0],
    [2, 1],
    [5, 2],
  ] as const) {
    let squares = 0
    for (let x = 0; x < WIDTH; x++) squares += (traceY(traces, o, f, x) - painted(o, f, x)) ** 2 / WIDTH
    t.ok(Math.sqrt(squares) < 0.004, `order ${o}, fibre ${f}: ${Math.sqrt(squares)} px`)
  }
  for (const file of ['a-trace.png', 'a-trace-orders.png']) t.ok(existsSync(join(cwd, 'out', file)))
  const rows = readFileSync(join(cwd, 'out/a-trace-orders.csv'), 'utf8').trim().split('\n')
  t.equal(rows.length, 1 + 3 * ORDERS)
  t.equal(rows[0], 'index,order,fibre,y_px,first_px,last_px,scatter_px,error_px,light_per_px')
})

t.test('in a tree the traces nearest in time are refined, and entered for three fibres', async (t) => {
  const cwd = folder(t)
  const tree = { folder: join(cwd, 'cpt/nres03/reduced'), site: 'cpt', instrument: 'nres03', camera: 'fl13' }
  makeTree(tree)
  const before = join(tree.folder, 'trace/TRACcpt0017340.00000.fits')
  writeFits(before, tracesHdus(firstTraces()))
  await addStandards(tree, [{ type: 'TRACE', path: before, averaged: 1, camera: 'fl13', mjd: 58093 }])
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  writeFlat(join(cwd, 'b.fits'), [1, 2], 'none&tung&tung')
  const flags = ['--root', '.', '--site', 'cpt', '--nres-instrument', 'nres03', '--camera', 'fl13']
  const { status, stderr } = run(['--flat_filename1', 'a.fits', '--flat_filename2', 'b.fits', ...flags, ...small], cwd)
  t.equal(status, 0, stderr)
  const row = readStandards(tree).find(({ Filename }) => Filename === 'trace/TRACcpt2017350.50000.fits')
  t.match(row, { Type: 'TRACE', Navg: 1, Flags: '0030', Camera: 'fl13' })
})

t.test('one flat refines two fibres; the third only moves with the image', async (t) => {
  const cwd = folder(t)
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  const { status } = run(['-s', 'a.fits', '--flat_filename2', '', '--traces', 'first.fits', '-r', 'out', ...small], cwd)
  t.equal(status, 0)
  const traces = readTraces(join(cwd, 'out/a-trace.fits'))
  t.ok(Math.abs(traceY(traces, 3, 1, 100) - painted(3, 1, 100)) < 0.01)
  const moved = traceY(traces, 3, 2, 100) - traceY(firstTraces(), 3, 2, 100)
  t.ok(Math.abs(moved) < 1 && Math.abs(traceY(traces, 0, 2, 9) - traceY(firstTraces(), 0, 2, 9) - moved) < 1e-9)
})

t.test('a flat whose lamp was off is set aside where others are lit', async (t) => {
  const cwd = folder(t)
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  writeFlat(join(cwd, 'dark.fits'), [0, 1], 'tung&tung&none', { light: 0 })
  const { status } = run(['-s', 'a.fits', 'dark.fits', '--traces', 'first.fits', '-r', 'out', ...small], cwd)
  t.equal(status, 0)
  t.match(
    readFileSync(join(cwd, 'out/trace-refine.csv'), 'utf8'),
    /dark\.fits,rejected,has less than a fifth of the light/,
  )
  const traces = readTraces(join(cwd, 'out/a-trace.fits'))
  t.ok(Math.abs(traceY(traces, 3, 1, 100) - painted(3, 1, 100)) < 0.01)
})

t.test('a lamp that is off gives no traces, and strangers are refused in one line', async (t) => {
  const cwd = folder(t)
  writeFlat(join(cwd, 'off.fits'), [0, 1], 'tung&tung&none', { light: 0 })
  writeFlat(join(cwd, 'other.fits'), [0, 1], 'tung&tung&none', { camera: 'fl09' })
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  const refusal = (...args: string[]) => run([...args, '-r', 'out', ...small], cwd)
  const off = refusal('-s', 'off.fits', '--traces', 'first.fits')
  t.ok(off.status === 3 || off.status === 4, `${off.status} ${off.stderr}`)
  t.match(off.stderr, /12 of 12 orders of lit fibres show no light|no light where the traces are/)
  t.match(refusal('-s', 'a.fits', 'other.fits', '--traces', 'first.fits'), {
    status: 3,
    stderr: /other\.fits is of camera fl09, not fl13/,
  })
  t.match(refusal('-s', 'a.fits'), { status: 2, stderr: /no traces to start from/ })
  t.match(refusal('--flat1', 'none.fits', '--traces', 'first.fits'), {
    status: 2,
    stderr: /--flat1 none\.fits: no such file/,
  })
})

t.test('first traces whose fibres are other ones are refused, and nothing is written', async (t) => {
  const cwd = folder(t)
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none')
  const [right, swapped] = [firstTraces(), firstTraces()]
  for (let o = 0; o < ORDERS; o++) {
    for (let f = 0; f < 3; f++) {
      const at = (o * 3 + 2 - f) * 3
      swapped.coefficients.set(right.coefficients.subarray(at, at + 3), (o * 3 + f) * 3)
    }
  }
  writeFits(join(cwd, 'swapped.fits'), tracesHdus(swapped))
  const { status, stderr } = run(['-s', 'a.fits', '--traces', 'swapped.fits', '-r', 'out', ...small], cwd)
  t.equal(status, 3)
  t.match(stderr, /swapped\.fits is not of a\.fits: its header lights fibres 0, 1, and its light is on fibres 1, 2/)
  t.match(stderr, /make first traces anew of these flats by trace0/)
  t.notOk(existsSync(join(cwd, 'out/a-trace.fits')))
})

t.test('fibres so close that their light cannot be told apart need flats of one at a time', async (t) => {
  const cwd = folder(t)
  const apart = 6 // 1.6 widths
  writeFits(join(cwd, 'close.fits'), tracesHdus(firstTraces(apart)))
  writeFlat(join(cwd, 'a.fits'), [0, 1], 'tung&tung&none', { apart })
  const both = run(['-s', 'a.fits', '--traces', 'close.fits', '-r', 'out', ...small], cwd)
  t.equal(both.status, 4)
  t.match(
    both.stderr,
    /lit traces lie 6\.0 px apart, 1\.[5-7] of their width: give flats that light one fibre at a time/,
  )
  writeFlat(join(cwd, 'b.fits'), [0], 'tung&none&none', { apart })
  writeFlat(join(cwd, 'c.fits'), [1], 'none&tung&none', { apart })
  const each = run(['-s', 'b.fits', 'c.fits', '--traces', 'close.fits', '-r', 'each', ...small], cwd)
  t.equal(each.status, 0, each.stderr)
  const traces = readTraces(join(cwd, 'each/b-trace.fits'))
  for (const f of [0, 1]) {
    let squares = 0
    for (let x = 0; x < WIDTH; x++) {
      squares += (traceY(traces, 2, f, x) - painted(2, f, x) - (12 - apart) * f) ** 2 / WIDTH
    }
    t.ok(Math.sqrt(squares) < 0.004, `fibre ${f}: ${Math.sqrt(squares)} px`)
  }
})
