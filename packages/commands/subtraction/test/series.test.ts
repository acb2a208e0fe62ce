import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { column, openFits, readFrame, readTable, textOf } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { formatMjd, makeTan, tanHeaderCards } from '@nightpipe/sky'
import t from 'tap'
import { type FieldOptions, report, run, type Star, starsOf, writeField } from './support/field.js'

const SIZE = { width: 300, height: 280 }
const BASE: FieldOptions = { ...SIZE, fwhm: 3.6, sky: 250, gain: 2, readNoise: 5, seed: 1 }
const STARS = starsOf(90, 300, 280, [2e5, 500])
const SCALE = 1 / 3600

/** Coordinates of a frame whose grid is moved and turned as `writeField` does it. */
function wcsCards({ shift = [0, 0], turn = 0 }: Partial<FieldOptions>): [string, string | number][] {
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)]
  const [u, v] = [-shift[0], -shift[1]]
  const pixel: [number, number] = [cos * u - sin * v + 150, sin * u + cos * v + 140]
  const tan = makeTan({ pixel, sky: [150, 20], matrix: [-SCALE * cos, SCALE * sin, SCALE * sin, SCALE * cos] })
  return tanHeaderCards(tan).map(([keyword, value]) => [keyword, value as string | number])
}

const epochCards = (k: number): [string, string | number][] => [
  ['DATE-OBS', formatMjd(60000 + k / 24)],
  ['EXPTIME', 60],
  ['MAGZP', 25],
]

const STILL: Star = { x: 80.4, y: 200.7, flux: 5000 }
const mover = (k: number): Star => ({ x: 60 + 35 * k, y: 60 + 22 * k, flux: 4000 })

/** Four epochs: a source that appears at the second, one that moves; grids shifted and turned. */
function writeSeries(folder: string): void {
  for (let k = 0; k < 4; k++) {
    const grid = { shift: [6 * k - 5, 3 - 2 * k] as const, turn: 0.2 * k }
    const more = k > 0 ? [STILL, mover(k)] : [mover(k)]
    const cards = [...wcsCards(grid), ...epochCards(k)]
    writeField(join(folder, `e${k}.fits`), STARS, { ...BASE, ...grid, seed: 10 + k, more, cards })
  }
}

