import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { catalogue } from './small.js'

const cwd = scratch()
const csv = (name: string, text: string) => writeFileSync(join(cwd, name), text)
csv('a.csv', 'ID,RA,DEC,pmRA,pmDE,Gmag,e_Gmag\n1,10,20,100,0,12,0.1\n2,10.1,20,,,13,0.2\n')
csv('b.csv', 'ID,RA,DEC,pmRA,pmDE,Gmag,e_Gmag\n2,10.1,20,,,13,0.2\n3,350,-80,,,9,\n')

t.test('files become a catalogue; stars that stand in two of them are taken once', async (t) => {
  const { code, stdout, stderr } = await catalogue(['import', '--input', 'a.csv', 'b.csv', '--output', 'sky'], cwd)
  t.equal(code, 0)
  t.equal(stdout, `${join(cwd, 'sky')}\n`)
  t.match(stderr, 'sky: 3 stars in tiles of HEALPix order 0, bands G')
  t.match(JSON.parse(readFileSync(join(cwd, 'sky/catalogue.json'), 'utf8')), { count: 3, epoch: 2000, fastest: 100 })
})

t.test('a cone prints what is there, moved to an epoch, as CSV and as VOTable that is read again', async (t) => {
  const around = ['--ra', '00:40:00', '--dec', '+20', '--radius', '0.2']
  const { stdout } = await catalogue(['cone', '--catalogue', 'sky', ...around, '--epoch', '2036'], cwd)
  const [epoch, names, star] = stdout.split('\n')
  t.equal(epoch, '# epoch: 2036')
  t.equal(names, 'ra,dec,pmra,pmdec,mag_G,magerr_G,id')
  // 3.6 arcsec east, over cos(20 degrees)
  t.match(star!, /^10\.001064\d+,19\.99999\d+,100,0,12,0\.1,1$/)
  const votable = await catalogue(['cone', '--catalogue', 'sky', ...around, '--format', 'votable'], cwd)
  csv('cone.vot', votable.stdout)
  const again = await catalogue(['cone', '--catalogue', 'cone.vot', ...around], cwd)
  t.equal(again.stdout, (await catalogue(['cone', '--catalogue', 'sky', ...around], cwd)).stdout)
})

t.test('columns and bands can be named', async (t) => {
  const values = Float64Array.of(1, 2)
  const columns = ['lon', 'lat', 'brightness', 'doubt'].map((name) => ({ name, values }))
  const header = createHeader([['EPOCH', 2013.5]])
  writeFits(join(cwd, 'odd.fits'), [{ kind: 'table', name: 'T', header, columns, rows: 2 }])
  const plain = await catalogue(['import', '--input', 'odd.fits', '--output', 'odd'], cwd)
  t.equal(plain.code, 3)
  t.match(
    plain.stderr,
    'has no columns of right ascension and declination that are known (it has lon, lat, brightness, doubt)',
  )
  csv('odd.ini', '[columns]\nra = lon\ndec = lat\n[magnitudes]\nr = brightness, doubt\n')
  const { code, stderr } = await catalogue(['import', '--input', 'odd.fits', '--output', 'odd', '-c', 'odd.ini'], cwd)
  t.equal(code, 0, stderr)
  const facts = JSON.parse(readFileSync(join(cwd, 'odd/catalogue.json'), 'utf8'))
  t.match(facts, { epoch: 2013.5, bands: ['r'], count: 2 })
  const wrong = await catalogue(['import', '--input', 'odd.fits', '--output', 'odd', '--set', 'columns.ra=x'], cwd)
  t.match(wrong.stderr, 'has no column x (it has lon, lat, brightness, doubt)')
  t.equal(wrong.code, 3)
})

t.test('list tells what there is; check finds a damaged and a missing tile', async (t) => {
  const { stdout } = await catalogue(['list'], cwd)
  t.match(stdout, /^odd {2}2 stars {2}r {2}J2013.5 {2}odd.fits\nsky {2}3 stars {2}G {2}J2000 {2}a.csv b.csv\n$/)
  t.equal((await catalogue(['check', '--catalogue', '.'], cwd)).code, 0)
  const tile = readdirSync(join(cwd, 'sky'), { recursive: true })
    .map(String)
    .find((name) => name.endsWith('.fits'))!
  const bytes = readFileSync(join(cwd, 'sky', tile))
  bytes[bytes.length - 2860]! ^= 1
  writeFileSync(join(cwd, 'sky', tile), bytes)
  const { code, stdout: problems } = await catalogue(['check', '--catalogue', 'sky'], cwd)
  t.equal(code, 4)
  t.match(problems, /Npix\d+\.fits: the sums of HDU 1 are wrong\nsky: it has \d stars, catalogue.json says 3/)
})

t.test('mistakes are told in one line, before anything is touched', async (t) => {
  const cases: [string[], number, string][] = [
    [[], 2, 'what to catalogue comes first (one of: import, fetch, cone, list, check)'],
    [
      ['cone', '--catalogue', 'nowhere', '--ra', '1', '--dec', '2', '--radius', '1'],
      3,
      'there is no catalogue nowhere',
    ],
    [
      ['cone', '--catalogue', 'sky', '--ra', '1', '--dec', '2', '--radius', '1', '--band', 'V'],
      2,
      "sky has no band 'V' (it has G)",
    ],
    [['cone', '--catalogue', 'sky', '--ra', '1', '--dec', '2', '--radius', '400'], 2, '--radius 400'],
    [['list', '--catalogues', 'none'], 3, 'there is no folder none'],
  ]
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await catalogue(args, cwd)
    t.equal(code, expected)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.equal(stderr.trim().split('\n').length, 1)
  }
})
