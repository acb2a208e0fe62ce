import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readProvenance } from '@nightpipe/command'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { partOf } from '../src/part-of-stack.js'
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
  t.ok(partOf(raw, '/elsewhere/n.fits', made))
  t.notOk(partOf(raw, '/elsewhere/m.fits', made))
  t.notOk(partOf(raw, '/elsewhere/n.fits', join(cwd, 'r.fits')), 'a frame of another tool says nothing')
  const [parent] = readProvenance(made).parents
  t.ok(partOf({ lookup: () => parent!.id }, 'renamed.fits', made), 'a product is known by its identity')
  t.notOk(partOf({ lookup: () => 'another' }, 'n.fits', made))
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

t.test(
  'a frame minus the stack that holds it has the noise that its errors say, aligned or not',
  { timeout: 120_000 },
  async (t) => {
    const cwd = t.testdir({ in: {} })
    for (let k = 0; k < 4; k++) {
      const shift = [0.4 * k, -0.3 * k] as const
      const cards = [['MJD-OBS', 60000 + k / 1000] as [string, number]]
      writeField(join(cwd, `in/f${k}.fits`), STARS, { ...FIELD, seed: 10 + k, shift, cards, error: true })
    }
    t.equal(call('alignment', ['-s', 'in', '-r', 'ali', '--quiet'], { cwd }).status, 0)
    t.equal(call('stacking', ['-s', 'ali', '-r', 'deep', '--quiet'], { cwd }).status, 0)
    const [stack] = readdirSync(join(cwd, 'deep')).filter((name) => name.endsWith('.fits'))
    for (const from of ['in', 'ali']) {
      const args = [
        '-s',
        `${from}/f0.fits`,
        '-s',
        `${from}/f1.fits`,
        '-r',
        `out-${from}`,
        '--set',
        `reference.file=deep/${stack}`,
      ]
      t.equal(run(args, cwd).status, 0)
      for (const [name, row] of report(join(cwd, `out-${from}/subtraction.csv`))) {
        if (row.status !== 'done') continue
        t.equal(row.convolved, 'reference', `${from}/${name}`)
        // taken for strange frames they would have 0.77; what one frame lost to interpolation is only known on the mean
        t.ok(Math.abs(Number(row.noise_ratio) - 1) < 0.1, `${from}/${name}: noise ${row.noise_ratio}`)
        t.ok(Math.abs(Number(row.score_sigma) - 1) < 0.08, `${from}/${name}: score ${row.score_sigma}`)
      }
    }
  },
)

t.test('a stack of one frame is no reference for it, but for another one', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, { ...FIELD, cards: [['MJD-OBS', 60000]] })
  writeField(join(cwd, 'm.fits'), STARS, { ...FIELD, seed: 2, cards: [['MJD-OBS', 60001]] })
  t.equal(call('alignment', ['-s', 'in', '-r', 'ali', '--quiet'], { cwd }).status, 0)
  t.equal(call('stacking', ['-s', 'ali', '-r', 'deep', '--quiet'], { cwd }).status, 0)
  const [stack] = readdirSync(join(cwd, 'deep')).filter((name) => name.endsWith('.fits'))
  run(['-s', 'in', '-s', 'm.fits', '-r', 'out', '--set', `reference.file=deep/${stack}`], cwd)
  const rows = report(join(cwd, 'out/subtraction.csv'))
  const { status, reason } = rows.get('n.fits')!
  t.same([status, reason], ['rejected', `${stack} was made of this frame alone`])
  t.equal(rows.get('m.fits')!.status, 'done')
})
