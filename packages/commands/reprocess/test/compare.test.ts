import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import t from 'tap'
import { compareProducts } from '../src/compare-products.js'
import { countStates } from '../src/differences.js'
import { cutOut, onOneGrid } from '../src/image-pair.js'
import { matchSources, sourcesOf } from '../src/match-sources.js'
import { page } from '../src/page.js'
import type { Cell, ProductTable } from '../src/read-product.js'

const product = (
  card: string,
  rows: Record<string, Cell>[],
  keywords: Record<string, Cell> = {},
  units: Record<string, string> = {},
): ProductTable => ({ card, rows, keywords: new Map(Object.entries(keywords)), units: new Map(Object.entries(units)) })

const light = (CANDID: string, STARTMJD: number, MAG?: number, more: Record<string, Cell> = {}) => ({
  ...{ INSTRUME: 'FGFT', CANDID, FILTER: 'r', STARTMJD, IMAGEID: `i${STARTMJD}` },
  ...(MAG === undefined ? {} : { MAG, MAGERR: 0.1 }),
  ...more,
})

t.test(
  'candidates are matched by their places, each once, the closest first; names give them where no product does',
  async (t) => {
    const at = (CANDID: string, RA: number, DEC: number) => ({ CANDID, RA, DEC })
    const old = sourcesOf([product('PO', [at('A', 10, 0), at('B', 10, 1 / 3600)])])
    // 0.4" from A, 0.6" from B; and 0.3" from B: the second takes B, the first A
    const fresh = sourcesOf([product('PO', [at('C', 10, 0.4 / 3600), at('D', 10, 1.3 / 3600)])])
    t.same([...matchSources(old, fresh, 2)].sort(), [
      ['C', 'A'],
      ['D', 'B'],
    ])
    t.equal(matchSources(old, fresh, 0.1).size, 0, 'beyond the radius they are others')
    const [named] = sourcesOf([product('LC', [{ CANDID: 'J032655-463900' }])])
    t.ok(Math.abs(named!.at[0] - 15 * (3 + 26 / 60 + 55 / 3600)) < 1e-9)
    t.ok(Math.abs(named!.at[1] + (46 + 39 / 60)) < 1e-9)
    t.same([...matchSources([{ name: 'X', at: [0, 0] }], [{ name: 'X', at: [0, 1] }], 2)], [['X', 'X']])
  },
)

t.test(
  'magnitudes, limits and appearances are told apart; rows are those of the same time, whatever their order',
  async (t) => {
    const old = product('LC', [light('A', 1, 18), light('A', 2, 19), light('A', 3, undefined, { UPLIM: 21 })])
    const fresh = product('LC', [
      light('A2', 3, 20.5),
      light('A2', 2 + 0.2 / 86400, 19.3),
      light('A2', 1, 18),
      light('A2', 4, 22),
    ])
    const found = compareProducts('LC', old, fresh, new Map([['A2', 'A']]))
    const of = (quantity: string, at: string) => found.find((one) => one.quantity === quantity && one.at === at)
    t.match(of('MAG', 'i1'), { state: 'same', difference: 0 })
    t.match(of('MAG', 'i2'), { state: 'changed', old: 19, new: 19.3, source: 'A' })
    t.ok(Math.abs(of('MAG', 'i2')!.errors! - 3) < 1e-9, 'in errors of the old one')
    t.match(of('UPLIM', 'i3'), { state: 'gone', old: 21, new: undefined })
    t.match(of('MAG', 'i3'), { state: 'appeared', new: 20.5 })
    t.match(of('MAG', 'i4'), { state: 'appeared', source: 'A' })
    t.match(of('CANDID', 'i1'), { state: 'changed', old: 'A', new: 'A2' }, 'that its name changed is told too')
    const counts = countStates(found)
    t.equal(counts.same + counts.changed + counts.appeared + counts.gone, found.length)
  },
)

