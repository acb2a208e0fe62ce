import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '@nightpipe/testing'
import t from 'tap'

const zeros = (cwd: string, ...args: string[]) => call('zeros', [...args, '--tree', 'cpt/nres03/reduced'], { cwd })

const header = 'Filename,Navg,Site,Camera,Jdate,Target,Teff,Logg,B-V,J-K,Flags\n'
const seed = '"xxxx/xxxxxxxx.fits",0,"xxx","xxxx",0000000.000,"xxxxxxx",0000.00,0.00000,0.000000,0.000000,"xxxx"\n'
const old =
  '"zero/ZEROcpt2017317.27425.fits",5,"cpt","fl13",2458071.17,"HD49933",6600.00,4.00000,0.390000,0.200000,"0000"\n'
const fresh = '"zero/ZEROcpt2018001.50000.fits",3,"cpt","fl13",2458120,"HD49933",,,,,"0020"\n'
const made = (more = '') => ({
  'cpt/nres03/reduced': {
    csv: { 'zeros.csv': header + seed + old + fresh + more },
    zero: { 'ZEROcpt2017317.27425.fits': '', 'ZEROcpt2018001.50000.fits': '' },
  },
})

t.test('templates are listed with what they may serve for', async (t) => {
  const { stdout, status } = zeros(t.testdir(made()), 'list')
  t.equal(status, 0)
  t.equal(
    stdout,
    [
      'Filename                        Target   Navg  Teff_K  logg  Flags  state',
      'zero/ZEROcpt2017317.27425.fits  HD49933     5    6600     4   0000  for its own star',
      'zero/ZEROcpt2018001.50000.fits  HD49933     3                 0020  for its own star',
      '',
    ].join('\n'),
  )
})

t.test('approval and withdrawal write flags, and nothing else', async (t) => {
  const cwd = t.testdir(made())
  const table = () => readFileSync(join(cwd, 'cpt/nres03/reduced/csv/zeros.csv'), 'utf8')
  t.match(zeros(cwd, 'approve', '--target', 'hd 49933'), { status: 0, stdout: 'zero/ZEROcpt2018001.50000.fits 0120\n' })
  t.equal(table(), header + seed + old + fresh.replace('0020', '0120'))
  t.match(zeros(cwd, 'approve', '--target', 'HD49933'), { status: 0, stdout: '', stderr: /nothing to change/ })
  t.match(zeros(cwd, 'withdraw', '--template', 'ZEROcpt2018001.50000.fits'), { status: 0, stdout: /1020/ })
  t.match(zeros(cwd, 'list', '--json').stdout, /"state":"withdrawn"/)
  t.equal(zeros(cwd, 'approve', '--all').stdout.split('\n').length, 3)
})

t.test('a template that is not there, or not named, is refused', async (t) => {
  const cwd = t.testdir(made(fresh.replace('2018001', '2018002')))
  t.match(zeros(cwd, 'approve'), { status: 2, stderr: /which template\? \(give one of/ })
  t.match(zeros(cwd, 'approve', '--template', 'x.fits'), { status: 3, stderr: /zeros.csv has no template x.fits/ })
  t.match(zeros(cwd, 'approve', '--all'), { status: 3, stderr: /2018002.50000.fits is missing/ })
})
