import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFits, readFrame } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { type Affine, brightStars, invert, nearestWithin, transform } from '@nightpipe/registration'
import { expose, sky, turn, writeFrame } from '@nightpipe/scenes'
import { rowsOf, set } from '@nightpipe/testing'
import t from 'tap'
import { alignment } from './support.js'

const MAPS: Affine[] = [turn(0, 0, 0), turn(0, 6.4, -3.7), turn(0.3, 1, 4), turn(180, 299, 300), turn(0, -40.2, 22.9)]

/** Distances of the stars of two products, root of the mean square of the good half. */
function offOf(a: string, b: string): number {
  const [p, q] = [a, b].map((path) => {
    const frame = readFrame(path)
    return brightStars({ ...frame, mask: undefined }, { most: 60 })
  })
  const distances = nearestWithin(p, q, 1).map(([i, j]) => Math.hypot(p.x[i] - q.x[j], p.y[i] - q.y[j]))
  return Math.sqrt(distances.reduce((sum, d) => sum + d * d, 0) / distances.length)
}

t.test('frames that are shifted and turned come to lie on one another', async (t) => {
  const cwd = t.testdir()
  const field = sky(1, 150, 300, 60)
  MAPS.forEach((map, k) => {
    writeFrame(join(cwd, `raw/f${k}.fits`), expose(field, map, 10 + k), 300)
  })
  const { code, stdout, stderr } = alignment('-s', join(cwd, 'raw'), '-r', join(cwd, 'out'))
  t.equal(code, 0, stderr)
  t.equal(stdout.trim().split('\n').length, 5)
  const report = rowsOf(readFileSync(join(cwd, 'out/alignment.csv'), 'utf8'))
  const reference = report[0].reference
  t.ok(report.every((row) => row.status === 'done' && row.reference === reference))
  for (let k = 0; k < 5; k++) {
    const off = offOf(join(cwd, `out/f${k}.fits`), join(cwd, `out/${reference}`))
    t.ok(off < 0.12, `f${k}: ${off} px`)
  }
  // the truth: places of the corners, from the map to the reference and on to the frame
  const ref = invert(MAPS[Number(reference[1])])
  for (const row of report) {
    const [u, v] = transform(MAPS[Number(row.input.at(-6))], ...transform(ref, 149.5, 149.5))
    const [x, y] = [149.5 + Number(row.shift_x_px), 149.5 + Number(row.shift_y_px)]
    t.ok(Math.hypot(x - u, y - v) < 0.03, `${row.input}: off by ${Math.hypot(x - u, y - v)} px`)
  }
})

t.test('in a crowded field a frame of bad seeing lies where it should', async (t) => {
  const cwd = t.testdir()
  const field = { ...sky(11, 2500, 300, 50), fwhm: 3.4, noise: 12 }
  const truth = turn(0.2, 3.3, -2.1)
  writeFrame(join(cwd, 'raw/a.fits'), expose(field, MAPS[0], 1), 300)
  writeFrame(join(cwd, 'raw/b.fits'), expose({ ...field, fwhm: 7 }, truth, 2), 300)
  const { code, stderr } = alignment('-s', join(cwd, 'raw'), '-r', join(cwd, 'out'))
  t.equal(code, 0, stderr)
  const [a, b] = rowsOf(readFileSync(join(cwd, 'out/alignment.csv'), 'utf8'))
  t.equal(a.reference, 'a.fits')
  t.ok(Number(b.rms_px) < 0.1, b.rms_px)
  const [u, v] = transform(truth, 149.5, 149.5)
  const off = Math.hypot(149.5 + Number(b.shift_x_px) - u, 149.5 + Number(b.shift_y_px) - v)
  t.ok(off < 0.015, `off by ${off} px`)
})

t.test('a frame of another field, an empty one and a damaged one are set aside; the group goes on', async (t) => {
  const cwd = t.testdir()
  const field = sky(1, 150)
  for (const k of [0, 1, 2]) writeFrame(join(cwd, `raw/f${k}.fits`), expose(field, MAPS[k], k + 1), 300)
  writeFrame(join(cwd, 'raw/other.fits'), expose(sky(2, 150), MAPS[0], 5), 300)
  const { normal } = random(8)
  const cloud = new Float32Array(90000).map(() => 100 + normal())
  writeFrame(join(cwd, 'raw/cloud.fits'), cloud, 300)
  writeFrame(join(cwd, 'raw/nothing.fits'), new Float32Array(90000).fill(Number.NaN), 300)
  const whole = readFileSync(join(cwd, 'raw/f0.fits'))
  writeFileSync(join(cwd, 'raw/short.fits'), whole.subarray(0, 100000))
  const { code, stdout } = alignment('-s', join(cwd, 'raw'), '-r', join(cwd, 'out'))
  t.equal(code, 5)
  t.equal(stdout.trim().split('\n').length, 3)
  const by = Object.fromEntries(
    rowsOf(readFileSync(join(cwd, 'out/alignment.csv'), 'utf8')).map((row) => [row.input, row]),
  )
  t.match(by['../raw/other.fits'], { status: 'rejected', reason: /pattern/ })
  t.match(by['../raw/cloud.fits'], { status: 'rejected', reason: /only \d+ stars|pattern/ })
  t.match(by['../raw/nothing.fits'], { status: 'rejected', reason: /only 0 stars/ })
  t.match(by['../raw/short.fits'], { status: 'failed' })
  for (const name of ['other', 'cloud', 'nothing', 'short']) t.notOk(existsSync(join(cwd, `out/${name}.fits`)))
})

