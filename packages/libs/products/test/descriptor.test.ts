import t from 'tap'
import { columnsOf, descriptorJson, metadataEntries, parseDescriptor, readDescriptorJson } from '../src/index.js'

const HEAD = 'name\tdescription\tlocation\tdata_type\tunit\tdefault\trange\tsdb_search\tba_search'
const CARD = ['CARD\tcard\tDT_TEST', 'CARD\tinstrument\tFGFT']
const row = (name: string, location: string, type = 'string', unit = '', given = '', range = '') =>
  [name, `what ${name} is`, location, type, unit, given, range, 'true', 'false'].join('\t')
const good = [
  ...CARD,
  ...['[HDU]\tPrimaryHDU', HEAD, row('CARD', 'header', 'string', '', 'DT_TEST', 'DT_TEST'), row('ORIGIN', 'header')],
  ...['[HDU]\tDT_TEST', HEAD, row('CARD', 'header', 'string', '', 'DT_TEST', 'DT_TEST')],
  ...[row('INSTRUME', '[col#1]', '8A'), row('MAG', '[col#2]', 'float', 'mag', '', '-30..40')],
]
const faultsOf = (lines: readonly string[], sets: Record<string, string> = {}) =>
  parseDescriptor(lines.join('\n'), 'dt.tsv', (name) => sets[name]).faults.map(
    ({ file, line, message }) => `${file}:${line}: ${message}`,
  )
const changed = (line: number, text: string) => good.map((old, k) => (k === line - 1 ? text : old))
const inserted = (line: number, ...texts: string[]) => [...good.slice(0, line - 1), ...texts, ...good.slice(line - 1)]

t.test('a good descriptor has no fault, and its columns in order', async (t) => {
  const { descriptor, faults } = parseDescriptor(good.join('\r\n'), 'dt.tsv')
  t.same(faults, [])
  t.match(descriptor, {
    card: 'DT_TEST',
    instrument: 'FGFT',
    extensions: [
      { name: 'PrimaryHDU', type: 'image' },
      { name: 'DT_TEST', type: 'bintable' },
    ],
  })
  t.match(columnsOf(descriptor, 'DT_TEST'), [
    { name: 'INSTRUME', format: '8A', column: 1, sdbSearch: false },
    { name: 'MAG', format: '1E', unit: 'mag', range: ['-30..40'] },
  ])
})

t.test('a keyword that stands twice is told with both lines', async (t) => {
  t.same(faultsOf(inserted(7, row('ORIGIN', 'header'))), [
    'dt.tsv:7: key ORIGIN already exist in PrimaryHDU, from line 6',
  ])
  t.same(faultsOf(inserted(12, row('MAG', '[col#3]', 'float'))), [
    'dt.tsv:12: key MAG already exist in DT_TEST, from line 11',
  ])
})

t.test('what an import brings twice is told in either HDU, with the file it came from', async (t) => {
  const sets = { 'head.tsv': `${HEAD}\n${row('PIP_VER', 'header')}\n${row('CARD', 'header')}\n` }
  t.same(faultsOf(inserted(7, '[imported keywords]\thead.tsv'), sets), [
    'head.tsv:3: key CARD already exist in PrimaryHDU, from dt.tsv:5',
  ])
  t.same(faultsOf([...good, '[imported keywords]\thead.tsv'], sets), [
    'head.tsv:3: key CARD already exist in DT_TEST, from dt.tsv:9',
  ])
  t.same(faultsOf(inserted(7, '[imported keywords]\tnone.tsv')), [
    'dt.tsv:7: [imported keywords] none.tsv: no such file',
  ])
})

t.test('names longer than eight letters are none of headers, but are of columns', async (t) => {
  t.match(faultsOf(changed(6, row('TELESCOPES', 'header'))), [/^dt.tsv:6: TELESCOPES Is not header/])
  t.match(faultsOf(changed(6, row('origin', 'header'))), [/^dt.tsv:6: origin Is not header/])
  t.same(faultsOf(changed(11, row('ERFITINDEX', '[col#2]', 'float'))), [])
})

