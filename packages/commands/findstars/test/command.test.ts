import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCat } from '@nightpipe/catalogues'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import t from 'tap'

const bin = fileURLToPath(new URL('../../bin/findstars.js', import.meta.url))
const run = (args: readonly string[], cwd: string) =>
  spawnSync(process.execPath, [bin, ...args], { cwd, encoding: 'utf8' })

/** Gaussian stars of sigma 1.5 px on a noisy sky. */
function writeField(path: string, places: readonly (readonly [number, number])[], flux = 5000): void {
  const [width, height] = [128, 96]
  const { normal } = random(7)
  const pixels = Float32Array.from({ length: width * height }, () => 100 + 5 * normal())
  for (const [cx, cy] of places) {
    for (let p = 0; p < pixels.length; p++) {
      const [dx, dy] = [(p % width) - cx, Math.floor(p / width) - cy]
      pixels[p] += (flux / (2 * Math.PI * 2.25)) * Math.exp(-(dx * dx + dy * dy) / 4.5)
    }
  }
  const header = createHeader([['BUNIT', 'adu']])
  writeFits(path, [{ kind: 'image', header, bitpix: -32, axes: [width, height], pixels }])
}

const PLACES = [
  [20.3, 30.7],
  [60.5, 50.2],
  [100.1, 80.9],
] as const

t.test('the stars of a frame are in its catalogue, where they are and as bright as they are', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/m67.fits'), PLACES)
  const { status, stdout, stderr } = run(['--input', 'in', '--output', 'out'], cwd)
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/m67.cat.fits\n')
  const stars = readCat(join(cwd, 'out/m67.cat.fits'))
  t.ok(stars.count >= 3)
  PLACES.forEach(([x, y], i) => {
    t.ok(Math.hypot(stars.x[i]! - x, stars.y[i]! - y) < 0.05, 'within a few sigma of 0.01 px')
    t.ok(Math.abs(stars.flux[i]! - 5000) < 400, 'within a few sigma of 80')
  })
  t.match(readFileSync(join(cwd, 'out/findstars.csv'), 'utf8'), /m67\.fits,done,.*m67\.cat\.fits,/)
})

t.test('a key that does not exist is refused in one line before anything is touched', async (t) => {
  const { status, stdout, stderr } = run(
    ['--input', '.', '--output', 'out', '--set', 'detection.sigma=1'],
    t.testdir({}),
  )
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(stderr, /^findstars: --set: unknown key 'sigma' in \[detection\].*\n$/)
})
