import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { column, createHeader, numberOf, openFits, readPixels64, readTable, writeFits } from '@nightpipe/fits'
import type { OrderSpectrum } from '@nightpipe/spectra'
import { spectraHdus } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { publicDate } from '../src/public-date.js'
import { tarGz } from '../src/tar.js'

const pack = (cwd: string, ...args: string[]) => call('pack', [...args, '--set', 'instrument.profile=nres'], { cwd })

const WIDTH = 200
const NAME = 'cptnrs03-fa13-20181128-0005-e00'

/** Three orders of a star in fibre 0 and of a lamp in fibre 1; order 1 has Mg b. */
function order(index: number, fibre: number): OrderSpectrum {
  const blaze = Float64Array.from({ length: WIDTH }, (_, x) => 1 - ((x - 100) / 120) ** 2)
  const level = fibre === 0 ? 1000 : 50
  return {
    ...{ index, order: 89 + index, fibre, blaze, mask: new Int32Array(WIDTH) },
    flux: blaze.map((b, x) => level * b * (1 + 0.1 * Math.sin(x / 7))),
    uncertainty: blaze.map((b) => Math.sqrt(level * b + 25)),
    wavelength: Float64Array.from({ length: WIDTH }, (_, x) => 5120 + 45 * index + 0.5 * x),
  }
}

