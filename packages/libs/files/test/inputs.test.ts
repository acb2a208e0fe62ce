import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { expandInputs, SKIP_FOLDER, stemOf } from '../src/index.js'

const night = {
  'b.fits': '',
  'A.FIT': '',
  'c.fts.gz': '',
  'd.fits.FZ': '',
  'e.fz': '',
  'notes.txt': '',
  'reduction.csv': '',
  '.hidden.fits': '',
  '.b.fits.1-0.1-ffffffffffff.part': '',
  flats: { 'g-1.fits': '', 'r-1.fits': '', 'i-2.fits': '' },
}

/** The tests give relative names, as people do: they run inside the night. */
function inNight(t: Tap.Test, content: typeof night | object = night): string {
  const folder = t.testdir(content as never)
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  return folder
}

import type * as Tap from 'tap'

const shown = (...args: Parameters<typeof expandInputs>) => expandInputs(...args).map((file) => file.shown)

t.test('a folder means the frames below it, sorted by name, in any spelling of the extension', async (t) => {
  inNight(t)
  t.same(shown(['.']), [
    'A.FIT',
    'b.fits',
    'c.fts.gz',
    'd.fits.FZ',
    'e.fz',
    'flats/g-1.fits',
    'flats/i-2.fits',
    'flats/r-1.fits',
  ])
  t.same(shown(['flats/']), ['flats/g-1.fits', 'flats/i-2.fits', 'flats/r-1.fits'])
})

t.test('a folder whose links all lead nowhere is no empty night', async (t) => {
  const folder = inNight(t, { 'notes.txt': '' })
  t.same(expandInputs(['.'], { allowEmpty: true }), [])
  symlinkSync(join(folder, 'unmounted/a.fits'), 'a.fits')
  t.throws(() => expandInputs(['.'], { allowEmpty: true }), {
    message: 'the links to all frames lead nowhere: a.fits',
    advice: 'is their disk mounted?',
  })
  writeFileSync('b.fits', '')
  t.same(shown(['.']), ['b.fits'])
})

t.test('the order of the arguments and repetitions do not matter', async (t) => {
  const folder = inNight(t)
  const once = expandInputs(['b.fits', 'flats']).map((file) => file.path)
  t.same(
    expandInputs(['flats/*', 'b.fits', `${folder}/b.fits`, 'flats']).map((file) => file.path),
    once,
  )
})

t.test('a folder that says so is passed over, unless it is what was named', async (t) => {
  inNight(t, { 'a.fits': '', truth: { '.nightpipe-skip': '', 'a.fits': '', deep: { 'b.fits': '' } } })
  t.same(shown(['.']), ['a.fits'])
  t.same(shown(['truth']), ['truth/a.fits', 'truth/deep/b.fits'])
})

t.test('patterns', async (t) => {
  inNight(t)
  t.same(shown(['**/*.fits']), ['b.fits', 'flats/g-1.fits', 'flats/i-2.fits', 'flats/r-1.fits'])
  t.same(shown(['flats/[gr]-?.fits']), ['flats/g-1.fits', 'flats/r-1.fits'])
  t.same(shown(['flats/[!g]-1.fits']), ['flats/r-1.fits'])
  t.same(shown(['flats/{g,{r,i}}-*']), ['flats/g-1.fits', 'flats/i-2.fits', 'flats/r-1.fits'])
  t.same(shown(['*']).length, 8, 'an open pattern takes frames only, a folder that it matches is walked')
  t.same(shown(['*.txt']), ['notes.txt'], 'a pattern with an extension takes what it names')
  t.same(shown([join(process.cwd(), 'fl*', 'g*')]).length, 1)
})

t.test('a name with the characters of a pattern means itself when it exists', async (t) => {
  inNight(t, { 'm[1].fits': '', 'm1.fits': '' })
  t.same(shown(['m[1].fits']), ['m[1].fits'])
})

t.test('a list names paths relative to itself; comments, blank lines and CRLF are no paths', async (t) => {
  inNight(t, {
    ...night,
    lists: {
      'night.txt': '\uFEFF# the night\r\n\r\n  ../b.fits \r\n../flats/g*\r\n@more.txt\r\n',
      'more.txt': '../A.FIT\n',
    },
  })
  t.same(shown(['@lists/night.txt']), ['A.FIT', 'b.fits', 'flats/g-1.fits'])
  writeFileSync('lists/more.txt', '@night.txt\n')
  t.throws(() => expandInputs(['@lists/night.txt']), { name: 'ConfigError', message: /names itself/ })
})

t.test('standard input gives paths, or the JSON lines of a command before', async (t) => {
  inNight(t)
  t.same(shown(['-'], { stdin: 'b.fits\nA.FIT\n' }), ['A.FIT', 'b.fits'])
  t.same(shown(['-'], { stdin: 'b.fits\0A.FIT\0' }), ['A.FIT', 'b.fits'])
  t.same(shown(['-'], { stdin: '{"product":"b.fits","status":"done"}\n{"product":null}\n' }), ['b.fits'])
  t.throws(() => expandInputs(['-'], { stdin: '' }), { name: 'DataError' })
  t.same(shown(['-'], { stdin: '', allowEmpty: true }), [])
})

t.test('what is missing is named in one line; what is empty is another matter', async (t) => {
  inNight(t)
  mkdirSync('empty')
  t.throws(() => expandInputs(['x.fits', 'b.fits', 'y*.fits']), {
    name: 'ConfigError',
    message: 'no such input: x.fits, y*.fits',
  })
  t.throws(() => expandInputs(['1', '2', '3', '4', '5']), { message: 'no such input: 1, 2, 3 and 2 more' })
  t.throws(() => expandInputs(['empty']), { name: 'DataError', message: 'no frames in empty' })
  t.same(shown(['empty', 'y*.fits'], { allowEmpty: true }), [])
})

t.test('a link that leads back up does not make an endless walk', async (t) => {
  const folder = inNight(t)
  symlinkSync(folder, join(folder, 'flats', 'up'))
  t.equal(shown(['.']).length, 8)
})

t.test('a folder marked to be skipped is passed over from above, and taken when it is named', async (t) => {
  inNight(t, { ...night, truth: { [SKIP_FOLDER]: '', 'bias.fits': '' } })
  t.equal(shown(['.']).length, 8)
  t.same(shown(['truth']), ['truth/bias.fits'])
})

t.test('the stem is the name without what says FITS', async (t) => {
  for (const [name, stem] of [
    ['m67.001.fits', 'm67.001'],
    ['M67.FITS.fz', 'M67'],
    ['a.fit.gz', 'a'],
    ['spectrum.dat', 'spectrum.dat'],
    ['.fits', '.fits'],
  ]) {
    t.equal(stemOf(name!), stem)
  }
})
