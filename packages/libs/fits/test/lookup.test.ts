import t from 'tap'
import { cardLookup, createHeader, encodeFits, imageHdu, type NewHdu, openFits } from '../src/index.js'

t.test('an image of an extension has the keywords of an empty primary too, its own first', async (t) => {
  const primary = createHeader([
    ['EXPTIME', 600],
    ['OBJECT', 'M 67'],
  ])
  const header = createHeader([
    ['OBJECT', 'NGC 2682'],
    ['HIERARCH ESO DET OUT1 CONAD', 1.8],
  ])
  const image: NewHdu = { kind: 'image', header, bitpix: 16, axes: [2, 1], pixels: Int16Array.of(1, 2) }
  const lookup = cardLookup(imageHdu(openFits(encodeFits([{ kind: 'empty', header: primary }, image]))))
  t.equal(lookup('EXPTIME'), 600)
  t.equal(lookup('object'), 'NGC 2682')
  t.equal(lookup('ESO DET OUT1 CONAD'), 1.8)
  t.equal(lookup('NOTHING'), undefined)
})

t.test('an extension beside an image in the primary does not have its keywords', async (t) => {
  const pixels = Int16Array.of(1, 2)
  const image = (cards: [string, number][]): NewHdu => ({
    kind: 'image',
    header: createHeader(cards),
    bitpix: 16,
    axes: [2, 1],
    pixels,
  })
  const file = openFits(encodeFits([image([['EXPTIME', 600]]), image([])]))
  t.equal(cardLookup(file.hdus[1])('EXPTIME'), undefined)
})
