// Files that are not what they should be, and calls that cannot work.
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, openFits, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import t from 'tap'
import { sampledRows } from '../src/measure.js'
import { type Camera, camera, expose, series } from './support/camera.js'
import { master, report, run } from './support/run.js'

const SIZE = { width: 128, height: 96 }

/** Where raw frames go, and what is made of them. */
const folders = (folder: string) => ({ raw: join(folder, 'raw'), out: join(folder, 'out') })

t.test('damaged files among good ones: each a row, the rest is done, exit 5', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera(SIZE)
  series(raw, 'bias', 6, c, { type: 'bias' })
  truncateSync(join(raw, 'bias-1.fits'), 10000)
  truncateSync(join(raw, 'bias-2.fits'), 100)
  writeFileSync(join(raw, 'empty.fits'), '')
  writeFileSync(join(raw, 'letter.fits'), 'Dear observer,\n')
  const sparse = Buffer.alloc(2880, ' ')
  const cards = [
    'SIMPLE  =                    T',
    'BITPIX  =                   16',
    'NAXIS   =                    2',
    'NAXIS1  =                32768',
    'NAXIS2  =                32768',
    'END',
  ]
  for (const [k, card] of cards.entries()) sparse.write(card, 80 * k)
  writeFileSync(join(raw, 'sparse.fits'), sparse)
  truncateSync(join(raw, 'sparse.fits'), 2880 + 2 ** 31)
  const { status, stderr } = run(raw, out)
  t.equal(status, 5)
  for (const line of stderr.trimEnd().split('\n')) t.match(line, /^stack-calibrations: /)
  t.notMatch(stderr, /at .*\.(ts|js|mjs):\d/)
  const rows = report(out)
  const row = (name: string) => `${rows.get(name)?.status}: ${rows.get(name)?.reason}`
  t.match(
    row('bias-1.fits'),
    /^failed: bias-1.fits, HDU 0, .* only 7120 are there \(the file is truncated or damaged\)/,
  )
  t.match(row('bias-2.fits'), /^failed: /)
  t.match(row('empty.fits'), /^failed: /)
  t.match(row('letter.fits'), /^failed: .*(text|not a FITS)/)
  t.match(row('sparse.fits'), /^rejected: is of type unknown/)
  t.equal(master(out, 'bias_cam1.fits').number('NFRAMES'), 4)
})

/** A compressed bias of which the tile of one row is spoiled. */
function torn(path: string, c: Camera, row: number): void {
  const { pixels, width } = expose(c, { type: 'bias' }, random(5))
  const header = createHeader([
    ['IMAGETYP', 'bias'],
    ['INSTRUME', 'cam1'],
    ['GAIN', 1.6],
    ['RDNOISE', 8],
    ['SATURATE', 60000],
    ['DATE-OBS', '2026-11-21T01:30:00'],
  ])
  const axes = [width, c.height]
  writeFits(path, [{ kind: 'image', bitpix: 16, unsigned: true, axes, pixels, header, compress: { type: 'RICE_1' } }])
  const file = openFits(path)
  const { dataStart } = file.hdus[1]
  file.close()
  const bytes = readFileSync(path)
  // Each row of the table is the length of its tile and where it begins behind the table.
  const [length, start] = [bytes.readUInt32BE(dataStart + 8 * row), bytes.readUInt32BE(dataStart + 8 * row + 4)]
  const tile = dataStart + 8 * c.height + start
  bytes.fill(0, tile + 4, tile + length)
  // Most cameras write no sums: the damage shows only where the tile is read.
  for (let at = bytes.indexOf('DATASUM ='); at >= 0; at = bytes.indexOf('DATASUM =')) bytes.write('COMMENT  ', at)
  writeFileSync(path, bytes)
}

t.test('a frame whose pixels cannot be read fails alone, whether its sample shows the damage or not', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera({ width: 512, height: 300 })
  series(raw, 'bias', 4, c, { type: 'bias' })
  const sampled = sampledRows(512, 300)
  const unseen = Array.from({ length: 300 }, (_, y) => y).find((y) => y > 150 && !sampled.includes(y))!
  torn(join(raw, 'seen.fits.fz'), c, sampled[40])
  torn(join(raw, 'unseen.fits.fz'), c, unseen)
  for (const workers of ['1', '2']) {
    const to = join(out, workers)
    const { status, stderr } = run(raw, to, '--workers', workers)
    t.equal(status, 5, stderr)
    const rows = report(to)
    for (const [name, row] of [
      ['seen.fits.fz', sampled[40]],
      ['unseen.fits.fz', unseen],
    ] as const) {
      t.equal(rows.get(name)?.status, 'failed')
      t.match(rows.get(name)?.reason, new RegExp(`^${name}, HDU 1: tile ${row + 1} of 300: .*damaged`))
    }
    t.equal(rows.get('bias-0.fits')?.status, 'done')
    t.equal(master(to, 'bias_cam1.fits').number('NFRAMES'), 4)
    t.same(
      readdirSync(to).filter((name) => name.endsWith('.part')),
      [],
    )
  }
})

t.test('an empty folder, a folder that is not there, an output that cannot be written: one line each', async (t) => {
  const folder = t.testdir({ empty: {}, file: 'x' })
  const { raw } = folders(folder)
  series(raw, 'bias', 3, camera(SIZE), { type: 'bias' })
  for (const [input, output, code] of [
    [join(folder, 'empty'), join(folder, 'o1'), 3],
    [join(folder, 'nowhere'), join(folder, 'o2'), 2],
    [raw, join(folder, 'file/below'), 2],
  ] as const) {
    const { status, stdout, stderr } = run(input, output)
    t.equal(stdout, '')
    t.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    t.equal(status, code, stderr)
  }
})
