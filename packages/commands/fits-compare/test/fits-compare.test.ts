import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, type NewHdu, writeFits } from '@nightpipe/fits'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { run } from '../src/run.js'

const image = (pixels: number[], cards: [string, string | number][] = [], more: Partial<NewHdu> = {}): NewHdu =>
  ({
    kind: 'image',
    bitpix: -32,
    axes: [2, 2],
    pixels: Float32Array.from(pixels),
    header: createHeader(cards),
    ...more,
  }) as NewHdu
const table = (values: number[], unit = 's'): NewHdu => ({
  ...{ kind: 'table', name: 'T', rows: values.length },
  columns: [
    { name: 't', unit, values: Float64Array.from(values) },
    { name: 'word', values: values.map((v) => `w${Math.floor(v)}`) },
  ],
})

/** Writes two files into a fresh folder and compares them. */
async function compare(t: Tap, a: NewHdu[], b: NewHdu[], ...flags: string[]) {
  const folder = t.testdir()
  const [pathA, pathB] = [join(folder, 'a.fits'), join(folder, 'b.fits')]
  writeFits(pathA, a)
  writeFits(pathB, b)
  const { text, code } = await run([pathA, pathB, '--json', ...flags])
  const found = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  return { code, found }
}
type Tap = { testdir(): string }

t.test('a file equals itself, NaN and all', async (t) => {
  const hdus = [image([1, Number.NaN, 3, 4], [['A', 1]]), table([1.5, Number.NaN])]
  t.same(await compare(t, hdus, hdus), { code: 0, found: [] })
})

t.test('a pixel that differs is named, with its place counted from 1', async (t) => {
  const { code, found } = await compare(t, [image([1, 2, 3, 4])], [image([1, 2, 3.5, 4])])
  t.equal(code, 4)
  t.match(found, [{ kind: 'pixels', where: '(1,2)', a: '3', b: '3.5', note: '1 of 4 pixels differ, by 0.5 at most' }])
})

t.test('NaN against a number differs', async (t) => {
  const { code } = await compare(t, [image([1, 2, 3, Number.NaN])], [image([1, 2, 3, 4])], '--absolute', '1e9')
  t.equal(code, 4)
})

t.test('tolerances are absolute plus relative, and hold for headers, pixels and tables', async (t) => {
  const a = [image([1000, 1, 1, 1], [['X', 1000]]), table([1000])]
  const b = [image([1001, 1, 1, 1], [['X', 1001]]), table([1000.5])]
  t.equal((await compare(t, a, b)).found.length, 3)
  t.equal((await compare(t, a, b, '--relative', '1e-3')).code, 0)
  t.equal((await compare(t, a, b, '--absolute', '0.9')).found.length, 2)
  t.equal((await compare(t, a, b, '--absolute', '1')).code, 0)
})

t.test('keywords: values count, order does not, ignored ones do not, missing ones are named', async (t) => {
  const a = [
    image(
      [1, 1, 1, 1],
      [
        ['ONE', 1],
        ['TWO', 'x'],
        ['NP_ID', 'abc'],
        ['ONLYA', 1],
      ],
    ),
  ]
  const b = [
    image(
      [1, 1, 1, 1],
      [
        ['TWO', 'y'],
        ['ONE', 1],
        ['NP_ID', 'def'],
      ],
    ),
  ]
  const { found } = await compare(t, a, b, '--ignore', 'NP_*')
  t.match(found, [
    { where: 'TWO', a: 'x', b: 'y' },
    { where: 'ONLYA', note: 'only in A' },
  ])
  t.equal(found.length, 2)
})

t.test('tables: rows, columns, units and cells', async (t) => {
  t.match((await compare(t, [table([1, 2])], [table([1])])).found[0], { where: 'NAXIS2', a: '2', b: '1' })
  t.match((await compare(t, [table([1])], [table([1], 'h')])).found[0], { where: 't', note: 'unit' })
  t.match((await compare(t, [table([1, 2])], [table([1, 3])])).found, [
    { where: 't[2]', a: '2', b: '3', note: '1 values differ, by 1 at most' },
    { where: 'word[2]', a: 'w2', b: 'w3' },
  ])
})

t.test('a compressed file equals its uncompressed twin', async (t) => {
  const pixels = Int16Array.from({ length: 32 * 32 }, (_, k) => (k * 37) % 1000)
  const plain: NewHdu = { kind: 'image', bitpix: 16, axes: [32, 32], pixels, header: createHeader([['A', 1]]) }
  t.same(await compare(t, [plain], [{ ...plain, compress: { type: 'RICE_1' } }]), { code: 0, found: [] })
})

t.test('another shape, or another number of HDUs, is said and not compared further', async (t) => {
  const small = { ...image([1, 2]), axes: [2, 1], pixels: Float32Array.of(1, 2) } as NewHdu
  t.match((await compare(t, [image([1, 2, 3, 4])], [small])).found, [
    { kind: 'structure', a: 'image 2x2', b: 'image 2x1' },
  ])
  t.match((await compare(t, [image([1, 2, 3, 4]), table([1])], [image([1, 2, 3, 4])])).found, [{ where: 'HDUs' }])
})

t.test('folders are compared file by file; errors are one line with the right code', async (t) => {
  const folder = t.testdir()
  for (const [side, value] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    mkdirSync(join(folder, side))
    writeFits(join(folder, side, 'same.fits'), [image([1, 1, 1, 1])])
    writeFits(join(folder, side, 'other.fits'), [image([value, 1, 1, 1])])
  }
  writeFits(join(folder, 'a', 'lone.fits'), [image([1, 1, 1, 1])])
  writeFileSync(join(folder, 'text.fits'), 'not a FITS file')
  const start = (...args: string[]) => call('fits-compare', args)
  const { status, stdout } = start(join(folder, 'a'), join(folder, 'b'))
  t.equal(status, 4)
  t.match(stdout, /lone.fits .*only in A/)
  t.match(stdout, /other.fits .*1 of 4 pixels differ/)
  t.notMatch(stdout, 'same.fits')
  for (const [args, code, message] of [
    [[join(folder, 'a')], 2, 'two files or two folders are needed, 1 given'],
    [[join(folder, 'a'), join(folder, 'none')], 3, 'does not exist'],
    [[join(folder, 'text.fits'), join(folder, 'text.fits')], 3, 'text.fits'],
    [['x', 'y', '--relativ', '1'], 2, 'relativ'],
    [['x', 'y', '--relative', '-1'], 2, 'expected a number of at least 0'],
  ] as const) {
    const made = start(...args)
    t.equal(made.status, code, made.stderr)
    t.match(made.stderr, message)
    t.equal(made.stderr.trim().split('\n').length, 1)
    t.equal(made.stdout, '')
  }
})
