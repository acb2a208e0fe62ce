import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  addZero,
  ccdOf,
  chooseSpectrograph,
  chooseZero,
  fibreFlag,
  fibresOfFlags,
  judgeZeros,
  lightOf,
  litFibres,
  matchTarget,
  readSpectrographs,
  readTargets,
  readVelocities,
  readZeros,
  replaceVelocities,
  type TargetRow,
  type Tree,
  type ZeroRow,
} from '../src/index.js'

const treeIn = (folder: string, csv: Record<string, string>): Tree => {
  mkdirSync(join(folder, 'csv'), { recursive: true })
  for (const [name, text] of Object.entries(csv)) writeFileSync(join(folder, 'csv', name), text)
  return { folder, site: 'cpt', camera: 'fl13', instrument: 'nres03' }
}

t.test('the detector of a camera is one row, or refused', async (t) => {
  const ccds =
    'camera,nx,ny,datsegmin,datsegmax,gain,rdnois,pixsiz\n"fl13",4096,4096,0,4095,1.0,10.,15.0\n\n"x",1,1,0,0,1,1,1\n"x",1,1,0,0,1,1,1\n'
  const tree = treeIn(t.testdir({}), { 'ccds.csv': ccds })
  t.match(ccdOf(tree, 'FL13'), { nx: 4096, gain: 1, rdnois: 10 })
  t.equal(ccdOf(tree, 'fa99'), undefined)
  t.throws(() => ccdOf(tree, 'x'), /has 2 rows of the camera x/)
})

t.test('the spectrograph is the newest row that is not later than the data', async (t) => {
  const header = 'Site,MJD,Ord0,GrSpc,GrInc,dGrInc,FL,dFL,Y0,dY0,Z0,dZ0,Glass,Apex\n'
  const numbers = '52,24.0442,76.357,   0.01, 374.7,   0.01, -22.2,   0.02,   0.0002,   0.000002'
  const csv = [57920.01, 58190, 57807.85].map((mjd) => `"lsc",${mjd},${numbers}, "PBM2    ",55.\n`).join('')
  const rows = readSpectrographs(treeIn(t.testdir({}), { 'spectrographs.csv': header + csv }))
  t.match(rows[0], { Site: 'lsc', Y0: -22.2, Glass: 'PBM2', Apex: 55 }, 'blanks before a quote are read')
  t.equal(chooseSpectrograph(rows, { site: 'LSC', mjd: 58070 }).row?.MJD, 57920.01, 'not 58190, which is later')
  t.equal(chooseSpectrograph(rows, { site: 'lsc', mjd: 59000 }).row?.MJD, 58190)
  t.match(chooseSpectrograph(rows, { site: 'lsc', mjd: 50000 }), { row: { MJD: 57807.85 }, why: /all 3 are later/ })
  t.match(chooseSpectrograph(rows, { site: 'cpt', mjd: 58070 }), { why: /no row of cpt/ })
})

t.test('fibres in flags and words', async (t) => {
  t.same(litFibres(['none', 'ThAr', 'star']), [1, 2])
  t.same(['ThAr', 'tung', 'none', 'HD10'].map(lightOf), ['arc', 'flat', 'none', 'star'])
  t.same([[0, 1], [2, 1], [0, 1, 2], [0], []].map(fibreFlag), ['1', '2', '3', '0', '0'])
  t.same(fibresOfFlags('0020'), [1, 2])
  t.equal(fibresOfFlags('0000'), undefined)
})

const zero = (Filename: string, more: Partial<ZeroRow> = {}): ZeroRow => ({
  ...{ Filename, Navg: 5, Site: 'lsc', Camera: 'fl09', Jdate: 2458071, Target: 'HD49933', Teff: 6600, Logg: 4 },
  ...{ 'B-V': 0.39, 'J-K': 0.2, Flags: '0100' },
  ...more,
})

t.test('a template: by name in targets.csv, of the same star, else approved and nearest', async (t) => {
  const rows = [
    zero('zero/a.fits', { Flags: '0000' }),
    zero('zero/b.fits', { Jdate: 2458080, Flags: '0000' }),
    zero('zero/sun.fits', { Target: 'SUN', Teff: 5777, Logg: 4.4, 'B-V': 0.65, 'J-K': 0.35 }),
    zero('zero/k.fits', { Target: 'HD1', Teff: 4500, Logg: 4.6, 'B-V': 1.1, 'J-K': 0.7 }),
    zero('zero/new.fits', { Target: 'HD2', Teff: 5600, Logg: 4.4, Flags: '0000' }),
    zero('zero/gone.fits', { Jdate: 2459000, Flags: '1000' }),
  ]
  const chosen = (wanted: Parameters<typeof chooseZero>[1]) => chooseZero(rows, wanted).chosen?.Filename
  t.equal(chosen({ target: 'x', named: 'zero/new.fits' }), 'zero/new.fits')
  t.throws(() => chosen({ target: 'x', named: 'zero/none.fits' }), /zeros.csv has it not/)
  t.equal(chosen({ target: 'hd 49933_templ' }), 'zero/b.fits', 'the latest that was not withdrawn')
  t.equal(chosen({ target: 'HD9', teff: 5600, logg: 4.4 }), 'zero/sun.fits', 'nearer ones are not approved')
  t.equal(chosen({ target: 'HD9', bv: 1.0 }), 'zero/k.fits')
  t.equal(chosen({ target: 'HD9', jk: 0.3 }), 'zero/sun.fits')
  t.equal(chosen({ target: 'HD9' }), 'zero/sun.fits', 'nothing known: a G dwarf')
  t.match(chooseZero([], { target: 'HD9' }), { chosen: undefined, why: /none of this star/ })
})

