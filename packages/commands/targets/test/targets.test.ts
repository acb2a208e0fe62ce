import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '@nightpipe/testing'
import t from 'tap'

const targets = (cwd: string, ...args: string[]) => call('targets', [...args, '--tree', 'reduced'], { cwd })

const header = 'Name,RA(deg),Dec(deg),Vmag,Bmag,gmag,rmag,imag,Jmag,Kmag,PMRA,PMDE,Plax,RV,Teff,Logg,ZERO\n'
const peg =
  '"51Peg",344.36658,20.76883,5.460,6.160,-99.9,-99.9,9.888,4.660,3.911,207.25,60.34,64.07,-33.020,5598,4.000,"NULL"\n'
const hd =
  '"HD38529",86.64,1.168,5.94,6.71,-99.9,-99.9,9.888,-99.9,-99.9,207.25,60.34,25.46,-33.020,5600,4.000,"NULL"\n'
const made = (text: string, more: Record<string, string> = {}) => ({
  reduced: { csv: { 'targets.csv': header + text } },
  ...more,
})
const table = (cwd: string) => readFileSync(join(cwd, 'reduced/csv/targets.csv'), 'utf8')

t.test('values carried over from the star above are found, and made missing on request', async (t) => {
  const cwd = t.testdir(made(peg + hd))
  const found = targets(cwd, 'check')
  t.equal(found.status, 4)
  t.match(found.stdout, /HD38529: PMRA 207\.25, PMDE 60\.34: the same as of 51Peg above, carried over\n/)
  t.match(found.stdout, /HD38529: RV -33\.02: the same/)
  t.match(found.stdout, /HD38529: imag 9\.888/)
  t.match(targets(cwd, 'check', '--clear'), { status: 0, stderr: /4 values made missing/ })
  t.equal(targets(cwd, 'check').status, 0)
  t.equal(table(cwd).split('\n')[1], peg.trim(), 'the rest keeps its spelling')
  t.equal(
    table(cwd).split('\n')[2],
    '"HD38529",86.64,1.168,5.94,6.71,-99.9,-99.9,,-99.9,-99.9,,,25.46,,5600,4.000,"NULL"',
  )
})

t.test('what cannot be is named', async (t) => {
  const wrong = '"a",400,1,,,,,,,,,,,,,,\n"a",10,-1,,,,,,,,,,,,100,,\n"b",,,,,,,,,,3.1.2,,,,,,\n'
  const { status, stdout } = targets(t.testdir(made(wrong)), 'check')
  t.equal(status, 4)
  t.match(stdout, /:4: PMRA: '3\.1\.2' is not a number/)
  t.match(stdout, /a: RA\(deg\) 400 is beyond 0 to 360/)
  t.match(stdout, /a: Teff 100 is beyond/)
  t.match(stdout, /a: stands twice: /)
  t.match(stdout, /b: has no coordinates/)
})

t.test('a list of any columns is understood, and what it does not say stays as it was', async (t) => {
  const mine =
    'Star,RA (J2000),DEC (J2000),pmRA,pmDE,Plx,vmag,remark\n51 Peg,22:57:27.98,+20:46:07.8,208.1,,,5.49,good\ntau Cet,01 44 04.08,-00 56 14.9,-1721.05,854.16,273.96,3.5,\n'
  const cwd = t.testdir(made(peg, { 'mine.csv': mine }))
  const dry = targets(cwd, 'import', '--input', 'mine.csv', '--dry-run')
  t.equal(table(cwd), header + peg)
  const { stdout, stderr, status } = targets(cwd, 'import', '--input', 'mine.csv')
  t.equal(status, 0, stderr)
  t.equal(stdout, dry.stdout)
  t.match(
    stdout,
    /changed {2}51Peg: RA\(deg\) 344\.36658 -> 344\.36658\d+, .*PMRA 207\.25 -> 208\.1.*\nnew {6}tau Cet\n/,
  )
  t.match(stderr, /columns that mean nothing here: remark/)
  const [, one, two] = table(cwd).split('\n')
  t.match(one, /,208\.1,60\.34,64\.07,-33\.020,5598,4\.000,"NULL"$/, 'its PMDE is that of before')
  t.match(two, /^"tau Cet",26\.017,-0\.937472222,3\.5,,,,,,,-1721\.05,854\.16,273\.96,,,,$/, 'minus 0 degrees is south')
  t.match(targets(cwd, 'import', '--input', 'mine.csv').stdout, /as it was 51Peg/)
})

t.test('units at the end of names are understood', async (t) => {
  const mine = 'name,ra_deg,dec_deg,pmra_arcsec_yr,pmdec_mas,parallax_mas,rv_m_s\nA,150.1,-21.5,0.35,-420,45,12345\n'
  const cwd = t.testdir(made('', { 'mine.csv': mine }))
  const { status, stderr } = targets(cwd, 'import', '--input', 'mine.csv')
  t.equal(status, 0, stderr)
  t.match(table(cwd), /"A",150\.1,-21\.5,,,,,,,,350,-420,45,12\.345,/)
})

t.test('a VOTable and records of a TAP service are read with their units and epoch', async (t) => {
  const field = (name: string, unit = '') => `<FIELD name="${name}" datatype="char" ${unit && `unit='${unit}'`}/>`
  const fields = [
    field('main_id'),
    field('RAJ2000', '&quot;h:m:s&quot;'),
    field('DEJ2000', '&quot;d:m:s&quot;'),
    field('pmRA', 'arcsec/yr'),
    field('RV', 'm/s'),
  ]
  const cells = ['HD 1', '00 05 08.8', '-67 50 24', '0.1', '-12000'].map((cell) => `<TD>${cell}</TD>`).join('')
  const votable = `<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE>${fields.join('')}<DATA><TABLEDATA><TR>${cells}</TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>`
  const tap = {
    metadata: ['main_id', 'ra', 'dec', 'pmra', 'pmdec', 'rvz_radvel', 'ref_epoch'].map((name) => ({ name })),
    data: [['* tau Cet', 26.0, -15.9, 3600, 0, null, 2016]],
  }
  const cwd = t.testdir(made('', { 'a.vot': votable, 'b.json': JSON.stringify(tap) }))
  t.equal(targets(cwd, 'import', '--input', 'a.vot', 'b.json').status, 0)
  const [, one, two] = table(cwd).split('\n')
  t.match(one, /^"HD 1",1\.28666\d*,-67\.84,.*,100,,,-12,,,$/)
  const [, ra] = two!.split(',')
  const expected = 26 - (16 * 3.6) / 3600 / Math.cos((15.9 * Math.PI) / 180)
  t.ok(Math.abs(Number(ra) - expected) < 1e-6, `${ra} is where it was in 2000`)
  t.match(targets(cwd, 'list', '--target', 'hd1').stdout, /HD 1 +1\.2866/)
})

t.test('a list that says nothing of stars is refused', async (t) => {
  const cwd = t.testdir(made('', { 'x.csv': 'a,b\n1,2\n', 'y.csv': 'name\n' }))
  t.match(targets(cwd, 'import', '--input', 'x.csv'), {
    status: 3,
    stderr: /neither names nor coordinates of stars \(its columns: a, b\)/,
  })
  t.match(targets(cwd, 'import', '--input', 'y.csv'), { status: 3, stderr: /has no stars/ })
  writeFileSync(join(cwd, 'z.xml'), '<VOTABLE/>')
  t.match(targets(cwd, 'import', '--input', 'z.xml'), { status: 3, stderr: /no VOTable with a TABLE/ })
})
