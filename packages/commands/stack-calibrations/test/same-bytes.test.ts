// The same frames give the same bytes, however they are handed over and however the work is shared.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createHeader, imageHdu, openFits, readFrame, readPixels, textOf, writeFits } from '@nightpipe/fits'
import { finish, lacking, outside } from '@nightpipe/testing'
import t from 'tap'
import { camera, series } from './support/camera.js'
import { call, master, report, run } from './support/run.js'

const MASTERS = ['bias_cam1.fits', 'dark_cam1.fits', 'flat_cam1_r.fits']

/** A night large enough that threads are used: 4 MB are. */
const c = camera({
  width: 384,
  height: 500,
  cosmics: 60,
  overscan: 16,
  drift: 1,
  gain: [1.6, 2],
  readNoise: [8, 9],
  pedestal: [900, 1100],
})
const folder = t.testdir()
const raw = join(folder, 'raw')
series(raw, 'bias', 4, c, { type: 'bias' }, 1)
series(raw, 'dark', 4, c, { type: 'dark', seconds: 200 }, 2)
series(raw, 'flat', 4, c, (k) => ({ type: 'flat', light: 15000 + 3000 * k, filter: 'r' }), 3)
const first = join(folder, 'first')
const done = run(raw, first, '--workers', '1')
if (done.status !== 0) throw new Error(done.stderr)

const bytesOf = (output: string) => MASTERS.map((name) => readFileSync(join(output, name)).toString('base64'))
const expected = bytesOf(first)
const table = readFileSync(join(first, 'calibrations.csv'), 'utf8')

t.test('with 1, 2 and 3 workers, much and little memory', async (t) => {
  for (const [k, args] of [
    ['--workers', '2'],
    ['--workers', '3', '--memory', '64MB'],
    ['--workers', '1', '--memory', '64MB'],
  ].entries()) {
    const output = join(folder, `workers-${k}`)
    const { status, stderr } = run(raw, output, ...args)
    t.equal(status, 0, stderr)
    t.ok(
      bytesOf(output).every((bytes, i) => bytes === expected[i]),
      args.join(' '),
    )
    t.equal(readFileSync(join(output, 'calibrations.csv'), 'utf8'), table)
  }
})

t.test('with a thread that starts before the command line is understood, which may be wrong', async (t) => {
  const output = join(folder, 'early')
  const { status, stdout, stderr } = call('-s', raw, '-r', output, '--wrokers', '2')
  t.match(
    { status, stdout, stderr },
    { status: 2, stdout: '', stderr: /^stack-calibrations: [^\n]+--workers[^\n]*\n$/ },
  )
  t.equal(call('-s', raw, '-r', output, '--quiet').status, 0)
  t.ok(bytesOf(output).every((bytes, i) => bytes === expected[i]))
})

t.test('from files in any order, from another folder, with other times of the files', async (t) => {
  const paths = readdirSync(raw).map((name) => join(raw, name))
  const elsewhere = join(folder, 'else where')
  mkdirSync(elsewhere)
  for (const path of paths.toReversed()) {
    const copy = join(elsewhere, path.split('/').at(-1)!)
    copyFileSync(path, copy)
    utimesSync(copy, 1e9, 1e9)
  }
  const shuffled = paths.toSorted((a, b) => (a.slice(-6) < b.slice(-6) ? -1 : 1))
  for (const input of [shuffled, [elsewhere]]) {
    const output = join(folder, `order-${input.length}`)
    const { status, stderr } = run(input, output)
    t.equal(status, 0, stderr)
    t.ok(bytesOf(output).every((bytes, i) => bytes === expected[i]))
  }
})

t.test('packed inputs give the same pixels, errors and masks, and leave nothing unpacked behind', async (t) => {
  const packed = join(folder, 'packed')
  mkdirSync(packed)
  for (const [k, name] of readdirSync(raw).sort().entries()) {
    const path = join(raw, name)
    if (k % 3 === 0) copyFileSync(path, join(packed, name))
    else if (k % 3 === 1) writeFileSync(join(packed, `${name}.gz`), gzipSync(readFileSync(path), { level: 1 }))
    else repack(path, join(packed, `${name}.fz`))
  }
  for (const workers of ['1', '2']) {
    const output = join(folder, `packed-${workers}`)
    const { status, stderr } = run(packed, output, '--workers', workers)
    t.equal(status, 0, stderr)
    for (const name of MASTERS) {
      const [a, b] = [master(output, name), master(first, name)]
      for (const plane of ['pixels', 'error', 'mask'] as const) t.ok(sameBytes(a[plane], b[plane]), `${name} ${plane}`)
    }
    t.same(
      readdirSync(output).filter((name) => name.startsWith('.')),
      [],
    )
  }
})