t.test('flags of templates are given by command, and kept when the template is entered again', async (t) => {
  const seed =
    'Filename,Navg,Site,Camera,Jdate,Target,Teff,Logg,B-V,J-K,Flags\n"xxxx/xxxxxxxx.fits",0,"xxx","xxxx",0000000.000,"xxxxxxx",0000.00,0.00000,0.000000,0.000000,"xxxx"\n'
  const tree = treeIn(t.testdir({}), { 'zeros.csv': seed })
  const made = { path: join(tree.folder, 'zero/ZEROcpt2017317.27425.fits'), averaged: 3, camera: 'fl13', jd: 2458071.5 }
  await addZero(tree, { ...made, target: 'hd 49933_templ', fibre: 2, teff: 6600 })
  t.match(readZeros(tree), [{ Target: 'HD49933', Flags: '0020', Logg: undefined }])
  t.match(await judgeZeros(tree, ['zero/ZEROcpt2017317.27425.fits'], 'approve'), [{ Flags: '0120' }])
  await addZero(tree, { ...made, target: 'HD49933', fibre: 2 })
  t.match(readZeros(tree), [{ Flags: '0120' }])
  t.same(await judgeZeros(tree, ['zero/ZEROcpt2017317.27425.fits'], 'approve'), [], 'twice changes nothing')
  t.match(await judgeZeros(tree, ['zero/ZEROcpt2017317.27425.fits'], 'withdraw'), [{ Flags: '1020' }])
  t.match(
    readFileSync(join(tree.folder, 'csv/zeros.csv'), 'utf8'),
    /0000000\.000,"xxxxxxx",0000\.00/,
    'the seed row keeps its spelling',
  )
})

const star = (Name: string, ra?: number, dec?: number, more: Partial<TargetRow> = {}): TargetRow => ({
  Name,
  'RA(deg)': ra,
  'Dec(deg)': dec,
  ...more,
})

t.test('a target is matched across 0 h, south of the equator by minutes, and where it has moved to', async (t) => {
  const targets = [
    star('edge', 359.9999, -0.001),
    star('HR509', 26.01701, -15.93748, { PMRA: -1721.05, PMDE: 854.16 }),
    star('HD 1', 10, 10),
    star('HD1', 200, 10),
    star('daysky', 0, 0.003),
  ]
  t.match(matchTarget(targets, { name: 'unknown', raDeg: 0.0001, decDeg: -0.001 }), {
    by: 'position',
    target: { Name: 'edge' },
  })
  // 19 years on tau Cet is 36 arcsec from its place of 2000.
  const moved = matchTarget(targets, { name: 'HR509', raDeg: 26.00756, decDeg: -15.93297, mjd: 58484 })
  t.ok(moved.separationArcsec! < 0.1, `${moved.separationArcsec}`)
  t.equal(
    matchTarget(targets, { name: 'HD1_flux', raDeg: 200.001, decDeg: 10 }).target,
    targets[3],
    'of two the nearer',
  )
  const astray = matchTarget(targets, { name: 'HD1', raDeg: 100, decDeg: 10 })
  t.equal(astray.target, undefined, 'the same name far away is another star')
  t.match(astray.why, /^HD1 is 88\.\d\d deg from where the telescope pointed/)
  t.match(matchTarget(targets, { name: 'HR 509' }), { by: 'name', target: { Name: 'HR509' } })
  t.match(matchTarget(targets, { name: 'daysky', raDeg: 100, decDeg: 10 }), { by: 'name' }, 'the sky is everywhere')
  t.equal(matchTarget(targets, { name: 'nobody', raDeg: 100, decDeg: 10 }).target, undefined, 'nothing is invented')
})

t.test('what the catalogue lacks is missing, and a slip of the pen spoils one cell', async (t) => {
  const header = 'Name,RA(deg),Dec(deg),Vmag,Bmag,gmag,rmag,imag,Jmag,Kmag,PMRA,PMDE,Plax,RV,Teff,Logg,ZERO\n'
  const line = `"HR100",6.55084,-43.67983,3.94,4.11,-99.9,-99.9,-99.9,-99.9,-99.9,3.106.2,32.15,32.00,11.3,7868.33,3.97,'NULL'\n`
  const told: string[] = []
  const [row] = readTargets(treeIn(t.testdir({}), { 'targets.csv': header + line }), (error) =>
    told.push(error.message),
  )
  t.match(row, { Vmag: 3.94, gmag: undefined, PMRA: undefined, PMDE: 32.15, ZERO: undefined })
  t.match(told, [/PMRA: '3\.106\.2' is not a number/])
})

t.test('the velocities of an exposure take the place of its earlier ones, both fibres of it', async (t) => {
  const tree = treeIn(t.testdir({}), {})
  const rv = (Orgname: string, Targname: string, velocity: number) => ({
    Orgname,
    Targname,
    CrDate: 58000,
    'RVkm/s': velocity,
  })
  await replaceVelocities(tree, 'a-e00', [rv('a-e00', 'daysky', 1), rv('a-e00', 'daysky', 2)])
  await replaceVelocities(tree, 'b-e00', [rv('b-e00', 'SUN', 3)])
  await replaceVelocities(tree, 'a-e00', [rv('a-e00', 'daysky', 4), rv('a-e00', 'daysky', 5)])
  t.same(
    readVelocities(tree).map((row) => row['RVkm/s']),
    [3, 4, 5],
  )
})
