import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { readProvenance } from '@nightpipe/command'
import t from 'tap'
import { isPartOf } from '../src/part-of-stack.js'
import { type FieldOptions, report, run, starsOf, writeField } from './support/field.js'

const FIELD: FieldOptions = { width: 300, height: 300, fwhm: 3, sky: 200, gain: 2, readNoise: 5, seed: 1 }
const STARS = starsOf(120, 300, 300, [2e5, 500])

t.test('a reference that was made of the frame is known by its provenance', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, FIELD)
  writeField(join(cwd, 'r.fits'), STARS, { ...FIELD, fwhm: 2.8, seed: 2 })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  const made = join(cwd, 'out/n.diff.fits')
  const raw = { lookup: () => undefined }
  t.ok(isPartOf(raw, '/elsewhere/n.fits', made))
  t.notOk(isPartOf(raw, '/elsewhere/m.fits', made))
  t.notOk(isPartOf(raw, '/elsewhere/n.fits', join(cwd, 'r.fits')), 'a frame of another tool says nothing')
  const [parent] = readProvenance(made).parents
  t.ok(isPartOf({ lookup: () => parent!.id }, 'renamed.fits', made), 'a product is known by its identity')
  t.notOk(isPartOf({ lookup: () => 'another' }, 'n.fits', made))
})

t.test('products that lie beside the frames, and are tables, are set aside', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, FIELD)
  writeField(join(cwd, 'r.fits'), STARS, { ...FIELD, fwhm: 2.8, seed: 2 })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  copyFileSync(join(cwd, 'out/n.candidates.fits'), join(cwd, 'in/n.candidates.fits'))
  t.equal(run(['-s', 'in', '-r', 'again', '--set', 'reference.file=r.fits'], cwd).status, 0)
  const row = report(join(cwd, 'again/subtraction.csv')).get('n.candidates.fits')!
  t.same([row.status, row.reason], ['rejected', 'is a table that subtraction made'])
})

t.test('the sharper of two strange frames is convolved', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, FIELD)
  writeField(join(cwd, 'r.fits'), STARS, { ...FIELD, fwhm: 3.6, seed: 2 })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  t.equal(report(join(cwd, 'out/subtraction.csv')).get('n.fits')!.convolved, 'new')
})