function exposureIn(folder: string): string {
  const orders = [0, 1].flatMap((fibre) => [0, 1, 2].map((index) => order(index, fibre)))
  const cards: [string, string | number, string?][] = [
    ...([
      ['OBSTYPE', 'TARGET'],
      ['OBJECTS', 'HD1461&thar&none'],
      ['TELESCOP', 'nres03'],
    ] as [string, string][]),
    ...([
      ['INSTRUME', 'fa13'],
      ['SITEID', 'cpt'],
      ['DATE-OBS', '2018-11-28T20:00:00.000'],
    ] as [string, string][]),
    ...([
      ['EXPTIME', 300],
      ['MJD-OBS', 58450.8333333],
      ['RV', -10.1, 'km/s, barycentric'],
    ] as [string, number][]),
  ]
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${NAME}-1d.fits`)
  writeFits(path, spectraHdus({ width: WIDTH, orders }, createHeader(cards)))
  return path
}

const tarOf = (path: string, folder: string) => {
  const { stdout, stderr, status } = spawnSync('tar', ['-tvzf', path], { cwd: folder, encoding: 'utf8' })
  return { stdout, stderr, status }
}

t.test('an exposure becomes the bundle that an observer gets, the same bytes every time', async (t) => {
  const folder = t.testdir({})
  exposureIn(join(folder, 'spec'))
  const { status, stdout, stderr } = pack(folder, '-s', 'spec', '-r', 'tar')
  t.equal(status, 0, stderr)
  t.equal(stdout, 'tar/cptnrs03-fa13-20181128-0005-e91.tar.gz\n')
  const path = join(folder, stdout.trim())
  const { stdout: list } = tarOf(path, folder)
  const name = 'cptnrs03-fa13-20181128-0005-e91'
  for (const file of ['README.txt', `${name}.fits.fz`, `${name}.pdf`, `${name}-1d.fits`, `${name}.txt`]) {
    t.match(list, `${name}/${file}`)
  }
  t.match(list, /-rw-r--r-- 0\/0 +\d+ 2018-11-28/, 'nobody owns it; dated by the exposure')
  const before = readFileSync(path)
  t.equal(pack(folder, '-s', 'spec', '-r', 'again').status, 0)
  t.same(readFileSync(join(folder, 'again', `${name}.tar.gz`)), before)
  t.match(pack(folder, '-s', 'spec', '-r', 'tar').stderr, /up to date/)
  const readme = gunzipSync(before).toString('latin1')
  t.match(readme, /HD1461[\s\S]*RV +-10\.1 +km\/s, barycentric[\s\S]*SPECRAW +the star, extracted/)
})

t.test('its FITS file has the layout of the e91 files', async (t) => {
  const folder = t.testdir({})
  exposureIn(folder)
  pack(folder, '-s', `${NAME}-1d.fits`, '-r', 'tar')
  const name = 'cptnrs03-fa13-20181128-0005-e91'
  const file = openFits(join(folder, 'tar', name, `${name}.fits.fz`))
  const names = file.hdus.slice(1).map((hdu) => hdu.name)
  t.same(names.slice(0, 7), ['SPECRAW', 'SPECFLAT', 'SPECBLAZE', 'THARRAW', 'THARFLAT', 'WAVESPEC', 'WAVETHAR'])
  const pixels = (wanted: string) => readPixels64(file.hdus.find((hdu) => hdu.name === wanted)!)
  const star = order(1, 0)
  const raw = pixels('SPECRAW').subarray(WIDTH, 2 * WIDTH)
  const noise = 1000 / 64 // of the bumps of 10 %, which the quantiser takes for noise at most
  t.ok(
    raw.every((value, x) => Math.abs(value - star.flux[x]!) < noise),
    'the star, but for the noise over 64',
  )
  t.same(
    pixels('WAVESPEC').subarray(WIDTH, 2 * WIDTH),
    star.wavelength!.map((w) => w / 10),
    'nm, to the last bit',
  )
  const ratio = pixels('SPECFLAT').subarray(WIDTH, 2 * WIDTH)
  t.ok(Math.abs(ratio[100]! - 1000 * (1 + 0.1 * Math.sin(100 / 7))) < noise)
  t.ok(
    Math.abs(
      pixels('SPECBLAZE')
        .subarray(WIDTH + 80, WIDTH + 120)
        .reduce((a, b) => a + b) / 40,
    ) < 120,
  )
  file.close()
})

t.test('correlation and block velocities of the first of one or two stars come from the tree', async (t) => {
  for (const stars of [1, 2]) {
    const root = t.testdir({})
    const tree = join(root, 'cpt/nres03/reduced')
    for (const name of ['csv', 'rv', 'tar']) mkdirSync(join(tree, name), { recursive: true })
    exposureIn(join(tree, 'spec'))
    const [orders, blocks, lags] = [3, 2, 5]
    const vector = (n: number, from: number) =>
      Float64Array.from({ length: n * stars }, (_, k) => from + Math.floor(k / stars) + (k % stars) * 1000)
    writeFits(join(tree, 'rv/RADVcpt2018332.83333.fits'), [
      { kind: 'empty' },
      {
        ...{ kind: 'table', name: 'RVBLOCKFIT', rows: 1 },
        columns: ['RedShft', 'ErrRShft'].map((name) => ({
          ...{ name, format: `${orders * blocks * stars}D`, dim: [stars, orders, blocks] },
          values: vector(orders * blocks, 0.5),
        })),
      },
      {
        ...{ kind: 'table', name: 'SPECXCOR', rows: 1 },
        columns: ['CC_fn', 'LagVel'].map((name) => ({
          ...{ name, format: `${lags * stars}E`, dim: [stars, lags], values: Float32Array.from(vector(lags, -2)) },
        })),
      },
    ])
    const { status, stderr } = pack(root, '-s', join(tree, 'spec'), '--tree', tree)
    t.equal(status, 0, stderr)
    const name = 'cptnrs03-fa13-20181128-0005-e91'
    const file = openFits(join(tree, 'tar', name, `${name}.fits.fz`))
    const correlation = file.hdus.find((hdu) => hdu.name === 'SPECXCOR')!
    t.same([...readPixels64(correlation)], [-2, -1, 0, 1, 2])
    t.same(
      ['CRVAL1', 'CDELT1'].map((keyword) => numberOf(correlation.header, keyword)),
      [-2, 1],
    )
    const table = readTable(file.hdus.find((hdu) => hdu.name === 'RVBLOCKFIT')!)
    t.same([...(column(table, 'ZBLOCK')!.values as Float64Array)], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5])
    t.same([...(column(table, 'ORDINDX')!.values as Int32Array)], [0, 1, 2, 0, 1, 2])
    file.close()
  }
})

t.test('a file without spectra is left with its reason, and the others go on', async (t) => {
  const folder = t.testdir({})
  exposureIn(folder)
  const pixels = new Int16Array(4)
  writeFits(join(folder, 'raw.fits'), [{ kind: 'image', bitpix: 16, axes: [2, 2], pixels }])
  const { status, stdout } = pack(folder, '-s', '.', '-r', 'tar')
  t.equal(status, 5)
  t.match(stdout, /e91\.tar\.gz/)
  t.match(readFileSync(join(folder, 'tar/pack.csv'), 'utf8'), /raw\.fits,failed,.*raw\.fits has no table SPECTRUM/)
})

t.test('tar reads what we write, long names too', async (t) => {
  const folder = t.testdir({})
  const long = `${'d'.repeat(90)}/${'f'.repeat(60)}.txt`
  const bytes = Buffer.from('x'.repeat(700))
  const path = join(folder, 'a.tar.gz')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(
    path,
    tarGz(
      [
        { name: 'a.txt', bytes: Buffer.from('hello') },
        { name: long, bytes },
      ],
      0,
    ),
  )
  const { stdout, stderr, status } = tarOf(path, folder)
  t.equal(status, 0, stderr)
  t.match(stdout, long)
  t.equal(spawnSync('tar', ['-xzf', path], { cwd: folder }).status, 0)
  t.equal(readFileSync(join(folder, long), 'latin1'), bytes.toString('latin1'))
})

t.test('a year after 29 February is 1 March', async (t) => {
  t.equal(publicDate('2020-02-29T12:00:00.000'), '2021-03-01T12:00:00.000')
  t.equal(publicDate('2018-11-28T20:00:00', 'KEY2018'), '2019-11-28T20:00:00.000')
  t.equal(publicDate('2018-11-28T20:00:00', 'calibrate'), '2018-11-28T20:00:00.000')
  t.match(publicDate('2018-11-28T20:00:00', 'Engineering'), /^9999/)
  t.equal(publicDate(undefined), undefined)
})