t.test('the same bytes whatever the workers; a second run does nothing; a changed key does', async (t) => {
  const cwd = t.testdir()
  const field = sky(3, 400, 700)
  const error = new Float32Array(490000).fill(5)
  for (const k of [0, 1, 2]) {
    const pixels = expose(field, turn(0.1 * k, 3.3 * k, -2.2 * k), k + 1)
    const mask = new Int16Array(490000).map((_, p) => (p % 997 === 0 ? 1 : 0))
    writeFrame(join(cwd, `raw/f${k}.fits`), pixels, 700, { error, mask })
  }
  const run = (out: string, ...more: string[]) => alignment('-s', join(cwd, 'raw'), '-r', join(cwd, out), ...more)
  t.equal(run('one', '--workers', '1').code, 0)
  t.equal(run('two', '--workers', '2').code, 0)
  // as it is usually called, a thread starts before the command is loaded
  t.equal(run('ahead').code, 0)
  for (const k of [0, 1, 2]) {
    const [one, two, ahead] = ['one', 'two', 'ahead'].map((folder) => readFileSync(join(cwd, folder, `f${k}.fits`)))
    t.ok(one!.equals(two!) && one!.equals(ahead!), `f${k}`)
  }
  const file = openFits(join(cwd, 'one/f1.fits'))
  t.same(file.hdus.map(({ name }) => name).slice(1), ['ERR', 'MASK', 'PROVENANCE'])
  file.close()
  t.equal(run('one', '--dry-run').stdout.match(/^current/gm)?.length, 4)
  t.equal(run('one', '--dry-run', ...set('resample.method=bilinear')).stdout.match(/^to do/gm)?.length, 4)
})

t.test('all of each frame, on pixels continued beyond the reference', async (t) => {
  const cwd = t.testdir()
  const field = sky(4, 600, 300, 200)
  MAPS.slice(0, 2).forEach((map, k) => {
    writeFrame(join(cwd, `raw/f${k}.fits`), expose(field, map, 10 + k), 300)
  })
  writeFrame(join(cwd, 'raw/f2.fits'), expose(field, turn(0, 150, 100), 7), 300)
  const args = ['-s', join(cwd, 'raw'), '-r', join(cwd, 'out'), ...set('resample.grid=frame', 'reference.choose=first')]
  t.equal(alignment(...args).code, 0)
  const { width, header } = readFrame(join(cwd, 'out/f2.fits'))
  t.ok(Math.abs(width - 301) <= 1)
  t.equal(header.cards.find(({ keyword }) => keyword === 'GRIDX0')?.value, -151)
  t.equal(header.cards.find(({ keyword }) => keyword === 'GRIDY0')?.value, -101)
})

t.test('by plate solutions, without a star', async (t) => {
  const cwd = t.testdir()
  const cards = (x: number, y: number): [string, string | number][] => [
    ...([
      ['CTYPE1', 'RA---TAN'],
      ['CTYPE2', 'DEC--TAN'],
      ['CRVAL1', 132.8],
      ['CRVAL2', 11.8],
    ] as [string, string | number][]),
    ...([
      ['CRPIX1', x],
      ['CRPIX2', y],
      ['CD1_1', -1e-4],
      ['CD1_2', 0],
      ['CD2_1', 0],
      ['CD2_2', 1e-4],
    ] as [string, number][]),
  ]
  const ramp = (dx: number, dy: number) =>
    new Float32Array(10000).map((_, p) => 10 * ((p % 100) - dx) + (Math.floor(p / 100) - dy))
  writeFrame(join(cwd, 'raw/a.fits'), ramp(0, 0), 100, { cards: cards(50, 50) })
  writeFrame(join(cwd, 'raw/b.fits'), ramp(4.5, -2.25), 100, { cards: cards(54.5, 47.75) })
  const args = ['-s', join(cwd, 'raw'), '-r', join(cwd, 'out'), ...set('match.method=wcs', 'reference.choose=first')]
  const { code, stderr } = alignment(...args)
  t.equal(code, 0, stderr)
  const [a, b] = ['a', 'b'].map((name) => readFrame(join(cwd, `out/${name}.fits`)).pixels)
  let worst = 0
  for (let y = 10; y < 90; y++)
    for (let x = 10; x < 90; x++) worst = Math.max(worst, Math.abs(a[y * 100 + x] - b[y * 100 + x]))
  // a ramp of 10 for a pixel, places to 0.001 px between neighbours and in the table of weights
  t.ok(worst < 0.03, `${worst}`)
})

t.test('wrong keys are refused before anything is touched', async (t) => {
  const cwd = t.testdir()
  writeFrame(join(cwd, 'raw/a.fits'), new Float32Array(100), 10)
  const run = (...settings: string[]) => alignment('-s', join(cwd, 'raw'), '-r', join(cwd, 'out'), ...set(...settings))
  t.match(run('group.by=colour'), { code: 2, stderr: /'colour' is none of object/ })
  t.match(run('match.scale=2'), { code: 2, stderr: /smallest and a largest/ })
  t.match(run('reference.file=none.fits'), { code: 2, stderr: /does not exist/ })
  t.notOk(existsSync(join(cwd, 'out/alignment.csv')))
})
