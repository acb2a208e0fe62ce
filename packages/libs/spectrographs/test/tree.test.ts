import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  firstTraceName,
  formatProductDate,
  makeTree,
  openTree,
  parseProductDate,
  parseProductName,
  productPathInTree,
  rawName,
  TREE_FOLDERS,
  treeFolder,
  treeOf,
} from '../src/index.js'

t.test('a tree lies below root, site and instrument, with 21 folders', async (t) => {
  t.equal(treeFolder('/data', 'cpt', 'nres03'), '/data/cpt/nres03/reduced')
  t.equal(new Set(TREE_FOLDERS).size, 21)
})

t.test('flags mean a tree by its root, or as its folder; one that is not there is refused', async (t) => {
  const root = t.testdir({})
  const flags = { root, site: 'cpt', 'nres-instrument': 'nres03', camera: 'fl13' }
  const folder = join(root, 'cpt/nres03/reduced')
  t.throws(() => openTree(flags), /no spectrograph tree in .* \(no folder csv\/\)/)
  makeTree({ folder })
  t.same(openTree(flags), { folder, site: 'cpt', instrument: 'nres03', camera: 'fl13' })
  t.same(openTree({ tree: folder }), { folder, site: 'cpt', instrument: 'nres03', camera: '' })
  t.equal(openTree({ camera: 'fl13', site: 'cpt', output: 'x' }), undefined)
  t.throws(() => openTree({ root, site: 'cpt' }), /--root without --nres-instrument/)
  t.throws(() => openTree({ root }), /--root without --site/)
  t.match(
    treeOf({ site: 'cpt', 'nres-instrument': 'nres03' })?.folder,
    /cpt\/nres03\/reduced$/,
    'as the old calls had it',
  )
  mkdirSync(join(root, 'x'))
})

t.test('dates in names go both ways', async (t) => {
  t.equal(formatProductDate(58103.94444), '2017350.94444', '2017-12-16T22:40:00')
  t.equal(formatProductDate(58162.12345), '2018044.12345')
  t.equal(formatProductDate(58117.999999), '2017365.00000', 'rounded into the next day')
  t.equal(formatProductDate(57753.999996), '2017001.00000', 'and into the next year')
  // begun at whole seconds: a name made of the date of another name is that of the date itself
  const names = Array.from({ length: 86400 }, (_, second) => 60415 + second / 86400).filter((mjd) => {
    const [later, named] = [formatProductDate(mjd + 0.001), parseProductDate(formatProductDate(mjd))!]
    return later !== formatProductDate(named + 0.001)
  })
  t.same(names, [])
  for (const text of ['2017350.94444', '2016366.00001', '2018001.00000']) {
    t.equal(formatProductDate(parseProductDate(text)!), text)
  }
  for (const text of ['2017366.5', '2017000.5', '2017350', 'x', '201735.5', '2458100.5'])
    t.equal(parseProductDate(text), undefined)
  t.equal(parseProductDate('0018099.90110'), parseProductDate('2018099.90110'))
})

t.test('names say kind, site and date', async (t) => {
  t.equal(productPathInTree('TRIP', 'lsc', 58072.73871), 'trip/TRIPlsc2017319.73871.fits')
  t.equal(firstTraceName('lsc', 58217.9011), 'TRAClsc0018099.90110.fits')
  t.match(parseProductName('trace/TRAClsc0018099.90110.fits'), {
    kind: 'TRAC',
    site: 'lsc',
    mjd: 58217.9011,
    first: true,
  })
  t.match(parseProductName('reduced/blaz/BLAZelp2017247.00000.fits.fz'), { kind: 'BLAZ', site: 'elp', first: false })
  t.match(parseProductName('PLOTcpt2017247.00000_0.ps'), { kind: 'PLOT', site: 'cpt' })
  t.equal(parseProductName('cptnrs03-fl13-20171215-0007-w00.fits'), undefined)
  t.equal(rawName('raw/cptnrs03-fl13-20171215-0007-w00.fits.fz'), 'cptnrs03-fl13-20171215-0007-w00')
})
