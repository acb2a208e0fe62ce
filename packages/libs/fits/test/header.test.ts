import t from 'tap'
import {
  addHistory,
  type CardValue,
  cardValue,
  createHeader,
  encodeFits,
  findCard,
  flagOf,
  type Header,
  numberOf,
  openFits,
  removeCard,
  setCard,
  textOf,
  verifySums,
} from '../src/index.js'
import { fileOfLines, minimal } from './raw.js'

/** The header of a file whose primary HDU has these cards after the mandatory ones. */
function headerOf(...lines: string[]): Header {
  return openFits(fileOfLines([...minimal, ...lines])).hdus[0]!.header
}

const VALUES: [string, CardValue][] = [
  ["'M 31 / NGC 224'", 'M 31 / NGC 224'],
  ["'O''Brien''s comet'  / found in 1978", "O'Brien's comet"],
  ["''", ''],
  ["'      '", ''],
  ["'  leading blanks count   '", '  leading blanks count'],
  ["'never closed", 'never closed'],
  ['                   T / true', true],
  ['F', false],
  ['                  42 / the answer', 42],
  ['+7', 7],
  ['-0.5', -0.5],
  ['.5', 0.5],
  ['5.', 5],
  ['1.5E3', 1500],
  ['1.5D3 / double precision', 1500],
  ['1d-3', 0.001],
  ['9007199254740993', 9007199254740993n],
  ['-18446744073709551616', -18446744073709551616n],
  ['(1.0, -2.5) / complex', '(1.0, -2.5)'],
  ['', undefined],
  ['      / no value', undefined],
  ['NaN', 'NaN'],
  ['12:30:05 / nobody quoted it', '12:30:05'],
  ['t', 't'],
  ['1e400', '1e400'],
]

for (const [written, value] of VALUES) {
  t.test(`a value written ${written.trim() || 'as blanks'} is ${String(value) || 'an empty string'}`, async (t) => {
    t.strictSame(cardValue(headerOf(`KEY     = ${written}`), 'key'), value)
  })
}

t.test('comments are kept, also behind strings that hold a slash', async (t) => {
  t.equal(
    findCard(headerOf("OBJECT  = 'a/b'      / the target / of tonight"), 'OBJECT')?.comment,
    'the target / of tonight',
  )
})

t.test('long strings go on in CONTINUE cards, and an ampersand that is meant stays', async (t) => {
  const header = headerOf(
    "LONG    = 'one &'  / first",
    "CONTINUE  '  two &'",
    "CONTINUE  'three' / last",
    "AND     = 'R&'",
  )
  t.equal(cardValue(header, 'LONG'), 'one   two three')
  t.equal(findCard(header, 'LONG')?.comment, 'first last')
  t.equal(cardValue(header, 'AND'), 'R&')
})

t.test('HIERARCH keywords are found with and without the word, in any case', async (t) => {
  const header = headerOf('HIERARCH ESO DET OUT1 GAIN = 1.5 / [e/adu]', 'HIERARCH is a word here')
  t.equal(numberOf(header, 'ESO DET OUT1 GAIN'), 1.5)
  t.equal(numberOf(header, 'hierarch eso det out1 gain'), 1.5)
  t.equal(findCard(header, 'HIERARCH')?.value, ' is a word here')
})

t.test('careless cards are understood: lower case, no blank after the sign, a sign in the wrong column', async (t) => {
  const header = headerOf('exptime =12.5', 'GAIN= 2.5 / typed by hand', 'FILTER  = r')
  t.equal(numberOf(header, 'EXPTIME'), 12.5)
  t.equal(numberOf(header, 'GAIN'), 2.5)
  t.equal(textOf(header, 'FILTER'), 'r')
})

t.test('the first of two cards of one name counts, as in other readers', async (t) => {
  t.equal(numberOf(headerOf('GAIN    = 1', 'GAIN    = 2'), 'GAIN'), 1)
})

t.test('numbers are found in strings, words stand for flags', async (t) => {
  const header = createHeader([
    ['A', ' 1.5D1 '],
    ['B', 'N/A'],
    ['C', 'True'],
    ['D', 0],
    ['E', 7],
    ['F', true],
    ['G', 2n ** 60n],
  ])
  t.equal(numberOf(header, 'A'), 15)
  t.equal(numberOf(header, 'B'), undefined)
  t.equal(flagOf(header, 'C'), true)
  t.equal(flagOf(header, 'D'), false)
  t.equal(flagOf(header, 'E'), undefined)
  t.equal(textOf(header, 'F'), 'T')
  t.equal(numberOf(header, 'G'), 2 ** 60)
})

