import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import t from 'tap'
import {
  alignColumns,
  checkTable,
  defineTable,
  editTable,
  formatCsv,
  parseCsv,
  parseTable,
  readTable,
  upsertRows,
} from '../src/index.js'

const frames = defineTable({
  name: 'frames.csv',
  columns: [
    { name: 'file', type: 'text', doc: 'name of the frame', required: true },
    { name: 'count', type: 'integer', doc: 'pixels used' },
    { name: 'level_adu', type: 'number', doc: 'median', unit: 'adu' },
    { name: 'good', type: 'flag', doc: 'passed' },
  ],
  key: ['file'],
})

const inFile = (t: { testdir: (o: Record<string, string>) => string }, text?: string) =>
  join(t.testdir(text === undefined ? {} : { 'frames.csv': text }), 'frames.csv')

t.test('cells are what their column declares, never a guess', async (t) => {
  const rows = readTable(inFile(t, 'file,count,level_adu,good\n012,12,1.5D3,yes\n1e5,,,\n'), frames)
  t.same(rows, [
    { file: '012', count: 12, level_adu: 1500, good: true },
    { file: '1e5', count: undefined, level_adu: undefined, good: undefined },
  ])
})

t.test(
  'a byte order mark, CRLF, blank lines, blanks around numbers and a missing last line end do not matter',
  async (t) => {
    const rows = readTable(inFile(t, '\uFEFFfile, count ,level_adu,good\r\n"a",  3 ,,F\r\n\r\n,,,\r\nb'), frames)
    t.same(
      rows.map((row) => [row.file, row.count, row.good]),
      [
        ['a', 3, false],
        ['b', undefined, undefined],
      ],
    )
  },
)

t.test('commas, quotes and line ends inside cells come back, whatever they are', async (t) => {
  const path = inFile(t)
  const nasty = [
    'a,b',
    '"',
    '""',
    'x"y',
    'two\nlines',
    'two\r\nlines',
    'old\rmac',
    ' blanks ',
    '#no comment',
    '=1+1',
    'é😀',
    'a\tb',
    "'",
    '\uFEFFmark',
  ]
  const wanted = nasty.map((text, i) => ({ file: text, count: i }))
  await upsertRows(path, frames, wanted)
  const rows = readTable(path, frames)
  for (const row of wanted.filter((row) => row.file.trim()))
    t.equal(rows.find((r) => r.count === row.count)?.file, row.file)
})

t.test('every float64 comes back bit for bit', async (t) => {
  const path = inFile(t)
  const bits = new DataView(new ArrayBuffer(8))
  const values = [
    0,
    -0,
    0.1,
    1 / 3,
    5e-324,
    Number.MAX_VALUE,
    -1.7976931348623157e308,
    Infinity,
    -Infinity,
    NaN,
    1e21,
    123456789012345680,
  ]
  let seed = 1
  for (let i = 0; i < 500; i++) {
    for (const half of [0, 4]) {
      seed = (seed * 1664525 + 1013904223) >>> 0
      bits.setUint32(half, seed)
    }
    values.push(bits.getFloat64(0))
  }
  const rows = values.map((level_adu, i) => ({ file: String(i).padStart(4, '0'), level_adu }))
  await upsertRows(path, frames, rows)
  const back = readTable(path, frames)
  t.ok(values.every((value, i) => Object.is(value, back[i]!.level_adu)))
})

t.test('rows are sorted by key, the last of equal keys wins, doing it twice changes nothing', async (t) => {
  const path = inFile(t)
  const rows = [
    { file: 'b', count: 1 },
    { file: 'a', count: 2 },
    { file: 'b', count: 3 },
  ]
  await upsertRows(path, frames, rows)
  const once = readFileSync(path, 'utf8')
  t.equal(once, 'file,count,level_adu,good\na,2,,\nb,3,,\n')
  await upsertRows(path, frames, rows)
  t.equal(readFileSync(path, 'utf8'), once)
})

t.test('what was not declared, what was not touched, and how a person spelt it stay', async (t) => {
  const path = inFile(t, 'note,file,count,level_adu\n"by hand, yes",b,007,1.50\n,a,1,2.0\n')
  await upsertRows(path, frames, [{ file: 'b', count: 7, level_adu: 3, good: true }])
  t.equal(readFileSync(path, 'utf8'), 'note,file,count,level_adu,good\n,a,1,2.0,\n"by hand, yes",b,007,3,true\n')
  await editTable(path, frames, (rows) => rows.map((row) => ({ file: row.file, count: 9 })))
  t.equal(readFileSync(path, 'utf8'), 'note,file,count,level_adu,good\n,a,9,,\n"by hand, yes",b,9,,\n')
})