t.test('what is the same in every bit is told to be the same, and nothing is told of what neither knows', async (t) => {
  const rows = [light('A', 1, 18.1), light('A', 2, undefined, { SNR: undefined })]
  const found = compareProducts(
    'LC',
    product('LC', rows, { CANDNUMB: 1 }),
    product('LC', rows, { CANDNUMB: 1 }),
    new Map(),
  )
  t.ok(found.every(({ state }) => state === 'same'))
  t.notOk(found.some(({ quantity }) => quantity === 'SNR'))
})

t.test(
  'a shift is told in arcseconds and in errors of the position; a first detection of another source is a change',
  async (t) => {
    const at = (CANDID: string, RA: number) => ({ CANDID, FILTER: 'r', RA, DEC: 60, ER_PO: 0.5, DELTAT: 100 })
    const units = { RA: 'deg', ER_PO: 'arcsec' }
    const [a, b] = [product('PO', [at('A', 10)], {}, units), product('PO', [at('A', 10 + 2 / 3600)], {}, units)]
    const shift = compareProducts('PO', a, b, new Map([['A', 'A']]))
    const separation = shift.find(({ quantity }) => quantity === 'SEPARATION')!
    t.ok(Math.abs(separation.difference! - 1) < 1e-6, '2 arcsec of right ascension at 60 degrees')
    t.ok(Math.abs(separation.errors! - 2) < 1e-5)
    t.ok(Math.abs(shift.find(({ quantity }) => quantity === 'RA')!.errors! - 2) < 1e-5)
    const first = compareProducts('DT', a, product('DT', [{ ...at('Z', 200), DELTAT: 50 }]), new Map())
    t.match(
      first.find(({ quantity }) => quantity === 'DELTAT'),
      { state: 'changed', old: 100, new: 50, difference: -50 },
    )
    const headers = compareProducts(
      'DT',
      product('DT', [], { CANDNUMB: 0, MY_VERS: 1, NP_ID: 'a' }),
      product('DT', [], { CANDNUMB: 2, MY_VERS: 2, NP_ID: 'b' }),
      new Map(),
    )
    t.match(headers, [{ at: 'header', quantity: 'CANDNUMB', difference: 2 }])
    t.equal(headers.length, 1)
  },
)

t.test('a product that only one of them has appears, or is gone, as a whole', async (t) => {
  const one = product('QF', [light('A', 1, 18)])
  t.ok(compareProducts('QF', undefined, one, new Map()).every(({ state }) => state === 'appeared'))
  t.ok(compareProducts('QF', one, undefined, new Map()).every(({ state }) => state === 'gone'))
})

t.test('a cut-out at the edge has nothing where the image ends', async (t) => {
  const plane = { width: 3, height: 2, pixels: Float32Array.of(1, 2, 3, 4, 5, 6) }
  const { pixels, width } = cutOut(plane, 0, 0, 1)
  t.equal(width, 3)
  t.same([...pixels], [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 1, 2, Number.NaN, 4, 5])
})

t.test('names from elsewhere cannot become markup of the page', async (t) => {
  const nasty = '<script>alert(1)</script>'
  const facts = {
    burst: nasty,
    obsId: '',
    telescopeId: '',
    observationId: nasty,
    program: '',
    instrument: 'FGFT',
    filters: [],
    processing: 2,
  }
  const differences = compareProducts(
    'LC',
    product('LC', [light(nasty, 1, 18)]),
    product('LC', [light(nasty, 1, 19)]),
    new Map(),
  )
  const old = [{ id: 1, card: nasty, name: nasty, version: 1, sha256: 'a', program: '', observation: '', file: 'x' }]
  const pictures = [{ title: nasty, panels: '"><b>.png', note: nasty }]
  const text = page({
    facts,
    store: nasty,
    old,
    counts: countStates(differences),
    differences,
    pictures,
    changes: [{ stage: nasty, key: nasty }],
    charts: [nasty],
  })
  t.notMatch(text, '<script>')
  t.notMatch(text, '"><b>')
})

