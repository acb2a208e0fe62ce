import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openState, type StateRow } from '../src/state.js'

const row = (k: number, status: string): StateRow => ({
  ...{ file: `/in/raw-${k}.fits`, pipeline: 'svom', status, reason: 'a, "quoted" reason' },
  ...{ time: `2026-01-01T20:00:0${k}.000Z` },
})

t.test('lines that a disk has spoilt are left out, told of and kept; all others count', async (t) => {
  const cwd = t.testdir()
  const path = join(cwd, 'gp1.csv')
  openState(cwd, t.fail).add(...[1, 2, 3, 4].map((k) => row(k, 'done')))
  const lines = readFileSync(path).toString('latin1').split('\n')
  const spoilt = [
    ...[...lines.slice(0, 2), `${'\0'.repeat(300)}\xff\xfe, "open`, 'a,b,c', lines[2]!.slice(40)],
    ...lines.slice(3),
  ].join('\n')
  writeFileSync(path, spoilt, 'latin1')
  const said: string[] = []
  const state = openState(cwd, (text) => said.push(text))
  t.same([...state.of('svom').keys()], ['/in/raw-1.fits', '/in/raw-3.fits', '/in/raw-4.fits'])
  t.same(state.of('svom').get('/in/raw-3.fits')?.reason, 'a, "quoted" reason')
  t.notOk(state.knows('/in/raw-2.fits'), 'is offered again')
  t.equal(said.length, 1)
  t.match(said[0], /^3 lines of .*gp1\.csv cannot be read/)
  t.equal(readFileSync(`${path}.damaged`).toString('latin1'), spoilt, 'as it was')
  t.same([...openState(cwd, t.fail).of('svom').keys()], [...state.of('svom').keys()], 'mended from then on')
})

t.test('a table without its first line, and one that a kill cut off', async (t) => {
  const cwd = t.testdir()
  const path = join(cwd, 'gp1.csv')
  openState(cwd, t.fail).add(row(1, 'expected'), row(2, 'expected'))
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, `${text}/in/raw-3.fi`)
  t.same([...openState(cwd, t.fail).of('svom').keys()], ['/in/raw-1.fits', '/in/raw-2.fits'])
  t.notOk(existsSync(`${path}.damaged`), 'what a kill tears is no damage')
  writeFileSync(path, `\0\0${text.slice(9)}`)
  t.same(
    [
      ...openState(cwd, () => {})
        .of('svom')
        .keys(),
    ],
    ['/in/raw-1.fits', '/in/raw-2.fits'],
  )
})
