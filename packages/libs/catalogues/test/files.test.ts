import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHeader, writeFits } from '@nightpipe/fits'
import { FIXTURES, scratch } from '@nightpipe/testing'
import t from 'tap'
import { bandsOf, catalogueOf, openCatalogue, readStarFile, starsAsCsv, starsAsVotable, votable } from '../src/index.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../../../..')
const folder = scratch()
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

for (const form of ['tabledata', 'binary', 'binary2']) {
  t.test(`a VOTable of astropy, ${form}`, async (t) => {
    const path = join(root, `fixtures/catalogues/${form}.vot`)
    const stars = readStarFile(path)
    t.same(stars.id, ['4295806720', '9007199254740993', '-5', '7'], 'numbers of 64 bits stay whole')
    t.same([...stars.ra], [10.684708, 359.999999999, 0, 83.63])
    t.same([...stars.dec], [41.26875, -89.5, 0.25, 22.01])
    t.same([...stars.pmRa], [1.5, -2.25, Number.NaN, 3])
    t.same([...stars.magnitudes.G.value], [3.25, 12.5, 20.75, Number.NaN])
    const table = votable(readFileSync(path, 'utf8'), path)
    const texts = (name: string) => table.columns.find((column) => column.name === name)?.texts()
    t.same(texts('name'), ['M 31 & <co>', '', 'Vesta?', 'Crab'])
    t.equal(texts('visits')![1], '', 'no value')
    t.equal(texts('flags'), undefined, 'several values in a cell are nothing of a star')
  })
}

t.test('what is wrong with a VOTable is told', async (t) => {
  const start = '<VOTABLE><RESOURCE><INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="ra" datatype="double"/>'
  const cases: [string, RegExp][] = [
    [
      '<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">no such &lt;table&gt;</INFO></VOTABLE>',
      /says: no such <table>/,
    ],
    ['<VOTABLE><RESOURCE></RESOURCE></VOTABLE>', /is no VOTable with a table/],
    [
      `${start}<DATA><TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA></DATA></TABLE>`,
      /row 1 of .* has 2 cells, the table has 1 fields/,
    ],
    [
      `${start}<DATA><BINARY><STREAM encoding="base64">AAAA</STREAM></BINARY></DATA></TABLE>`,
      /ends in the middle of row 1/,
    ],
    [
      `${start}<DATA><BINARY><STREAM href="http://x/y"/></BINARY></DATA></TABLE>`,
      /its data in another file \(http:\/\/x\/y\)/,
    ],
    [`${start}<DATA><FITS><STREAM/></FITS></DATA></TABLE>`, /in a form that is not read here/],
    [
      `${start.replace('double', 'quad')}<DATA><BINARY><STREAM encoding="base64">AAAA</STREAM></BINARY></DATA></TABLE>`,
      /unknown type quad/,
    ],
  ]
  for (const [text, message] of cases) t.throws(() => readStarFile(file('bad.vot', text)), message)
})

t.test('prefixes, CDATA and comments of XML are understood', async (t) => {
  const text =
    '<?xml version="1.0"?>\n<vot:VOTABLE xmlns:vot="x"><vot:RESOURCE><vot:COOSYS system="ICRS" epoch="J2015.5"/>' +
    "<vot:TABLE><vot:FIELD name='RAJ2000' datatype='char' arraysize='*' unit='\"h:m:s\"'/><vot:FIELD name='DEJ2000' datatype='char' arraysize='*'/>" +
    '<vot:FIELD name="Vmag" datatype="float"/><vot:DATA><vot:TABLEDATA><vot:TR><vot:TD>05 35 17.3</vot:TD><vot:TD><![CDATA[-05 23 28]]></vot:TD><vot:TD/></vot:TR>' +
    '</vot:TABLEDATA></vot:DATA></vot:TABLE></vot:RESOURCE></vot:VOTABLE>'
  const stars = readStarFile(file('prefix.vot', text))
  t.match(stars, { count: 1, epoch: 2015.5 })
  t.ok(Math.abs(stars.ra[0] - 83.8220833) < 1e-6 && Math.abs(stars.dec[0] + 5.3911111) < 1e-6)
  t.ok(Number.isNaN(stars.magnitudes.V.value[0]))
})

t.test('what is written is read again, as CSV and as VOTable', async (t) => {
  const stars = readStarFile(join(root, 'fixtures/catalogues/binary2.vot'))
  for (const [name, text] of [
    ['again.csv', starsAsCsv(stars)],
    ['again.vot', starsAsVotable(stars, 'a <b> & "c"')],
  ]) {
    t.same(readStarFile(file(name, text)), stars, name)
  }
})

