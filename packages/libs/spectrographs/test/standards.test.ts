import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  addStandard,
  addStandards,
  chooseFrom,
  chooseStandard,
  markStandards,
  readStandards,
  type StandardRow,
  type Tree,
} from '../src/index.js'

const SEED =
  '"Type","Filename",0,"Site","Camera",0.000000000000000,"Flags"\n"xxxx","xxxxxxxxxx",1,"xxx","xxxx",0.000,"xxxx"\n'

function treeIn(t: Test, standards = SEED): Tree {
  const folder = join(t.testdir({}), 'cpt/nres03/reduced')
  for (const name of ['csv', 'bias', 'flat', 'blaz']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'csv/standards.csv'), standards)
  return { folder, site: 'cpt', camera: 'fl13', instrument: 'nres03' }
}

const row = (Filename: string, more: Partial<StandardRow> = {}): StandardRow => ({
  ...{ Type: 'FLAT', Filename, Navg: 1, Site: 'cpt', Camera: 'fl13', JDdata: 2458100.5, Flags: '0010' },
  ...more,
})
const wanted = { type: 'FLAT', site: 'CPT', camera: ' fl13 ', mjd: 58100 } as const // 2017-12-13, day 347

t.test('a table that the NRES pipeline began is read, continued, and stays readable to it', async (t) => {
  const tree = treeIn(t)
  t.same(readStandards(tree), [], 'the line of x is no product, and the header no row')
  const bias = { type: 'BIAS', averaged: 1, camera: 'fl13', mjd: 58162.12345 } as const
  await addStandard(tree, { ...bias, path: join(tree.folder, 'bias/BIAScpt2018044.12345.fits') })
  const blaze = { type: 'BLAZE', averaged: 1, camera: 'fl13', mjd: 58000, fibres: [0, 1] } as const
  await addStandards(tree, [{ ...blaze, path: join(tree.folder, 'blaz/BLAZcpt2017247.00000.fits') }])
  t.equal(
    readFileSync(join(tree.folder, 'csv/standards.csv'), 'utf8'),
    'Type,Filename,0,Site,Camera,0.000000000000000,Flags\n' +
      '"xxxx","xxxxxxxxxx",1,"xxx","xxxx",0.000,"xxxx"\n' +
      '"BLAZE","reduced/blaz/BLAZcpt2017247.00000.fits",1,"cpt","fl13",2458000.5,"0010"\n' +
      '"BIAS","bias/BIAScpt2018044.12345.fits",1,"cpt","fl13",2458162.62345,"0000"\n',
  )
})

t.test('the nearest wins, before or after; a master is preferred where it is near enough', async (t) => {
  const rows = [row('flat/FLATcpt2017346.50000.fits'), row('flat/FLATcpt2017347.20000.fits')]
  const master = (name: string) => row(name, { Navg: 10, Flags: '0030' })
  t.equal(chooseFrom(rows, wanted).chosen?.row.Filename, 'flat/FLATcpt2017347.20000.fits')
  t.equal(chooseFrom(rows, wanted).chosen?.ageDays.toFixed(2), '-0.20')
  const near = chooseFrom([...rows, master('flat/FLATcpt2017343.50000.fits')], wanted) // 3.5 d < 0.2 + 3.5
  t.equal(near.chosen?.row.Filename, 'flat/FLATcpt2017343.50000.fits')
  t.same(
    near.candidates.map(({ won, why }) => `${won} ${why}`),
    ['true nearest master within 3.70 d', ...Array(2).fill('false a single: a master is near enough')],
  )
  const far = chooseFrom([...rows, master('flat/FLATcpt2017343.10000.fits')], wanted) // 3.9 d
  t.equal(far.chosen?.row.Filename, 'flat/FLATcpt2017347.20000.fits')
  t.match(far.candidates[2]?.why, 'a master, but 3.90 d away (window 3.70 d)')
  const old = [row('flat/FLATcpt2017327.00000.fits'), master('flat/FLATcpt2017278.00000.fits')] // 20 d, 69 d < 3.5 x 20
  t.equal(chooseFrom(old, wanted).chosen?.row.Navg, 10)
})

t.test('the date is that of the name, and traces made by hand count from 2000', async (t) => {
  const trace = (name: string) => row(`trace/${name}`, { Type: 'TRACE', JDdata: 2461000, Flags: '0000' })
  const rows = [trace('TRACcpt0017340.00000.fits'), trace('TRACcpt2016340.00000.fits')]
  const { chosen } = chooseFrom(rows, { ...wanted, type: 'TRACE' })
  t.equal(chosen?.row.Filename, 'trace/TRACcpt0017340.00000.fits')
  t.equal(chosen?.ageDays, 7)
  t.equal(chooseFrom([row('flat/dome.fits', { JDdata: 2458090.5 })], wanted).chosen?.ageDays, 10, 'else of the table')
})

t.test('what does not fit is refused with its reason', async (t) => {
  const rows = [
    row('flat/FLATlsc2017347.00000.fits', { Site: 'lsc' }),
    row('flat/FLATcpt2017347.00001.fits', { Camera: 'fa13' }),
    row('flat/FLATcpt2017347.00002.fits', { Flags: '1010' }),
    row('flat/FLATcpt2017347.00003.fits', { Flags: '0020' }),
    row('flat/FLATcpt2017047.00000.fits'),
    row('bias/BIAScpt2017347.00000.fits', { Type: 'BIAS' }),
  ]
  const { chosen, candidates } = chooseFrom(rows, { ...wanted, fibres: [0, 1], maximumAgeDays: 30 })
  t.equal(chosen, undefined)
  t.same(
    candidates.map(({ why }) => why),
    [
      'site is lsc, not CPT',
      'camera is fa13, not  fl13 ',
      'flagged unusable',
      'has fibres 1, 2, not 0',
      '300.00 d away, more than 30 d',
    ],
  )
})

t.test('the order of the rows does not matter', async (t) => {
  const rows = [1, 2, 3, 4].map((n) => row(`flat/FLATcpt2017347.0000${n}.fits`, { Navg: 4 }))
  rows.push(row('flat/FLATcpt2017346.99999.fits', { Navg: 4 }))
  const won = chooseFrom(rows, { ...wanted, mjd: 58100 }).chosen?.row.Filename
  t.equal(chooseFrom(rows.toReversed(), { ...wanted, mjd: 58100 }).chosen?.row.Filename, won)
})

t.test(
  'in a tree a file that is gone loses, and a product marked unusable stays so when it is made again',
  async (t) => {
    const tree = treeIn(t)
    const [gone, there] = ['FLATcpt2017347.00000.fits', 'FLATcpt2017345.00000.fits'].map((name) =>
      join(tree.folder, 'flat', name),
    ) as [string, string]
    writeFileSync(there, '')
    const flat = { type: 'FLAT', averaged: 1, camera: 'fl13', fibres: [0, 1] } as const
    await addStandards(tree, [
      { ...flat, path: gone, mjd: 58100 },
      { ...flat, path: there, mjd: 58098 },
    ])
    const { chosen, candidates } = chooseStandard(tree, wanted)
    t.equal(chosen?.path, there)
    t.equal(candidates[1]?.why, 'its file is missing')
    t.equal(await markStandards(tree, ['flat/FLATcpt2017345.00000.fits'], false), 1)
    await addStandard(tree, { ...flat, path: there, mjd: 58098 })
    t.equal(chooseStandard(tree, wanted).chosen, undefined)
    t.equal(await markStandards(tree, ['flat/FLATcpt2017345.00000.fits'], true), 1)
    t.equal(chooseStandard(tree, wanted).chosen?.path, there)
  },
)