t.test('rows can be taken out; an edit that fails leaves the file as it was', async (t) => {
  const path = inFile(t, 'file,count,level_adu,good\na,1,,\nb,2,,\n')
  await t.rejects(
    editTable(path, frames, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  await editTable(path, frames, async (rows) => rows.filter((row) => row.file !== 'a'))
  t.equal(readFileSync(path, 'utf8'), 'file,count,level_adu,good\nb,2,,\n')
})

t.test('a bad cell is named by file, line and column, also behind cells that hold line ends', async (t) => {
  const path = inFile(t, 'file,count,level_adu,good\n"two\nlines",1,,\nb,1.5,,\n')
  t.throws(() => readTable(path, frames), {
    name: 'DataError',
    message: `${path}:4: count: '1.5' is not a whole number`,
  })
  await upsertRows(path, frames, [{ file: 'c', count: 1 }])
  t.match(
    readFileSync(path, 'utf8'),
    /\nb,1.5,,\n/,
    'a row may be added beside it, and the cell stays for its owner to mend',
  )
})

t.test('broken tables are refused in one line', async (t) => {
  const says = (text: string) => {
    try {
      parseTable(text, 'frames.csv', frames)
      return 'nothing'
    } catch (error) {
      return (error as Error).message
    }
  }
  t.equal(says('file,file\n'), "frames.csv: two columns are named 'file'")
  t.match(says('count\n1\n'), /^frames.csv has no column file/)
  t.equal(says('file,count\na,1,2\n'), 'frames.csv:2: 3 cells, the header has 2')
  t.equal(says('file,count\na,"1\nb,2\n'), 'frames.csv:3: a quoted cell is never closed')
  t.match(says('file,count\na,1\nb"c,2\n'), /^frames.csv:3: a quote in the middle/)
  t.equal(says('file,count\n,1\n'), 'frames.csv:2: file: is missing')
  t.throws(() => readTable(inFile(t), frames), { message: /^no table / })
  t.same(readTable(inFile(t), frames, { orEmpty: true }), [])
  const path = inFile(t, '')
  writeFileSync(path, Buffer.from([0x66, 0x0a, 0xe9, 0x0a]))
  t.throws(() => readTable(path, frames), { message: /is not UTF-8 text \(first other byte after line 2\)/ })
})

t.test(
  'a row of the wrong type, with an unknown column or without its key is a bug, and nothing is written',
  async (t) => {
    const path = inFile(t)
    for (const row of [
      { file: 1 },
      { file: 'a', count: 1.5 },
      { file: 'a', colour: 'red' },
      { count: 1 },
      { file: ' ' },
    ]) {
      await t.rejects(upsertRows(path, frames, [row as never]), { name: 'RangeError' })
    }
    t.throws(() => readFileSync(path))
  },
)

t.test('a table without key only grows, in the order of writing', async (t) => {
  const history = defineTable({ name: 'history.csv', columns: [{ name: 'what', type: 'text', doc: '' }], key: [] })
  const path = inFile(t)
  await upsertRows(path, history, [{ what: 'b' }])
  await upsertRows(path, history, [{ what: 'a' }, { what: undefined }, { what: 'a' }])
  t.equal(readFileSync(path, 'utf8'), 'what\nb\na\n""\na\n')
})

t.test('tables of the NRES pipeline are read by position, with their odd header or without one', async (t) => {
  const standards = defineTable({
    name: 'standards.csv',
    columns: [
      { name: 'type', type: 'text', doc: '', required: true },
      { name: 'file', type: 'text', doc: '', required: true },
      { name: 'averaged', type: 'integer', doc: '' },
      { name: 'jd', type: 'number', doc: '', missing: ['-99.9'] },
      { name: 'flags', type: 'text', doc: '' },
    ],
    key: ['file'],
    sort: ['jd'],
    layout: 'positional',
  })
  const rows = '"BIAS","bias/b.fits",1,2458162.62,"0000"\n"TRACE","trace/a.fits",1,-99.9,"0030"\n'
  const path = inFile(t, `Type,Filename,Navg,0.000,Flags\n${rows}`)
  t.same(
    readTable(path, standards).map((row) => [row.type, row.jd, row.flags]),
    [
      ['BIAS', 2458162.62, '0000'],
      ['TRACE', undefined, '0030'],
    ],
  )
  t.same(parseTable(rows, 'x', standards).length, 2)
  t.equal(
    parseTable('Type,Filename,0,0.000,Flags\n', 'x', standards).length,
    1,
    'a header that reads as data cannot be told',
  )
  await upsertRows(path, standards, [{ type: 'DARK', file: 'dark/c.fits', averaged: 5, jd: 2458000.25, flags: '0000' }])
  t.equal(
    readFileSync(path, 'utf8'),
    'Type,Filename,Navg,0.000,Flags\nDARK,dark/c.fits,5,2458000.25,0000\nBIAS,bias/b.fits,1,2458162.62,0000\nTRACE,trace/a.fits,1,-99.9,0030\n',
  )
})

t.test(
  'text in quotes stays in quotes where other programs expect it, and blanks before a quote do no harm',
  async (t) => {
    const spec = defineTable({
      name: 'standards',
      columns: [
        { name: 'Type', type: 'text', doc: '' },
        { name: 'Navg', type: 'integer', doc: '' },
        { name: 'Flags', type: 'text', doc: '' },
      ],
      key: [],
      layout: 'positional',
      quoted: true,
    })
    const path = inFile(t, '"Type",0,"Flags"\n"BIAS",  1.0, "0000 "\nDARK,02,0010\n')
    t.same(
      readTable(path, spec).map((row) => [row.Type, row.Navg, row.Flags]),
      [
        ['BIAS', 1, '0000 '],
        ['DARK', 2, '0010'],
      ],
      'the header is known by the names of its text columns',
    )
    await editTable(path, spec, (rows) => [...rows.slice(1), { Type: 'FL"T', Navg: 3, Flags: '0030' }])
    t.equal(
      readFileSync(path, 'utf8'),
      'Type,0,Flags\n"DARK",02,"0010"\n"FL""T",3,"0030"\n',
      'kept rows keep their spelling',
    )
  },
)

t.test('a cell that cannot be read is missing where the reader says so, and told', async (t) => {
  const path = inFile(t, 'a,b\n1,3.106.2\n2,5\n')
  const spec = defineTable({
    name: 'x',
    columns: [
      { name: 'a', type: 'integer', doc: '' },
      { name: 'b', type: 'number', doc: '' },
    ],
    key: ['a'],
  })
  const told: string[] = []
  const rows = readTable(path, spec, { onProblem: ({ message }) => told.push(message) })
  t.same(
    rows.map(({ b }) => b),
    [undefined, 5],
  )
  t.match(told, [/:2: b: '3\.106\.2' is not a number$/])
  t.throws(() => readTable(path, spec), /3\.106\.2/)
})

t.test('the check finds what a hand may have broken', async (t) => {
  const path = inFile(t, 'file,count,level_adu,good\nb,1,x,maybe\na,1,,\na,2,,\n,3,,\n')
  t.same(checkTable(path, frames), [
    { line: 2, column: 'level_adu', problem: "'x' is not a number" },
    { line: 2, column: 'good', problem: "'maybe' is not true or false" },
    { line: 4, problem: 'the same file as line 3' },
    { line: 5, column: 'file', problem: 'is missing' },
  ])
  t.same(checkTable(inFile(t, 'file\nb\na\n'), frames), [{ line: 3, problem: 'not sorted by file' }])
  t.same(checkTable(inFile(t, 'file,count\na,1,2\n'), frames), [{ line: 2, problem: '3 cells, the header has 2' }])
  t.same(checkTable(inFile(t, 'file\na\nb\n'), frames), [])
})

t.test('for a terminal, numbers stand right, text left, and control characters do nothing', async (t) => {
  t.equal(
    alignColumns([
      ['name', 'n'],
      ['a', '1.5'],
      ['bcd\u001b[2J', '10'],
    ]),
    'name       n\na        1.5\nbcd·[2J   10\n',
  )
})

t.test('a declaration that cannot work is refused', async (t) => {
  t.throws(() => defineTable({ name: 'x', columns: [], key: ['a'] }), {
    message: 'x has no column a for its key or order',
  })
  const twice = { name: 'a', type: 'text', doc: '' } as const
  t.throws(() => defineTable({ name: 'x', columns: [twice, twice], key: [] }), { message: 'x declares column a twice' })
})

t.test('plain tables, which need no parser, are read and written as csv-parse and csv-stringify do', async (t) => {
  let seed = 7
  const below = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * n)
  }
  const pieces = ['a', 'b', ',', ',', '\n', '\n', ' ', '\t', '0', '1.5', 'é', '\u2028', '"', '\r']
  const text = (most: number, kinds: number) => Array.from({ length: below(most) }, () => pieces[below(kinds)]).join('')
  let odd = 0
  for (let k = 0; k < 3000; k++) {
    const plain = text(14, 12) // neither quotes nor CR
    const options = {
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      info: true,
    }
    const parsed = parse(plain, options) as unknown as { info: { lines: number }; record: string[] }[]
    const expected = parsed.map(({ info, record }) => ({ cells: record, line: info.lines }))
    if (JSON.stringify(parseCsv(plain, 'x')) !== JSON.stringify(expected)) odd++
    const rows = Array.from({ length: 1 + below(3) }, () => Array.from({ length: 2 + below(3) }, () => text(4, 14)))
    if (formatCsv(rows) !== stringify(rows, { quoted_match: /[\r\n]|^\s|\s$/ })) odd++
  }
  t.equal(odd, 0)
})