t.test('tables without columns, gaps between them and columns without a place are told', async (t) => {
  t.same(faultsOf(good.slice(0, 9)), ['dt.tsv:7: no column found for DT_TEST extension'])
  t.match(faultsOf(changed(11, row('MAG', '', 'float'))), [
    /^dt.tsv:11: no column found for DT_TEST extension: MAG has no location/,
  ])
  t.match(faultsOf(changed(11, row('MAG', '[col#3]', 'float'))), [
    /^dt.tsv:11: no column found for DT_TEST extension: \[col#2\] before \[col#3\]$/,
  ])
  t.match(faultsOf(changed(11, row('MAG', '[col#1]', 'float'))), [/^dt.tsv:11: MAG: \[col#1\] is INSTRUME already/])
  t.match(faultsOf(changed(6, row('ORIGIN', '[col#1]'))), [/^dt.tsv:6: ORIGIN: \[col#1\] in PrimaryHDU/])
})

t.test('rows that are too short or too long are told, by how many cells they have', async (t) => {
  t.match(faultsOf(changed(6, row('ORIGIN', 'header').split('\t').slice(0, 7).join('\t'))), [
    /^dt.tsv:6: COL7 INVALID ROW FINDS/,
  ])
  t.match(faultsOf(changed(6, `${row('ORIGIN', 'header')}\tmore`)), [/^dt.tsv:6: COL10 INVALID ROW FINDS/])
  t.match(faultsOf(changed(6, 'ORIGIN')), [/^dt.tsv:6: COL1 INVALID ROW FINDS/])
})

t.test('types, defaults and ranges that do not fit are told', async (t) => {
  t.match(faultsOf(changed(6, row('ORIGIN', 'header', 'text'))), [/^dt.tsv:6: ORIGIN: 'text' is no data type/])
  t.match(faultsOf(changed(6, row('ORIGIN', 'header', 'integer', '', '1.5'))), [/default '1.5' is no integer/])
  t.match(faultsOf(changed(6, row('ORIGIN', 'header', 'string', '', 'ESO', 'FSC;CS'))), [
    /default ESO is not in its range/,
  ])
  t.match(faultsOf(changed(6, row('ORIGIN', 'header', 'float', '', '', '1..x'))), [/'1..x' in the range is no float/])
  t.match(faultsOf(changed(6, row('ORIGIN', 'header', 'float', '', '', '5..1'))), [/the range 5..1 is empty/])
})

t.test('a row that is bad hides no fault of another, and is blamed for no gap', async (t) => {
  const header = row('CARD', 'header')
  const told = faultsOf([...good.slice(0, 10), row('MAG', '[col#2]', 'word'), row('MAG', '[col#3]', '1E')])
  t.match(told, [/:11: MAG: 'word' is no data type/, /:12: key MAG already exist in DT_TEST, from line 11/])
  t.equal(told.length, 2)
  t.match(faultsOf([...good.slice(0, 10), 'MAG\t[col#2]', row('SNR', '[col#3]', '1E')]), { length: 1 })
  t.match(faultsOf([...good.slice(0, 10), row('MAG', 'col2', '1E'), row('SNR', '[col#3]', '1E')]), { length: 1 })
  t.match(faultsOf([header, ...good]), [/:1: COL\d+ INVALID ROW FINDS/])
})

t.test('keywords that FITS gives, and defaults that it cannot hold, are told', async (t) => {
  for (const name of ['NAXIS1', 'END', 'TTYPE3', 'BITPIX', 'TFIELDS'])
    t.match(faultsOf(changed(6, row(name, 'header'))), [/:6: \w+ Is not header: FITS says its value/])
  t.same(faultsOf(changed(11, row('END', '[col#2]', '1E'))), [], 'a column may be called so')
  const column = (type: string, value: string) => faultsOf(changed(11, row('MAG', '[col#2]', type, '', value)))
  t.match(column('5A', 'ABCDEF'), [/longer than its column of 5/])
  t.match(column('1I', '40000'), [/beyond -32768..32767 of a column 1I/])
  t.match(column('1B', '-1'), [/beyond 0..255/])
  t.same(column('1J', '40000'), [])
  t.match(faultsOf(changed(6, row('ORIGIN', 'header', 'string', '', 'été'))), [/letters that FITS does not know/])
})

t.test('names of columns that are none are told, and so is a card without a value', async (t) => {
  const head = 'name\tdescription\tlocation\tdata_type\tunit\tdefault\trange\tsdb_search\tba_searchh'
  const at = good.findIndex((line) => line.startsWith('name\t'))
  t.match(faultsOf(good.with(at, head)), [/COL9 INVALID ROW FINDS: 'ba_searchh' is no column of a descriptor/])
  const twice = head.replace('ba_searchh', 'unit')
  t.match(faultsOf(good.with(at, twice)), [/COL9 INVALID ROW FINDS: a second column unit/])
  const card = good.findIndex((line) => /^CARD\tinstrument/.test(line))
  t.match(faultsOf(good.with(card, 'CARD\tinstrument\t')), [new RegExp(`:${card + 1}: CARD instrument is empty`)])
})

t.test('all faults of a file come in one run, by line', async (t) => {
  const bad = good
    .with(5, row('TELESCOPES', 'header'))
    .with(8, row('CARD', 'header', 'word'))
    .with(10, row('MAG', '[col#4]', 'float', '', 'bright'))
  t.match(faultsOf(bad), [/:6: /, /:9: /, /:11: .*bright/, /:11: no column found/])
  t.match(faultsOf(good.slice(1)), [/:1: CARD card is missing/])
})

t.test('JSON and back is the same descriptor, and wrong JSON is refused with the place', async (t) => {
  const { descriptor } = parseDescriptor(good.join('\n'), 'dt.tsv')
  const json = JSON.stringify(descriptorJson(descriptor))
  t.same(readDescriptorJson(json), { descriptor, problems: [] })
  t.match(readDescriptorJson(json.replace('"float"', '"real number"')).problems, [/keywords\[4\].data_type/])
  t.match(readDescriptorJson('{').problems, [/not JSON/])
  t.match(readDescriptorJson('[]').problems, [/not an object/])
})

t.test('the eight columns of a metadata set are read, and their faults told', async (t) => {
  const head = 'name\tdescription\tformat\tunit\tdefault value\texpected value\tremark\tSdB'
  const text = [
    head,
    'ORIGIN\tfrom where\tstring\t\tFSC\tFSC;CS\t\ttrue',
    'MJDREFI\tepoch\tinteger\td\t57754\t\tfixed\tfalse',
  ].join('\n')
  const { entries, faults } = metadataEntries(text, 'keys.tsv', 'META')
  t.same(faults, [])
  t.match(entries, [
    { entry: { name: 'ORIGIN', default: 'FSC', sdbSearch: true } },
    { entry: { default: 57754, unit: 'd' }, remark: 'fixed' },
  ])
  const bad = [
    head,
    'ORIGIN\tx\tstring\t\tESO\tFSC\t\ttrue',
    'ORIGIN\tx\tstring\t\t\t\t\ttrue',
    'LONGKEYWORD\tx\tfloat\t\tone\t\t\tmaybe',
    'A\tb',
  ].join('\n')
  t.match(
    metadataEntries(bad, 'keys.tsv', 'META').faults.map(({ line, message }) => `${line} ${message}`),
    [
      /^2 .*not among the expected/,
      /^3 key ORIGIN already exist/,
      /^4 LONGKEYWORD Is not header/,
      /^4 .*SdB/,
      /^4 .*no float/,
      /^5 COL2 INVALID ROW FINDS/,
    ],
  )
})

t.test('a word of the card that is not known is told as what it is', async (t) => {
  const [told, ...more] = faultsOf(inserted(2, 'CARD\tcolour\tblue'))
  t.match(told, /^dt\.tsv:2: COL3 INVALID ROW FINDS: 'colour' before the first \[HDU\] \(known: card, /)
  t.same(more, [])
})
