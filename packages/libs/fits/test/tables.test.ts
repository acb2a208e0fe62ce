import t from 'tap'
import { column, encodeFits, FitsError, type NewColumn, openFits, readTable } from '../src/index.js'
import { dataBlock, headerBlock, line, minimal } from './raw.js'
import { everyColumn, rows } from './sample-table.js'

function tableOf(columns: NewColumn[], count: number) {
  return readTable(openFits(encodeFits([{ kind: 'table', name: 'TAB', columns, rows: count }])).hdus[1]!)
}

t.test('columns of every type come back as they were written', async (t) => {
  const table = tableOf(everyColumn, rows)
  t.equal(table.rows, rows)
  for (const written of everyColumn) {
    const read = column(table, written.name.toLowerCase())!
    t.strictSame(read.values, written.values, written.name)
    t.equal(read.unit, written.unit ?? '')
    t.same(read.dim, written.dim)
  }
  t.same(column(table, 'I')?.nulls, Uint8Array.of(1, 0, 0))
  t.same(column(table, 'SCALED')?.nulls, Uint8Array.of(0, 0, 1))
  t.equal(column(table, 'absent'), undefined)
})

t.test('a table that is read and written again has the same bytes', async (t) => {
  const once = encodeFits([{ kind: 'table', columns: everyColumn, rows }])
  const hdu = openFits(once).hdus[1]!
  const { columns } = readTable(hdu)
  const noted = columns.map((one, k) => ({ ...one, comment: everyColumn[k]!.comment }))
  t.same(encodeFits([{ kind: 'table', header: hdu.header, columns: noted, rows }]), once)
})

t.test('part of a table is read by rows and by columns', async (t) => {
  const values = Int32Array.from({ length: 1000 }, (_, i) => i)
  const bytes = encodeFits([
    {
      kind: 'table',
      rows: 500,
      columns: [
        { name: 'A', values },
        { name: 'B', values: new Float64Array(500) },
      ],
    },
  ])
  const hdu = openFits(bytes).hdus[1]!
  const part = readTable(hdu, { columns: ['a'], firstRow: 10, rows: 3 })
  t.same(
    part.columns.map((one) => one.name),
    ['A'],
  )
  t.same(part.columns[0]!.values, values.subarray(20, 26))
  t.throws(() => readTable(hdu, { columns: ['C'] }), { name: 'FitsError', advice: 'it has A, B' })
  t.throws(() => readTable(hdu, { firstRow: 499, rows: 2 }), RangeError)
})

t.test('many rows are read in pieces without a seam', async (t) => {
  const count = 300_000
  const values = Float64Array.from({ length: count }, (_, i) => i / 3)
  const names = Array.from({ length: count }, (_, i) => `s${i % 977}`)
  const table = tableOf(
    [
      { name: 'V', values },
      { name: 'N', values: names },
    ],
    count,
  )
  t.ok(Buffer.from((table.columns[0]!.values as Float64Array).buffer).equals(Buffer.from(values.buffer)))
  t.equal((table.columns[1]!.values as string[]).join(), names.join())
})

t.test('a table without rows or without columns is a table', async (t) => {
  t.same(
    tableOf([{ name: 'A', values: new Float32Array(0) }], 0).columns.map((one) => [one.name, one.format]),
    [['A', 'E']],
  )
  t.same(tableOf([], 0), { rows: 0, columns: [] })
})

t.test('what does not fit in a column is refused', async (t) => {
  const write =
    (one: NewColumn, count = 1) =>
    () =>
      tableOf([one], count)
  t.throws(write({ name: 'A', format: 'I', values: [70000] }), RangeError)
  t.throws(write({ name: 'A', format: 'J', values: [1.5] }), /1.5 is not an integer/)
  t.throws(write({ name: 'A', format: 'J', values: [Number.NaN] }), /needs a nullValue/)
  t.throws(write({ name: 'A', format: '2A', values: ['abc'] }), /longer than 2 characters/)
  t.throws(write({ name: 'A', values: new Float32Array(3) }, 2), /column A/)
  t.throws(write({ name: 'A', format: '3Z', values: [1] }), /3Z is not a format/)
})

/** A table whose header and data are made by hand. */
function handMade(extension: string, rowBytes: number, count: number, cards: string[], data: Buffer, pcount = 0) {
  const lines = [
    `XTENSION= '${extension.padEnd(8)}'`,
    ...[line('BITPIX', 8), line('NAXIS', 2), line('NAXIS1', rowBytes), line('NAXIS2', count)],
    ...[line('PCOUNT', pcount), line('GCOUNT', 1), ...cards],
  ]
  return openFits(Buffer.concat([headerBlock(minimal), headerBlock(lines), dataBlock(data)]), { name: 'hand.fits' })
    .hdus[1]!
}

