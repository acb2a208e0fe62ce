import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { linesOf, makeFrames, run } from './toy/night.js'

t.test(
  'a reason that many share is told once, with the first file, its name once, and the number of others',
  async (t) => {
    const cwd = scratch()
    mkdirSync(join(cwd, 'raw'))
    for (const name of ['a.fits', 'b.fits', 'c.fits']) writeFileSync(join(cwd, 'raw', name), 'no frame at all\n')
    const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--quiet'], { cwd })
    t.equal(code, 3)
    t.same(linesOf(stderr), ['copy-frames: a.fits and 2 more: is a text file, not FITS'])
  },
)

t.test('where every input was set aside, the reasons are told, not only in the report', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  const { code, stdout, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--set', 'copy.limit=1'], {
    cwd,
  })
  t.equal(code, 0)
  t.equal(stdout, '')
  t.match(stderr, /^copy-frames: rejected: .*a\.fits: mean [\d.]+ above 1$/m)
})

t.test('64MB of memory is enough', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  t.match(await run('copy-frames', ['-s', 'raw', '-r', 'red', '--memory', '64MB'], { cwd }), { code: 0 })
})
