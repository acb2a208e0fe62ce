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