t.test('cards are set, removed and added', async (t) => {
  const header = createHeader([
    ['A', 1, 'one'],
    ['B', 2],
    ['A', 3],
  ])
  setCard(header, 'a', 10)
  t.same(header.cards[0], { keyword: 'A', value: 10, comment: 'one', text: undefined })
  setCard(header, 'NEW', 'x', 'fresh')
  t.equal(textOf(header, 'NEW'), 'x')
  removeCard(header, 'A')
  t.same(
    header.cards.map((card) => card.keyword),
    ['B', 'NEW'],
  )
  addHistory(header, 'word '.repeat(40).trim())
  t.ok(header.cards.filter((card) => card.keyword === 'HISTORY').every((card) => String(card.value).length <= 72))
})

const AWKWARD: [string, CardValue, string?][] = [
  ['TENTH', 0.1],
  ['SMALL', 5e-324],
  ['LARGE', 1.7976931348623157e308],
  ['MINUS', -0],
  ['MANY', 2 ** 53 + 2],
  ['INTEGER', -2147483648],
  ['BIG', 2n ** 63n],
  ['FLAG', false],
  ['NOTHING', undefined, 'no value yet'],
  ['QUOTES', "''' it's '", 'quotes'],
  ['LONG', "it's a long string, ".repeat(20).trim(), 'with a comment'],
  ['EDGE', `${'x'.repeat(66)}''`],
  ['AMP', `${'y'.repeat(67)}&`],
  ['ESO DET WIN1 STRX', 12.25, 'long keyword'],
  ['ESO LONG STRING VALUE', 'z'.repeat(200)],
]

t.test('every value reads back exactly as it was set', async (t) => {
  const header = openFits(encodeFits([{ kind: 'empty', header: createHeader(AWKWARD) }])).hdus[0]!.header
  for (const [keyword, value] of AWKWARD) t.strictSame(cardValue(header, keyword), value, keyword)
})

t.test('a file that is read and written again has the same bytes', async (t) => {
  const odd = headerOf(
    'A       =               1.5000 / zeros',
    'B       = 2D3',
    'C       = (1.0, 2.0)',
    'D       =                 1E-1',
  )
  const once = encodeFits([
    { kind: 'empty', header: createHeader(AWKWARD) },
    { kind: 'empty', name: 'ODD', header: odd },
  ])
  const again = openFits(once).hdus.map((hdu) => ({ kind: 'empty', header: hdu.header }) as const)
  t.same(encodeFits(again), once)
})

t.test('a number that others wrote keeps its digits in a copy', async (t) => {
  const header = headerOf('A       =               1.5000 / zeros')
  const bytes = encodeFits([{ kind: 'empty', header }])
  t.match(Buffer.from(bytes).toString('latin1'), 'A       =               1.5000 / zeros')
})

t.test('a card never grows beyond 80 characters', async (t) => {
  const write = (keyword: string, value: CardValue) => () =>
    encodeFits([{ kind: 'empty', header: createHeader([[keyword, value]]) }])
  t.throws(write('A'.repeat(60), 1), RangeError)
  t.throws(write(`ESO ${'A'.repeat(43)}`, -Number.MAX_VALUE), RangeError)
  t.doesNotThrow(write(`ESO ${'A'.repeat(43)}`, 'text'))
  const header = headerOf(`A= ${'1'.padEnd(75, '0')}`)
  t.equal(numberOf(openFits(encodeFits([{ kind: 'empty', header }])).hdus[0]!.header, 'A'), 1e74)
})

t.test('a card that looks like an empty checksum is left alone', async (t) => {
  const bytes = encodeFits([{ kind: 'empty', header: createHeader([['SERIAL', '0000000000000000']]) }])
  const file = openFits(bytes)
  t.equal(textOf(file.hdus[0]!.header, 'SERIAL'), '0000000000000000')
  t.equal(verifySums(file)[0]!.checksum, 'right')
})

t.test('accents are dropped, and what is not ASCII becomes a question mark', async (t) => {
  const header = createHeader([['OBSERVER', 'Frédéric Šafařík', 'µm']])
  const back = openFits(encodeFits([{ kind: 'empty', header }])).hdus[0]!.header
  t.equal(textOf(back, 'OBSERVER'), 'Frederic Safarik')
  t.equal(findCard(back, 'OBSERVER')?.comment, '?m')
})
