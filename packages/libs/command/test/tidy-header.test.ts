import { type Card, createHeader, findCard } from '@nightpipe/fits'
import t from 'tap'
import { tidyHeader } from '../src/tidy-header.js'

const words = (header: ReturnType<typeof createHeader>) => header.cards.map(({ keyword, value }) => [keyword, value])

t.test('a keyword that stands twice stands once, and what else it said is a comment', async (t) => {
  const header = createHeader([
    ['RA', 5.648, 'MIDAS desc.: RA(1)'],
    ['AIRMASS', 1.068],
    ['HISTORY', 'made at night'],
    ['RA', 5.649, 'MIDAS desc.: O_POS(1)'],
    ['AIRMASS', 1.068],
    ['HISTORY', 'made at night'],
  ])
  tidyHeader(header, true)
  t.same(words(header), [
    ['RA', 5.648],
    ['AIRMASS', 1.068],
    ['HISTORY', 'made at night'],
    ['COMMENT', 'RA 5.649 / MIDAS desc.: O_POS(1)'],
    ['HISTORY', 'made at night'],
  ])
})

t.test('a plate solution without an image says its axes first; with one, the image does', async (t) => {
  const solution = [
    ['OBJECT', 'M 67'],
    ['CTYPE1', 'RA---TAN'],
    ['CD2_1', 0.001],
    ['EQUINOX', 2000],
  ] as const
  const [alone, image] = [createHeader(solution), createHeader(solution)]
  tidyHeader(alone, false)
  tidyHeader(image, true)
  t.same(
    alone.cards.map(({ keyword }) => keyword),
    ['OBJECT', 'WCSAXES', 'CTYPE1', 'CD2_1', 'EQUINOX'],
  )
  t.equal(findCard(alone, 'WCSAXES')?.value, 2)
  t.same(words(image), words(createHeader(solution)))
  const late = createHeader([...solution, ['PV2_10', 0], ['WCSAXES', 2]])
  tidyHeader(late, false)
  t.same(words(late).slice(0, 2), [
    ['OBJECT', 'M 67'],
    ['WCSAXES', 2],
  ])
  t.equal(late.cards.filter(({ keyword }) => keyword === 'WCSAXES').length, 1)
  const dotted: Card = { keyword: 'WCSAXES', value: 2, comment: '', text: '2.' }
  const real = { cards: [dotted] }
  tidyHeader(real, true)
  t.equal(dotted.text, undefined, 'as an integer')
  const rotator = createHeader([['CROTA2', 12.5, 'rotator']])
  tidyHeader(rotator, false)
  t.same(words(rotator), [['COMMENT', 'CROTA2 12.5 / rotator']])
  const plain = createHeader([['OBJECT', 'M 67']])
  tidyHeader(plain, false)
  t.same(words(plain), [['OBJECT', 'M 67']])
})

t.test('the equinox has its name of today, and a date that is called epoch keeps its own', async (t) => {
  const [old, both, date] = [
    createHeader([['EPOCH', 1950]]),
    createHeader([
      ['EPOCH', 2000],
      ['EQUINOX', 2000],
    ]),
    createHeader([['EPOCH', 2017.97]]),
  ]
  for (const header of [old, both, date]) tidyHeader(header, true)
  const letter = createHeader([['EQUINOX', 'J2000.0']])
  tidyHeader(letter, true)
  t.same(words(letter), [['EQUINOX', 2000]])
  t.same([old, both, date].map(words), [[['EQUINOX', 1950]], [['EQUINOX', 2000]], [['EPOCH', 2017.97]]])
})

t.test('an equinox without a value goes, and so does a second matrix', async (t) => {
  const header = createHeader([
    ['EQUINOX', '        '],
    ['CTYPE1', 'RA---TAN'],
    ['CD1_1', 0.001],
    ['PC1_1', 0.001],
  ])
  tidyHeader(header, true)
  t.same(words(header), [
    ['CTYPE1', 'RA---TAN'],
    ['CD1_1', 0.001],
  ])
})