t.test('ASCII tables hold numbers as Fortran writes them', async (t) => {
  const text = [
    '  42  1.5D3  12345 vega  99',
    ' -7   2.5-2    -50 deneb *',
    '       1e1             ',
    ' 007   -.5      1   x   0',
  ]
  const cards = [line('TFIELDS', 5), line('TBCOL1', 1), "TFORM1  = 'I4'", line('TBCOL2', 5), "TFORM2  = 'E7.1'"]
  cards.push(line('TBCOL3', 13), "TFORM3  = 'F6.2'", line('TBCOL4', 20), "TFORM4  = 'A5'", line('TBCOL5', 25))
  cards.push("TFORM5  = 'I3'", "TNULL5  = '*'", "TTYPE4  = 'NAME'")
  const hdu = handMade('TABLE', 28, 4, cards, Buffer.from(text.map((row) => row.padEnd(28)).join('')))
  const table = readTable(hdu)
  t.same(table.columns[0]!.values, Int32Array.of(42, -7, 0, 7))
  t.same(table.columns[0]!.nulls, Uint8Array.of(0, 0, 1, 0))
  t.same(table.columns[1]!.values, Float64Array.of(1500, 0.025, 1, -0.5))
  t.same(table.columns[2]!.values, Float64Array.of(123.45, -0.5, Number.NaN, 0.01))
  t.same(column(table, 'name')!.values, ['vega', 'deneb', '', ' x'])
  t.same(table.columns[4]!.nulls, Uint8Array.of(0, 1, 1, 0))
})

t.test('a heap pointer out of range is an error that names the row', async (t) => {
  const pointers = [
    [3, 5],
    [-1, 0],
    [1, -4],
    [2147483647, 0],
    [1, 2147483647],
  ]
  for (const [length, offset] of pointers) {
    const data = Buffer.alloc(16)
    data.writeInt32BE(length!, 0)
    data.writeInt32BE(offset!, 4)
    const hdu = handMade('BINTABLE', 8, 1, [line('TFIELDS', 1), "TFORM1  = '1PE(9)'"], data, 8)
    t.throws(() => readTable(hdu), {
      name: 'FitsError',
      message: /hand.fits, HDU 1, byte \d+: row 0 .* heap of 8 bytes/,
    })
  }
})

t.test('rows that share a heap cannot ask for more memory than there is', async (t) => {
  const count = 50_000
  const data = Buffer.alloc(8 * count + 100_000)
  for (let row = 0; row < count; row++) data.writeInt32BE(100_000, 8 * row)
  const hdu = handMade('BINTABLE', 8, count, [line('TFIELDS', 1), "TFORM1  = '1PB(100000)'"], data, 100_000)
  t.throws(() => readTable(hdu), /variable-length columns would take more than \d+ MB of memory/)
})

t.test('headers of tables that make no sense are refused', async (t) => {
  const read = (rowBytes: number, cards: string[]) => () =>
    readTable(handMade('BINTABLE', rowBytes, 1, cards, Buffer.alloc(rowBytes)))
  const wrong: [number, string[], RegExp][] = [
    [8, [line('TFIELDS', 1)], /TFORM1 is undefined/],
    [8, [line('TFIELDS', -1), "TFORM1  = 'D'"], /TFIELDS is -1/],
    [8, [line('TFIELDS', 1000), "TFORM1  = 'D'"], /TFIELDS is 1000/],
    [8, [line('TFIELDS', 1), "TFORM1  = '9D'"], /ends at byte 72 of rows of 8/],
    [8, [line('TFIELDS', 1), "TFORM1  = '99999999999999999999D'"], /not a format/],
    [8, [line('TFIELDS', 1), "TFORM1  = 'Z'"], /not a format/],
    [8, [line('TFIELDS', 1), "TFORM1  = '3PE(1)'"], /not a format/],
    [8, [line('TFIELDS', 1), "TFORM1  = 'D'", "TSCAL1  = 'x'"], /TSCAL1 is 'x', not a number/],
    [8, [line('TFIELDS', 1), "TFORM1  = 'PE'", line('THEAP', 3)], /THEAP is 3/],
  ]
  for (const [rowBytes, cards, message] of wrong)
    t.throws(read(rowBytes, cards), { name: 'FitsError', message }, String(message))
})

t.test('a table is asked for where there is none', async (t) => {
  const hdu = openFits(encodeFits([{ kind: 'empty' }])).hdus[0]!
  t.throws(() => readTable(hdu), FitsError)
})

t.test('vectors are written in one go with the same bytes as number by number', async (t) => {
  const odd = [0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-46, 1e39, 16777217]
  const floats = Array.from({ length: 3 * 20 }, (_, k) => odd[k] ?? Math.sin(k) * 10 ** (k - 30))
  const whole = floats.map((_, k) => (k - 30) * 1000)
  const written = (columns: NewColumn[]) => encodeFits([{ kind: 'table', columns, rows: 3 }])
  const check = (format: string, plain: number[], typed: NewColumn['values'][]) => {
    const lead: NewColumn = { name: 'a', format: 'B', values: Uint8Array.of(1, 2, 3) } // so that nothing is aligned
    const slow = written([lead, { name: 'v', format, values: plain }])
    for (const values of typed) t.same(written([lead, { name: 'v', format, values }]), slow, format)
  }
  check('20E', floats, [Float64Array.from(floats), Float32Array.from(floats)])
  check('20D', floats, [Float64Array.from(floats)])
  check('20J', whole, [Int32Array.from(whole)])
  check('20I', whole, [Int16Array.from(whole)])
})