/** A frame of one star of flux 1e5 and FWHM 8 arcsec on a sky of 100 per square arcsec, with a plate solution or none. */
function starFrame(path: string, side: number, scale: number, { turn = 0, at = [1, 2], wcs = true } = {}): string {
  const [angle, degrees] = [(turn * Math.PI) / 180, scale / 3600]
  const [x0, y0] = [side / 2 + at[0]!, side / 2 + at[1]!]
  const sigma = 8 / 2.3548 / scale
  const pixels = Float32Array.from({ length: side * side }, (_, k) => {
    const [dx, dy] = [(k % side) - x0, Math.floor(k / side) - y0]
    return 100 * scale ** 2 + (1e5 / (2 * Math.PI * sigma ** 2)) * Math.exp(-(dx * dx + dy * dy) / (2 * sigma ** 2))
  })
  const solution: [string, string | number][] = [
    ['CTYPE1', 'RA---TAN'],
    ['CTYPE2', 'DEC--TAN'],
    ['CRVAL1', 150],
    ['CRVAL2', 40],
    ['CRPIX1', x0 + 1],
    ['CRPIX2', y0 + 1],
    ['CD1_1', -degrees * Math.cos(angle)],
    ['CD1_2', degrees * Math.sin(angle)],
    ['CD2_1', degrees * Math.sin(angle)],
    ['CD2_2', degrees * Math.cos(angle)],
  ]
  const header = createHeader(wcs ? solution : [])
  writeFits(path, [{ kind: 'image', bitpix: -32, axes: [side, side], pixels, header }])
  return path
}

t.test(
  'images on other grids are brought together by the sky: shifted, turned, of another scale and size',
  async (t) => {
    const folder = t.testdir()
    const fresh = starFrame(join(folder, 'new.fits'), 80, 2)
    const peak = 1e5 / (2 * Math.PI * (8 / 2.3548 / 2) ** 2)
    const cases: [string, string, number][] = [
      ['the same', starFrame(join(folder, 'a.fits'), 80, 2), 0],
      // Bilinear: half the second derivative of the star between two pixels.
      ['shifted by a fraction', starFrame(join(folder, 'b.fits'), 80, 2, { at: [3.5, -4.4] }), 0.09],
      ['turned', starFrame(join(folder, 'c.fits'), 80, 2, { turn: 37 }), 0.09],
      ['of finer pixels, and more of them', starFrame(join(folder, 'd.fits'), 200, 1, { turn: 180 }), 0.02],
      ['of coarser pixels', starFrame(join(folder, 'e.fits'), 60, 3), 0.12],
    ]
    for (const [what, old, most] of cases) {
      const { old: carried, difference, note } = onOneGrid(old, fresh)
      t.equal(carried?.width, 80, what)
      t.equal(note, most === 0 ? 'on the same grid' : 'the old one is carried over to the grid of the new one')
      const worst = Math.max(...difference!.pixels.map((value) => (Number.isNaN(value) ? 0 : Math.abs(value))))
      t.ok(worst <= most * peak, `${what}: ${(worst / peak).toFixed(3)} of the peak`)
      const flux = (plane: { pixels: Float32Array }) =>
        plane.pixels.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : value), 0)
      t.ok(Math.abs(flux(carried!) / 1e5 - 1) < 0.02, `${what}: the star keeps its light, ${flux(carried!).toFixed(0)}`)
    }
  },
)

t.test('what cannot be brought together is not subtracted, and says why', async (t) => {
  const folder = t.testdir()
  const fresh = starFrame(join(folder, 'new.fits'), 80, 2)
  const bare = starFrame(join(folder, 'bare.fits'), 80, 2, { wcs: false })
  const small = starFrame(join(folder, 'small.fits'), 60, 2, { wcs: false })
  t.match(onOneGrid(bare, fresh), { note: 'without plate solutions, taken as they are', difference: { width: 80 } })
  const none = onOneGrid(small, fresh)
  t.match(none, { note: 'without plate solutions and of different sizes: not comparable', old: { width: 60 } })
  t.equal(none.difference, undefined)
  t.equal(onOneGrid(undefined, fresh).note, 'there is no earlier image')
})
