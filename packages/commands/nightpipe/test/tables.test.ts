import { join } from 'node:path'
import t from 'tap'
import { nightpipe } from './front-door.js'

const report = 'input,status,reason,product,seconds\na.fits,done,,b.fits,0.1\n'

t.test('whole tables are said to be whole, with their rows', async (t) => {
  const folder = t.testdir({ 'stack-calibrations.csv': report, 'mine.csv': 'a,b\n1,2\n"x\ny",3\n' })
  const { code, stdout } = nightpipe(['tables', 'check', '.'], { cwd: folder })
  t.equal(code, 0, stdout)
  t.equal(
    stdout,
    'mine.csv: whole, 2 rows (not one of our tables: only its form was checked)\nstack-calibrations.csv: whole, 1 rows\n',
  )
})

t.test('what is wrong is named by file, line and column, and the exit code says so', async (t) => {
  const folder = t.testdir({
    'stack-calibrations.csv': 'input,status,reason,product,seconds\na.fits,done,,b.fits,soon\na.fits,,,,\n',
    'mine.csv': 'a,b\n1\n',
    'torn.csv': 'a,b\n"1,2\n',
  })
  const { code, stdout } = nightpipe(['tables', 'check', '.'], { cwd: folder })
  t.equal(code, 4)
  t.equal(
    stdout,
    [
      'mine.csv:2: 1 cells, the header has 2',
      "stack-calibrations.csv:2: seconds: 'soon' is not a number",
      'stack-calibrations.csv:3: status: is missing',
      'torn.csv:2: a quoted cell is never closed',
      '',
    ].join('\n'),
  )
})

t.test('a table is shown in columns, some of them, its last rows, or as JSON', async (t) => {
  const folder = t.testdir({ 'x.csv': 'name,flux_e\nm67,1.5\nm3,100\nm13,\n' })
  const path = join(folder, 'x.csv')
  t.equal(nightpipe(['tables', 'show', path]).stdout, 'name  flux_e\nm67      1.5\nm3       100\nm13\n')
  t.equal(nightpipe(['tables', 'show', path, '--columns', 'flux_e', '--last', '2']).stdout, 'flux_e\n   100\n\n')
  t.equal(nightpipe(['tables', 'show', path, '--json', '--last', '1']).stdout, '{"name":"m13","flux_e":""}\n')
  t.match(nightpipe(['tables', 'show', path, '--columns', 'mag']), {
    code: 2,
    stderr: /no column 'mag' \(it has: name, flux_e\)/,
  })
  t.match(nightpipe(['tables', 'show', join(folder, 'y.csv')]), { code: 2, stderr: /no such input/ })
  t.match(nightpipe(['tables', 'mend', path]), { code: 2, stderr: /'mend' is neither check nor show/ })
})

const tree = {
  'cpt/nres03/reduced': {
    csv: {
      'standards.csv':
        '"Type","Filename",0,"Site","Camera",0.000000000000000,"Flags"\n"xxxx","xxxxxxxx",1,"xxx","xxxx",0.000000,"xxxx"\n' +
        '"FLAT","flat/FLATcpt2017343.50010.fits",5,"cpt","fl13",2458097.0,"0030"\n' +
        '"FLAT","flat/FLATcpt2017347.20000.fits",1,"cpt","fl13",2458100.7,"0010"\n',
      'rv.csv': 'Targname,CrDate,BJD,Site,Exptime,Orgname\n"x",0.0,0.0,"xxx",0.0,"xx.fits"\n',
      'targets.csv': 'Name,RA(deg),Dec(deg)\n"HD1",3.1.2,0\n',
      'zeros.csv':
        'Filename,Navg,Site,Camera,Jdate,Target,Teff,Logg,B-V,J-K,Flags\n"zero/a.fits",2,"cpt","fl13",2458071,"HD1",5700,4.4,,,"0000"\n',
    },
    flat: { 'FLATcpt2017343.50010.fits': '', 'FLATcpt2017347.20000.fits': '' },
    zero: { 'a.fits': '' },
  },
}

t.test('which calibration a frame would get, and why', async (t) => {
  const cwd = t.testdir(tree)
  const ask = ['tables', 'choose', '--type', 'flat', '--site', 'cpt', '--camera', 'fl13', '--date']
  const { code, stdout } = nightpipe([...ask, '2017-12-13T00:00:00'], { cwd })
  t.equal(code, 0, stdout)
  t.equal(
    stdout.replaceAll(cwd, '.'),
    [
      '   Filename                        Navg  Site  Camera  Flags           date   age_d  why',
      '*  flat/FLATcpt2017343.50010.fits     5  cpt   fl13     0030  2017343.50010   3.500  nearest master within 3.70 d',
      '   flat/FLATcpt2017347.20000.fits     1  cpt   fl13     0010  2017347.20000  -0.200  a single: a master is near enough',
      './cpt/nres03/reduced/flat/FLATcpt2017343.50010.fits',
      '',
    ].join('\n'),
  )
  for (const date of ['58100', '2458100.5', '2017347.00000']) t.equal(nightpipe([...ask, date], { cwd }).stdout, stdout)
  const none = nightpipe([...ask, '58100', '--maximum-age', '0.1', '--json'], { cwd })
  t.equal(none.code, 4)
  t.match(JSON.parse(none.stdout.split('\n')[0]!), { chosen: false, age_d: -0.2, why: '0.20 d away, more than 0.1 d' })
  t.match(nightpipe([...ask, 'soon'], { cwd }), { code: 2, stderr: /--date soon: expected/ })
  t.match(nightpipe([...ask, '58100', '--root', 'nowhere'], { cwd }), { code: 2, stderr: /no spectrograph tree in/ })
  const zero = ['tables', 'choose', '--type', 'ZERO', '--tree', 'cpt/nres03/reduced', '--target']
  t.match(nightpipe([...zero, 'hd 1'], { cwd }), { code: 0, stdout: /\* +zero\/a\.fits.*the latest of HD1/ })
  t.match(nightpipe([...zero, 'HD2'], { cwd }), { code: 4, stdout: /no template: none of this star/ })
})

t.test('the tables of a spectrograph are checked as such', async (t) => {
  const cwd = t.testdir(tree)
  const { code, stdout } = nightpipe(['tables', 'check', 'cpt'], { cwd })
  t.equal(code, 4)
  t.match(stdout, /reduced\/csv\/rv\.csv: whole, 1 rows\n/)
  t.match(stdout, /targets\.csv:2: RA\(deg\): '3\.1\.2' is not a number/)
  t.match(
    nightpipe(['tables', 'show', 'cpt/nres03/reduced/csv/standards.csv', '--columns', 'Navg'], { cwd }).stdout,
    /^Navg\n +1\n/,
  )
})
