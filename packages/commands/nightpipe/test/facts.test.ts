import { writeFileSync } from 'node:fs'
import { createHeader, encodeFits } from '@nightpipe/fits'
import t from 'tap'
import { nightpipe } from './front-door.js'

const frame = (cards: [string, string | number][]) =>
  encodeFits([{ kind: 'image', header: createHeader(cards), bitpix: 16, axes: [8, 4], pixels: new Int16Array(32) }])

const night = () => ({
  'a.fits': Buffer.from(
    frame([
      ['IMAGETYP', 'Flat Field'],
      ['FILTER', 'rp'],
      ['EXPTIME', 3],
      ['BIASSEC', '[7:8,1:4]'],
      ['MYGAIN', 2.5],
    ]),
  ),
  'b.fits': Buffer.from(
    frame([
      ['IMAGETYP', 'ZERO'],
      ['EXPTIME', 0],
      ['TRIMSEC', '[1:99,1:99]'],
    ]),
  ),
})

t.test('one frame is told in detail, with the keyword of each fact', async (t) => {
  const { code, stdout, stderr } = nightpipe(['facts', `${t.testdir(night())}/a.fits`])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.match(stdout, /^ {2}type +flat +IMAGETYP$/m)
  t.match(stdout, /^ {2}exposure +3 s +EXPTIME$/m)
  t.match(stdout, /^ {2}gain +-$/m)
  t.match(stdout, /^ {2}data +\[1:6,1:4\]$/m)
  t.match(stdout, /^ {2}overscan +\[7:8,1:4\] +BIASSEC$/m)
})

t.test('several are a table, with what was odd below', async (t) => {
  const { code, stdout } = nightpipe(['facts', t.testdir(night())])
  t.equal(code, 0)
  const lines = stdout.split('\n')
  t.match(lines[0], /^file +type +instrument/)
  t.match(lines[1], /a\.fits +flat +unknown +rp +3 +1x1/)
  t.match(stdout, '1 of 2: TRIMSEC [1:99,1:99] does not fit the 8x4 array: stale, ignored')
})

t.test('a profile that is being written is tried, and its mistakes are named', async (t) => {
  const folder = t.testdir({
    ...night(),
    'mine.ini': '[keywords]\ngain = MYGAIN\n[filters]\nrp = r\n',
    'bad.ini': '[keywords]\ngian = X\n',
  })
  const read = nightpipe(['facts', `${folder}/a.fits`, '--profile', `${folder}/mine.ini`, '--json'])
  t.match(JSON.parse(read.stdout), { facts: { gain: 2.5, filter: 'r', sources: { gain: 'MYGAIN' } } })
  t.match(nightpipe(['facts', `${folder}/a.fits`, '--profile', `${folder}/bad.ini`]), {
    code: 2,
    stderr: /bad.ini:2: unknown key 'gian' in \[keywords\], did you mean 'gain'/,
  })
  t.match(nightpipe(['facts', `${folder}/a.fits`, '--profile', 'coatly']), { code: 2, stderr: /did you mean 'coatli'/ })
})

t.test('frames that cannot be read do not hide the others', async (t) => {
  const folder = t.testdir(night())
  writeFileSync(`${folder}/c.fits`, 'this is text')
  const { code, stdout, stderr } = nightpipe(['facts', folder])
  t.equal(code, 5)
  t.match(stdout, /a\.fits +flat/)
  t.match(stderr, /^nightpipe: .*c\.fits/)
  t.equal(nightpipe(['facts', `${folder}/c.fits`]).code, 3)
})
