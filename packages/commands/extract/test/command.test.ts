import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHeader, readFrame, writeFits } from '@nightpipe/fits'
import t from 'tap'
import { addLevel } from '../src/add-level.js'

const bin = fileURLToPath(new URL('../../bin/extract.js', import.meta.url))
const run = (args: readonly string[], cwd: string) =>
  spawnSync(process.execPath, [bin, ...args], { cwd, encoding: 'utf8' })

// Law: true for any data.
t.test('adding a level and its opposite gives the frame back, NaN included', async (t) => {
  const pixels = Float32Array.of(1, -2, 0, Number.NaN)
  t.same(addLevel(addLevel(pixels, 8), -8), pixels)
  t.same([...pixels], [1, -2, 0, Number.NaN], 'the frame itself is untouched')
})

// The executable as the astronomer meets it.
t.test('every frame of a folder becomes a product and a row of the report', async (t) => {
  const cwd = t.testdir({ raw: {} })
  const header = createHeader([['BUNIT', 'adu']])
  const pixels = Int16Array.of(1, 2, 3, 4, 5, 6)
  writeFits(join(cwd, 'raw/m67.fits'), [{ kind: 'image', header, bitpix: 16, axes: [3, 2], pixels }])
  const { status, stdout } = run(['--input', 'raw', '--output', 'out', '--set', 'level.add=100'], cwd)
  t.equal(status, 0)
  t.equal(stdout, 'out/m67.fits\n')
  t.same([...readFrame(join(cwd, 'out/m67.fits')).pixels], [101, 102, 103, 104, 105, 106])
  const report = readFileSync(join(cwd, 'out/extract.csv'), 'utf8')
  t.match(report, /^input,.*median_adu\n\.\.\/raw\/m67\.fits,done,.*,103\.5\n$/)
})

t.test('a key that does not exist is refused in one line before anything is touched', async (t) => {
  const { status, stdout, stderr } = run(['--input', '.', '--output', 'out', '--set', 'level.ad=1'], t.testdir({}))
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(stderr, /^extract: --set: unknown key 'ad' in \[level\].*\n$/)
})
