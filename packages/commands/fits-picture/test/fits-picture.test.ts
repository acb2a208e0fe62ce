import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFits } from '@nightpipe/fits'
import { call } from '@nightpipe/testing'
import t from 'tap'

const run = (...args: string[]) => call('fits-picture', args)

t.test('a frame becomes a PNG, named after it, and says its levels', async (t) => {
  const folder = t.testdir()
  const pixels = Float32Array.from({ length: 64 * 48 }, (_, k) => (k % 64) + Math.sin(k))
  writeFits(join(folder, 'a.fits'), [{ kind: 'image', bitpix: -32, axes: [64, 48], pixels }])
  const { status, stdout, stderr } = run('--input', join(folder, 'a.fits'), '--output', join(folder, 'out'))
  t.equal(status, 0, stderr)
  t.equal(stdout.trim(), join(folder, 'out/a.png'))
  const png = readFileSync(join(folder, 'out/a.png'))
  t.equal(png.subarray(1, 4).toString(), 'PNG')
  t.match(readFileSync(join(folder, 'out/fits-picture.csv'), 'utf8'), /done/)
})

t.test('a frame of NaN is refused in one line', async (t) => {
  const folder = t.testdir()
  const pixels = new Float32Array(16).fill(Number.NaN)
  writeFits(join(folder, 'nan.fits'), [{ kind: 'image', bitpix: -32, axes: [4, 4], pixels }])
  const { status, stdout, stderr } = run(
    '--input',
    join(folder, 'nan.fits'),
    '--output',
    join(folder, 'out'),
    '--quiet',
  )
  t.equal(status, 3)
  t.equal(stdout, '')
  t.match(stderr, /nan.fits: holds no finite pixel/)
})
