import { join } from 'node:path'
import { column, openFits, readFrame, readTable } from '@nightpipe/fits'
import { robustStatistics } from '@nightpipe/math'
import t from 'tap'
import { type FieldOptions, report, run, starsOf, writeField } from './support/field.js'

const NEW: FieldOptions = { width: 400, height: 360, fwhm: 4, sky: 300, gain: 2, readNoise: 5, seed: 1 }
const REFERENCE: FieldOptions = { ...NEW, fwhm: 3, sky: 120, seed: 2 }
const STARS = starsOf(160, 400, 360, [3e5, 500])
/** Well above the noise, in the emptiest places. */
const SOURCES = [2500, 2000, 3000].map((flux, k) => ({ ...emptiest(60 + 120 * k, 150 + 120 * k), flux }))

/** Of the places of a part of the field that which is furthest from all stars. */
function emptiest(x0: number, x1: number): { x: number; y: number } {
  let best = { x: 0, y: 0, away: 0 }
  for (let y = 40.3; y < 320; y += 5) {
    for (let x = x0 + 0.4; x < x1; x += 5) {
      const away = Math.min(...STARS.map((star) => Math.hypot(star.x - x, star.y - y)))
      if (away > best.away) best = { x, y, away }
    }
  }
  return { x: best.x, y: best.y }
}

/** The good candidates of a product. */
function candidates(path: string) {
  const file = openFits(path)
  try {
    const table = readTable(file.hdus.find(({ name }) => name === 'CANDIDATES')!)
    const get = (name: string) => Array.from(column(table, name)!.values as ArrayLike<number>)
    const good = column(table, 'GOOD')!.values as boolean[]
    const [x, y, flux, error, score] = ['X', 'Y', 'FLUX', 'FLUX_ERR', 'SCORE'].map(get) as [
      number[],
      number[],
      number[],
      number[],
      number[],
    ]
    return x.map((_, k) => ({
      x: x[k]! - 1,
      y: y[k]! - 1,
      flux: flux[k]!,
      error: error[k]!,
      score: score[k]!,
      good: good[k]!,
    }))
  } finally {
    file.close()
  }
}

for (const method of ['alard', 'zogy']) {
  t.test(`${method}: what is new is found where it is and as bright as it is, and nothing else`, async (t) => {
    const cwd = t.testdir({ in: {} })
    writeField(join(cwd, 'in/n.fits'), STARS, { ...NEW, scale: 0.8, more: SOURCES })
    writeField(join(cwd, 'r.fits'), STARS, REFERENCE)
    const { status, stdout, stderr } = run(
      ['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits', '--set', `subtraction.method=${method}`],
      cwd,
    )
    t.equal(status, 0, stderr)
    t.equal(stdout, 'out/n.diff.fits\n')
    const good = candidates(join(cwd, 'out/n.candidates.fits')).filter((one) => one.good)
    t.equal(good.length, SOURCES.length)
    for (const source of SOURCES) {
      const found = good.find(({ x, y }) => Math.hypot(x - source.x, y - source.y) < 0.5)
      t.ok(found, `at ${source.x}, ${source.y}`)
      if (found)
        t.ok(Math.abs(found.flux - source.flux) < 4 * found.error, `${found.flux} ± ${found.error} of ${source.flux}`)
    }
    const { ratio, noise_ratio, score_sigma } = report(join(cwd, 'out/subtraction.csv')).get('n.fits')!
    t.ok(Math.abs(Number(ratio) - 0.8) < 0.02, `ratio ${ratio}`)
    t.ok(Math.abs(Number(noise_ratio) - 1) < 0.05, `noise ${noise_ratio}`)
    t.ok(Math.abs(Number(score_sigma) - 1) < 0.05, `score ${score_sigma}`)
    const difference = readFrame(join(cwd, 'out/n.diff.fits'))
    const pulls = difference.pixels.map((value, p) => value / difference.error![p]!)
    t.ok(Math.abs(robustStatistics(pulls).sigma - 1) < 0.05)
  })
}

t.test('without a reference nothing is touched', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), [], { ...NEW, width: 32, height: 32 })
  const { status, stderr } = run(['-s', 'in', '-r', 'out'], cwd)
  t.equal(status, 2)
  t.match(stderr, /names no reference \(give file = FRAME or FOLDER, or best = yes\)/)
})