/** Element by element, NaN as any other bits; `t.same` takes seconds for as many. */
function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
  return bytes(a).equals(bytes(b))
}

/** The frame as fpack would write it. */
function repack(from: string, to: string): void {
  const file = openFits(from)
  const hdu = imageHdu(file)
  const header = createHeader(
    hdu.header.cards
      .filter(({ keyword }) => !/^(SIMPLE|BITPIX|NAXIS\d*|EXTEND|BZERO|BSCALE|CHECKSUM|DATASUM)$/.test(keyword))
      .map(({ keyword, value, comment }) => [keyword, value, comment]),
  )
  const pixels = readPixels(hdu)
  file.close()
  writeFits(to, [
    { kind: 'image', bitpix: 16, unsigned: true, axes: hdu.axes, pixels, header, compress: { type: 'RICE_1' } },
  ])
}

t.test('a second run does nothing, one with --force the same again', async (t) => {
  const before = bytesOf(first)
  t.equal(run(raw, first).status, 0)
  t.same(bytesOf(first), before)
  t.equal(run(raw, first, '--force').status, 0)
  t.same(bytesOf(first), before)
  t.equal(readFileSync(join(first, 'calibrations.csv'), 'utf8'), table)
  const rows = report(first)
  t.equal(rows.size, 12)
  t.ok([...rows.values()].every(({ status }) => status === 'done'))
})

t.test('one frame less makes that master anew, and those that build on it', async (t) => {
  const output = join(folder, 'less')
  t.equal(run(raw, output).status, 0)
  const less = join(folder, 'raw-less')
  mkdirSync(less)
  for (const name of readdirSync(raw)) if (name !== 'dark-0.fits') copyFileSync(join(raw, name), join(less, name))
  t.equal(run(less, output).status, 0)
  const [bias, dark, flat] = bytesOf(output)
  t.equal(bias, expected[0])
  t.not(dark, expected[1])
  t.not(flat, expected[2])
  t.equal(master(output, 'dark_cam1.fits').number('NFRAMES'), 3)
})

t.test('compressed products hold the same mask, and the same pixels within their quantisation', async (t) => {
  const output = join(folder, 'compressed')
  const { status, stderr, stdout } = run(raw, output, '--compress')
  t.equal(status, 0, stderr)
  t.equal(stdout.trimEnd().split('\n').length, 3)
  for (const name of MASTERS) {
    const [a, b] = [readFrame(join(output, `${name}.fz`)), master(first, name)]
    t.ok(sameBytes(a.mask!, b.mask))
    const noise = b.error.toSorted()[b.error.length >> 1]
    t.ok(
      a.pixels.every((v, p) => Number.isNaN(v) || Math.abs(v - b.pixels[p]) < noise),
      name,
    )
  }
  t.match(readFileSync(join(output, 'calibrations.csv'), 'utf8'), /^flat_cam1_r.fits.fz,flat,/m)
  const flats = join(folder, 'flats')
  mkdirSync(flats)
  for (const name of readdirSync(raw)) if (name.startsWith('flat')) copyFileSync(join(raw, name), join(flats, name))
  const again = run(flats, join(folder, 'from-bank'), '--set', `calibration.folder=${output}`)
  t.equal(again.status, 0, again.stderr)
})

t.test(
  'fitsverify finds no error and no warning in masters, compressed or not',
  { skip: lacking('fitsverify') },
  async (t) => {
    const products = [
      ...MASTERS.map((name) => join(first, name)),
      ...MASTERS.map((name) => join(folder, 'compressed', `${name}.fz`)),
    ]
    for (const path of products) {
      t.match(finish(outside('fitsverify', '-q', path)).stdout, /^verification OK: /)
    }
  },
)

t.test('no path is in a master', async (t) => {
  for (const name of MASTERS) {
    const bytes = readFileSync(join(first, name)).toString('latin1')
    t.notMatch(bytes, folder)
    const { header } = master(first, name)
    t.equal(textOf(header, 'NP_CMD'), 'stack-calibrations')
  }
})

t.test('many frames within little memory', async (t) => {
  const many = join(folder, 'many')
  const small = camera({ width: 512, height: 64 })
  series(many, 'bias', 120, small, { type: 'bias' }, 9)
  const [little, much] = [join(folder, 'little'), join(folder, 'much')]
  t.equal(run(many, little, '--memory', '64MB').status, 0)
  t.equal(run(many, much).status, 0)
  t.ok(readFileSync(join(little, 'bias_cam1.fits')).equals(readFileSync(join(much, 'bias_cam1.fits'))))
  t.equal(master(little, 'bias_cam1.fits').number('NFRAMES'), 120)
  rmSync(many, { recursive: true })
})