t.test(
  'a series: a source has one light curve with limits before it appeared, a moving object its motion',
  async (t) => {
    const cwd = t.testdir({ in: {} })
    writeSeries(join(cwd, 'in'))
    writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, sky: 100, seed: 5, cards: wcsCards({}) })
    const set = ['reference.file=r.fits', 'photometry.positions=150.0,20.0', 'candidates.png=yes']
    const args = ['-s', 'in', '-r', 'out', ...set.flatMap((value) => ['--set', value])]
    const { status, stderr } = run(args, cwd)
    t.equal(status, 0, stderr)
    const rows = report(join(cwd, 'out/subtraction.csv'))
    t.match(rows.get('e1.fits')!.registration, /wcs and stars/)

    const curves = [...csv(join(cwd, 'out/lightcurves.csv'))]
    t.same([...new Set(curves.map(({ source }) => source))].length, 1)
    t.same(
      curves.map(({ detected }) => detected),
      ['false', 'true', 'true', 'true'],
    )
    t.ok(curves[0]!.upper_limit_mag !== '' && curves[0]!.mag === '', 'before it appeared')
    t.ok(
      curves
        .slice(1)
        .every(
          ({ mag, upper_limit_mag }) =>
            Math.abs(Number(mag) - (25 - 2.5 * Math.log10(5000))) < 0.15 && upper_limit_mag === '',
        ),
    )

    const movers = csv(join(cwd, 'out/movers.csv'))
    t.equal(movers.length, 1)
    t.equal(movers[0]!.epochs, '4')
    t.ok(Math.abs(Number(movers[0]!.rate_px_h) - Math.hypot(35, 22)) < 0.5, movers[0]!.rate_px_h)
    t.ok(Math.abs(Number(movers[0]!.rate_arcsec_h) - Math.hypot(35, 22)) < 0.5, 'a pixel is an arcsecond')

    const file = openFits(join(cwd, 'out/e2.candidates.fits'))
    const forced = readTable(file.hdus.find(({ name }) => name === 'FORCED')!)
    file.close()
    t.equal(forced.rows, 1)
    t.ok(Math.abs((column(forced, 'FLUX')!.values as Float64Array)[0]!) < 500, 'nothing is there')
    t.ok(readdirSync(join(cwd, 'out')).some((name) => /^e2\.stamps-0001\.png$/.test(name)))

    await t.test(
      'again, and there is nothing to do; with other numbers of threads the bytes are the same',
      async (t) => {
        const before = bytesOf(join(cwd, 'out'))
        t.equal(run(args, cwd).status, 0)
        t.same(bytesOf(join(cwd, 'out')), before)
        t.equal(run([...args.slice(0, 3), 'one', ...args.slice(4), '--workers', '1'], cwd).status, 0)
        t.equal(run([...args.slice(0, 3), 'two', ...args.slice(4), '--workers', '4'], cwd).status, 0)
        t.same(bytesOf(join(cwd, 'one')), before)
        t.same(bytesOf(join(cwd, 'two')), before)
      },
    )

    const verify = 'fitsverify'
    const installed = spawnSync(verify, ['-q', join(cwd, 'out/e2.diff.fits')], { encoding: 'utf8' })
    await t.test('fitsverify finds nothing', { skip: installed.error ? 'no fitsverify' : false }, async (t) => {
      for (const name of readdirSync(join(cwd, 'out')).filter(
        (file) => file.startsWith('e2') && file.endsWith('.fits'),
      )) {
        const { stdout } = spawnSync(verify, ['-q', join(cwd, 'out', name)], { encoding: 'utf8' })
        t.match(stdout, /verification OK/, `${name}: ${stdout}`)
      }
    })
  },
)

function csv(path: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
  return lines.map((cells) => Object.fromEntries(head!.map((name, k) => [name, cells[k]!]))) as Record<string, string>[]
}

/** Products and tables; the report tells seconds. */
function bytesOf(folder: string): [name: string, bytes: string][] {
  return readdirSync(folder)
    .filter((name) => /\.(fits|csv|png)$/.test(name) && name !== 'subtraction.csv')
    .sort()
    .map((name) => [name, readFileSync(join(folder, name)).toString('base64')])
}

t.test('without coordinates frames are brought together by their stars, however the grid is turned', async (t) => {
  const cwd = t.testdir({ in: {} })
  const grid = { shift: [14.3, -9.6] as const, turn: 12 }
  writeField(join(cwd, 'in/n.fits'), STARS, { ...BASE, ...grid, more: [STILL] })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2 })
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 0, stderr)
  const row = report(join(cwd, 'out/subtraction.csv')).get('n.fits')!
  t.equal(row.registration, 'stars')
  t.ok(Math.abs(Number(row.noise_ratio) - 1) < 0.1, row.noise_ratio)
  t.ok(Math.abs(Number(row.score_sigma) - 1) < 0.15, row.score_sigma)
  t.equal(row.candidates, '1')
})

t.test('the template of the right filter is taken from a folder; a frame without one fails alone', async (t) => {
  const cwd = t.testdir({ in: {}, templates: {} })
  writeField(join(cwd, 'in/a.fits'), STARS, BASE)
  writeField(join(cwd, 'in/b.fits'), STARS, { ...BASE, cards: [['FILTER', 'z']] })
  for (const filter of ['g', 'r']) {
    writeField(join(cwd, `templates/t_${filter}.fits`), STARS, {
      ...BASE,
      fwhm: 3,
      seed: 7,
      cards: [['FILTER', filter]],
    })
  }
  const { status } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=templates'], cwd)
  t.equal(status, 5)
  const rows = report(join(cwd, 'out/subtraction.csv'))
  t.equal(rows.get('a.fits')!.reference, 't_r.fits')
  t.match(rows.get('b.fits')!.reason, /no reference of field in filter z/)
})

