import { join } from 'node:path'
import { createHeader, openFits, writeFits } from '@nightpipe/fits'
import t from 'tap'
import { starName } from '../src/index.js'

/** A container whose main header and whose telescopes call their objects so. */
function container(folder: string, main?: string, telescopes: readonly string[] = []) {
  const path = join(folder, 'a.fits')
  writeFits(path, [
    { kind: 'empty', header: createHeader(main === undefined ? [] : [['OBJECT', main]]) },
    ...telescopes.map((object, k) => ({
      kind: 'image' as const,
      ...{ bitpix: 16 as const, axes: [1, 1], pixels: new Int16Array(1) },
      header: createHeader([
        ['EXTNAME', `TELESCOPE_${k + 1}`],
        ['OBJECT', object],
      ]),
    })),
  ])
  return openFits(path)
}

t.test('a fibre that sees "star" sees the star that its telescope or OBJECT names', async (t) => {
  const alone = ['star', 'thar', 'none']
  const both = ['star1', 'thar', 'star2']
  const cases = [
    { file: container(t.testdir({}), 'HD 49933'), fibres: alone, fibre: 0, name: 'HD 49933' },
    { file: container(t.testdir({}), 'star&thar&none'), fibres: alone, fibre: 0, name: 'star' },
    { file: container(t.testdir({}), 'star&thar&none', ['HD1', 'HD2']), fibres: alone, fibre: 0, name: 'HD1' },
    { file: container(t.testdir({}), 'HD3', ['N/A', 'N/A']), fibres: alone, fibre: 0, name: 'HD3' },
    { file: container(t.testdir({}), 'HD3', ['HD1', 'HD2']), fibres: both, fibre: 2, name: 'HD2' },
    { file: container(t.testdir({}), 'HD3'), fibres: both, fibre: 2, name: 'star2' },
    { file: container(t.testdir({}), 'HD3', ['HD1', 'HD2']), fibres: ['tau Cet', 'thar'], fibre: 0, name: 'TAU CET' },
  ]
  for (const { file, fibres, fibre, name } of cases) {
    // as a profile reads it that looks into OBJECTS first
    t.equal(starName(file, fibre, { fibres, object: fibres.join('&') }).toUpperCase(), name.toUpperCase())
    file.close()
  }
})

t.test('without words for fibres it is the object of the frame', async (t) => {
  const file = container(t.testdir({}))
  t.equal(starName(file, 0, { object: 'Vega' }), 'Vega')
  file.close()
})
