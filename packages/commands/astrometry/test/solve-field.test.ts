import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readFrame, writeFits } from '@nightpipe/fits'
import { readWcs } from '@nightpipe/sky'
import { call, lacking } from '@nightpipe/testing'
import t from 'tap'
import { apart, camera, SKY, starsOfSky, writeCatalogue, writeFrame } from './support/field.js'

const run = (cwd: string, ...args: string[]) => call('astrometry', args, { cwd })
const skip = lacking('solve-field', 'build-astrometry-index')

function wcsIn(path: string) {
  const { header } = readFrame(path)
  return readWcs((keyword) => header.cards.find((card) => card.keyword === keyword)?.value)!
}

t.test('an installed solve-field finds the field, alone and with our catalogue', { skip }, async (t) => {
  const cwd = t.testdir({ indexes: {} })
  const stars = starsOfSky(4)
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  const column = (name: string, of: (k: (typeof stars)[number]) => number) => ({
    name,
    values: Float64Array.from(stars, of),
  })
  const columns = [column('RA', (s) => s.ra), column('DEC', (s) => s.dec), column('MAG', (s) => s.mag)]
  writeFits(join(cwd, 'stars.fits'), [{ kind: 'empty' }, { kind: 'table', columns, rows: stars.length }])
  const made = spawnSync(
    'build-astrometry-index',
    '-i stars.fits -A RA -D DEC -S MAG -E -P 3 -I 1 -o indexes/index-test.fits'.split(' '),
    { cwd },
  )
  t.equal(made.status, 0)
  writeFrame(join(cwd, 'm.fits'), {
    wcs: camera({ hand: 1, turn: 1 }),
    stars,
    cards: [
      ['RA', SKY[0]],
      ['DEC', SKY[1]],
      ['PIXSCALE', 2.5],
    ],
  })
  const solver = ['--solver', 'astrometry.net', '--set', 'solver.indexes=indexes']
  const alone = run(cwd, '-s', 'm.fits', '-r', 'alone', ...solver)
  t.equal(alone.status, 0, alone.stderr)
  t.ok(apart(wcsIn(join(cwd, 'alone/m.fits')), camera({ hand: 1, turn: 1 })) < 0.2)
  const both = run(cwd, '-s', 'm.fits', '-r', 'both', ...solver, '--catalogue', 'stars.csv')
  t.equal(both.status, 0, both.stderr)
  const off = apart(wcsIn(join(cwd, 'both/m.fits')), camera({ hand: 1, turn: 1 }))
  t.ok(off < 0.04, `${off} px`)
  mkdirSync(join(cwd, 'none'))
  const none = run(cwd, '-s', 'm.fits', '-r', 'out', '--solver', 'astrometry.net', '--set', 'solver.indexes=none')
  t.equal(none.status, 3)
  t.match(none.stderr, /no solution by solve-field: \S+/)
})

t.test('a solve-field that is not there is named in one line', async (t) => {
  const cwd = t.testdir({})
  writeFrame(join(cwd, 'm.fits'), {
    wcs: camera(),
    stars: starsOfSky(),
    cards: [
      ['RA', SKY[0]],
      ['DEC', SKY[1]],
      ['PIXSCALE', 2.5],
    ],
  })
  const { status, stderr } = run(
    cwd,
    '-s',
    'm.fits',
    '-r',
    'out',
    '--solver',
    'astrometry.net',
    '--set',
    'solver.command=no-such-solver',
  )
  t.equal(status, 3)
  t.match(
    stderr,
    /no-such-solver cannot be started: .*\(install astrometry\.net and its index files, or set \[solver\] method = own\)/,
  )
})