t.test('tables of text with tabs, semicolons, bars or blanks; VizieR rules under the names are no star', async (t) => {
  const expected = {
    count: 2,
    ra: Float64Array.of(10, 11),
    magnitudes: { J: { value: Float32Array.of(12.5, Number.NaN) } },
  }
  for (const mark of ['\t', ';', '|', '   ', ',']) {
    const rows = [
      ['RAJ2000', 'DEJ2000', 'Jmag'],
      ['10', '-5.5', '12.5'],
      ['11', '-5', mark === '   ' ? 'nan' : ''],
    ]
    if (mark === ';') rows.splice(1, 0, ['deg', 'deg', 'mag'], ['----', '---', '---'])
    t.match(readStarFile(file('t.txt', `# comment\n${rows.map((row) => row.join(mark)).join('\n')}\n`)), expected)
  }
  t.throws(() => readStarFile(file('t.txt', 'ra,dec\n1,2\n3\n')), /t.txt: row 2 has 1 cells, the names are 2/)
  t.throws(() => readStarFile(file('t.txt', '')), /t.txt: has no row/)
  t.throws(() => readStarFile(file('t.txt', 'ra,dec\nx,2\n')), /'x' in row 1 of column ra/)
})

t.test('numbers are read to the last bit, and quoted cells as they should be', async (t) => {
  const numbers = [
    '0.1',
    '-0.000001',
    '123456789.123456',
    '3.14159265358979323846',
    '1e-7',
    '+5',
    '.5',
    '5.',
    '-1.5E+2',
  ]
  const stars = readStarFile(
    file(
      'n.csv',
      `\uFEFFpmra,dec,ra,pmdec\r\n${numbers.map((text) => `1,0,${text.replace(/^-/, '')},1`).join('\r\n')}\r\n`,
    ),
  )
  t.same(
    [...stars.ra],
    numbers.map((text) => Math.abs(Number(text)) % 360),
  )
  const quoted = readStarFile(file('q.csv', 'ra,dec,"Gmag",name\n1,2,"3.5","a ""b"", c"\n'))
  t.match(quoted, { id: ['a "b", c'] })
  t.equal(quoted.magnitudes.G.value[0], 3.5)
})

t.test('any FITS table of stars: units, null values, motions in degrees', async (t) => {
  const columns = [
    { name: 'alpha_j2000', unit: 'rad', values: Float64Array.of(1, 2) },
    { name: 'DELTA_J2000', values: Float64Array.of(0.5, 1) },
    { name: 'pmRA', unit: 'deg/yr', values: Float64Array.of(1e-6, 2e-6) },
    { name: 'pmDE', unit: 'arcsec/yr', values: Float64Array.of(0.1, 0.2) },
    { name: 'mag_r', values: Float32Array.of(12, 99) },
    { name: 'mag_err_r', values: Float32Array.of(0.25, 99) },
    { name: 'number', values: BigInt64Array.of(9007199254740993n, 2n) },
  ]
  const header = createHeader([['EPOCH', 2013]])
  writeFits(join(folder, 'any.fits'), [{ kind: 'table', name: 'X', header, columns, rows: 2 }])
  const stars = readStarFile(join(folder, 'any.fits'))
  t.match(stars, { epoch: 2013, id: ['9007199254740993', '2'] })
  t.ok(Math.abs(stars.ra[0] - 57.29577951) < 1e-8)
  t.ok(Math.abs(stars.pmRa[0] - 3.6) < 1e-6 && Math.abs(stars.pmDec[1] - 200) < 1e-4)
  t.same([...stars.magnitudes.r.value], [12, Number.NaN], 'a magnitude of 99 is none')
  t.equal(stars.magnitudes.r.error[0], 0.25)
})

const skip = existsSync(FIXTURES) ? false : 'the real files are not here'
t.test('the real catalogues', { skip }, async (t) => {
  const bright = openCatalogue(join(FIXTURES, 'catalogues/tycho2-mag6.fits'))
  t.match(bright, { count: 4683, bands: ['BT', 'VT', 'HP'] })
  t.equal(bright.cone(88.7929, 7.4071, 0.01).count, 1, 'Betelgeuse')
  const field = readStarFile(join(FIXTURES, 'catalogues/ogg2m001-ep04-20201006-0097-matched-cat.fits'))
  t.same(bandsOf(field), ['g', 'i', 'r', 'z'])
  t.ok(field.magnitudes.g.error[0] > 0 && field.ra.every((ra) => ra >= 0))
})

const index = '/usr/share/astrometry/index-tycho2-13.littleendian.fits'
const noIndex = existsSync(index) ? false : 'the index files of astrometry.net are not installed'
t.test('the stars of an index file of astrometry.net', { skip: noIndex }, async (t) => {
  const stars = readStarFile(index)
  t.ok(stars.count > 5000 && stars.count < 100000, `${stars.count} stars`)
  t.same(bandsOf(stars), ['VT'])
  const star = catalogueOf(stars, 'index').cone(88.7929, 7.407, 0.01)
  t.equal(star.count, 1, 'Betelgeuse')
  // Tree positions are whole numbers of 0.0001".
  t.ok(Math.hypot(star.ra[0] - 88.79287161, star.dec[0] - 7.40703634) * 3600 < 0.1)
})