t.test('the best frame of a field is its reference, and is not subtracted from itself', async (t) => {
  const cwd = t.testdir({ in: {} })
  ;[4.4, 3, 3.8].forEach((fwhm, k) => {
    writeField(join(cwd, `in/f${k}.fits`), STARS, { ...BASE, fwhm, seed: 20 + k })
  })
  const { status } = run(['-s', 'in', '-r', 'out', '--set', 'reference.best=yes'], cwd)
  t.equal(status, 0)
  const rows = report(join(cwd, 'out/subtraction.csv'))
  t.equal(rows.get('f0.fits')!.reference, 'f1.fits')
  t.equal(rows.get('f1.fits')!.status, 'rejected')
  t.notOk(existsSync(join(cwd, 'out/f1.diff.fits')))
})

t.test('another field is refused in one line', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, BASE)
  writeField(join(cwd, 'r.fits'), starsOf(90, 300, 280, [2e5, 500], 77), { ...BASE, seed: 3 })
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 3)
  t.match(stderr, /the stars of n\.fits and r\.fits do not match \(is it the same field\?/)
})

t.test('a sharper, longer reference in which most bright stars are saturated is registered', async (t) => {
  const cwd = t.testdir({ in: {} })
  // bright stars are as many as faint ones: the brightest that are whole are others in each frame
  const { uniform } = random(4, 98)
  const stars = Array.from({ length: 260 }, () => ({
    ...{ x: 600 * uniform(), y: 560 * uniform(), flux: 3e3 * 100 ** uniform() },
  }))
  const wide = { ...BASE, width: 600, height: 560 }
  writeField(join(cwd, 'in/n.fits'), stars, { ...wide, fwhm: 4, shift: [9, -5], turn: 0.4 })
  const full = { cards: [['SATURATE', 5000]] as [string, number][] }
  writeField(join(cwd, 'r.fits'), stars, { ...wide, fwhm: 2.5, scale: 2, seed: 2, ...full })
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 0, stderr)
  const row = report(join(cwd, 'out/subtraction.csv')).get('n.fits')!
  t.equal(row.registration, 'stars')
  t.ok(Number(row.registration_px) < 0.1, row.registration_px)
})

t.test('a frame keeps its own header, and says what was subtracted', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, { ...BASE, cards: [['OBSERVER', 'Leavitt']], error: true })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2, error: true })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  const { header } = readFrame(join(cwd, 'out/n.diff.fits'))
  t.equal(textOf(header, 'OBSERVER'), 'Leavitt')
  t.equal(textOf(header, 'SUBREF'), 'r.fits')
  t.equal(textOf(header, 'SUBREG'), 'as it is')
})

t.test('compressed products hold the same, each what its name says', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), STARS, { ...BASE, more: [STILL] })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2 })
  const set = ['reference.file=r.fits', 'output.compress=RICE_1'].flatMap((value) => ['--set', value])
  const { status, stdout, stderr } = run(['-s', 'in', '-r', 'out', ...set], cwd)
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/n.diff.fits.fz\n')
  const difference = readFrame(join(cwd, 'out/n.diff.fits.fz'))
  t.same([difference.width, difference.height], [300, 280])
  t.ok(difference.error && difference.mask)
  const score = readFrame(join(cwd, 'out/n.score.fits.fz'))
  t.ok(score.pixels[201 * 300 + 80]! > 20, 'the source stands out')
  t.equal(csv(join(cwd, 'out/candidates.csv')).filter(({ good }) => good === 'true').length, 1)
  t.equal(csv(join(cwd, 'out/lightcurves.csv')).length, 1)
})
