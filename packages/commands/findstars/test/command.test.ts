import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCat } from '@nightpipe/catalogues'
import {
  column,
  createHeader,
  imageHdu,
  type NewHdu,
  openFits,
  readPixels,
  readTable,
  writeFits,
} from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { call } from '@nightpipe/testing'
import t from 'tap'

const run = (args: readonly string[], cwd: string) => call('findstars', args, { cwd })

type Place = readonly [x: number, y: number]

/** Gaussian stars of sigma 1.5 px, drawn out along x by `trail`, on a noisy sky. */
function writeField(
  path: string,
  places: readonly Place[],
  { flux = 5000, trail = 1, cards = [] as never[], width = 128, height = 96 } = {},
) {
  const { normal } = random(7)
  const pixels = Float32Array.from({ length: width * height }, () => 100 + 5 * normal())
  for (const [cx, cy] of places) {
    for (let p = 0; p < pixels.length; p++) {
      const [dx, dy] = [((p % width) - cx) / trail, Math.floor(p / width) - cy]
      pixels[p] += (flux / (2 * Math.PI * 2.25)) * Math.exp(-(dx * dx + dy * dy) / 4.5)
    }
  }
  const header = createHeader([['BUNIT', 'adu'], ...cards])
  const mask = new Int16Array(pixels.length)
  mask[50 * width + 60] = 1
  const hdus: NewHdu[] = [
    { kind: 'image', header, bitpix: -32, axes: [width, height], pixels },
    { kind: 'image', name: 'MASK', bitpix: 16, axes: [width, height], pixels: mask },
  ]
  writeFits(path, hdus)
}

const PLACES: readonly Place[] = [
  [20.3, 30.7],
  [60.5, 50.2],
  [100.1, 80.9],
]

t.test('the stars of a frame are in its catalogue, where they are and as bright as they are', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/m67.fits'), PLACES)
  const { status, stdout, stderr } = run(['--input', 'in', '--output', 'out'], cwd)
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/m67.cat.fits\n')
  const stars = readCat(join(cwd, 'out/m67.cat.fits'))
  t.equal(stars.count, 3)
  PLACES.forEach(([x, y], i) => {
    t.ok(Math.hypot(stars.x[i]! - x, stars.y[i]! - y) < 0.06, 'within a few sigma of 0.01 px')
    t.ok(Math.abs(stars.flux[i]! - 5000) < 400, 'within a few sigma of 80')
  })
  t.equal(stars.flags[1]! & 256, 256, 'the star over a masked pixel says so')
  t.equal(stars.flags[0], 0)
  t.match(readFileSync(join(cwd, 'out/findstars.csv'), 'utf8'), /m67\.fits,done,.*m67\.cat\.fits,/)
})

t.test('places count from 1 in files, and all forms of the table hold the same stars', async (t) => {
  const cwd = t.testdir({})
  writeField(join(cwd, 'm67.fits'), PLACES)
  const products = ['csv,votable,regions', 'yes', 'yes']
  const keys = ['formats', 'segmentation', 'background'].flatMap((key, i) => [
    '--set',
    `products.${key}=${products[i]}`,
  ])
  const { status, stderr } = run(['-s', 'm67.fits', '-r', 'out', ...keys, '--set', 'products.names=sextractor'], cwd)
  t.equal(status, 0, stderr)
  const file = openFits(join(cwd, 'out/m67.cat.fits'))
  const table = readTable(file.hdus.find(({ name }) => name === 'CAT')!)
  file.close()
  const x = column(table, 'XWIN_IMAGE')!.values as Float64Array
  t.ok(Math.abs(x[0]! - 21.3) < 0.06)
  const csv = readFileSync(join(cwd, 'out/m67.cat.csv'), 'utf8').trim().split('\n')
  t.equal(csv.length, 4)
  t.match(csv[0], /^NUMBER,XWIN_IMAGE,.*,FLUX_APER_1,/)
  t.equal(csv[1]!.split(',')[1], String(x[0]))
  t.equal(readFileSync(join(cwd, 'out/m67.cat.xml'), 'utf8').match(/<TR>/g)?.length, 3)
  const [region] = readFileSync(join(cwd, 'out/m67.cat.reg'), 'utf8').split('\n').slice(3)
  t.match(region, new RegExp(`^ellipse\\(${x[0]!.toFixed(3)},`))
  const segments = openFits(join(cwd, 'out/m67.segm.fits'))
  const numbers = readPixels(imageHdu(segments))
  segments.close()
  t.same([...new Set(numbers)].sort(), [0, 1, 2, 3])
  t.equal(numbers[31 * 128 + 20], 1)
})

t.test('a trailed frame is set aside with the reason, and leaves no catalogue', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/sharp.fits'), PLACES)
  writeField(join(cwd, 'in/trailed.fits'), PLACES, { trail: 2.5, flux: 20000 })
  const { status, stdout } = run(['-s', 'in', '-r', 'out', '--set', 'quality.elongation=1.5'], cwd)
  t.equal(status, 0)
  t.equal(stdout, 'out/sharp.cat.fits\n')
  t.notOk(existsSync(join(cwd, 'out/trailed.cat.fits')))
  const report = readFileSync(join(cwd, 'out/findstars.csv'), 'utf8')
  t.match(report, /trailed\.fits,rejected,trailing: elongation 2\.\d+ above 1\.5 \(\[quality\] elongation\),/)
  const clouded = run(['-s', 'in/sharp.fits', '-r', 'out2', '--set', 'quality.stars=10'], cwd)
  t.equal(clouded.stdout, '')
  t.match(readFileSync(join(cwd, 'out2/findstars.csv'), 'utf8'), /rejected,"?2 good stars, 10 wanted: clouds\?/)
})

t.test('calibration frames are set aside', async (t) => {
  const cwd = t.testdir({ in: {} })
  const header = createHeader([['IMAGETYP', 'flat']])
  const pixels = new Float32Array(4096).fill(1)
  writeFits(join(cwd, 'in/flat.fits'), [{ kind: 'image', header, bitpix: -32, axes: [64, 64], pixels }])
  const { stdout } = run(['-s', 'in', '-r', 'out'], cwd)
  t.equal(stdout, '')
  t.match(readFileSync(join(cwd, 'out/findstars.csv'), 'utf8'), /flat\.fits,rejected,is no frame of the sky: flat,/)
})

t.test('a table that lies beside the frames is set aside, and what is no FITS fails', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/a.fits'), [[40, 30]])
  t.equal(run(['-s', 'in', '-r', 'in', '--quiet'], cwd).status, 0)
  const { status } = run(['-s', 'in', '-r', 'out', '--quiet'], cwd)
  t.equal(status, 0)
  t.match(readFileSync(join(cwd, 'out/findstars.csv'), 'utf8'), /a\.cat\.fits,rejected,is a table that findstars made/)
  writeFileSync(join(cwd, 'in/b.fits'), 'nothing')
  t.equal(run(['-s', 'in', '-r', 'out', '--quiet'], cwd).status, 5)
})

t.test('a frame is the same bytes whatever the number of workers', async (t) => {
  const cwd = t.testdir({ in: {} })
  for (const name of ['a', 'b', 'c']) writeField(join(cwd, `in/${name}.fits`), PLACES)
  run(['-s', 'in', '-r', 'one', '--workers', '1'], cwd)
  run(['-s', 'in', '-r', 'two', '--workers', '2'], cwd)
  for (const name of ['a', 'b', 'c']) {
    const [one, two] = ['one', 'two'].map((folder) => readFileSync(join(cwd, folder, `${name}.cat.fits`)))
    t.ok(one!.equals(two!), name)
  }
})

t.test(
  'a large frame, whose helper starts before the command is loaded, is the same bytes as with one thread',
  async (t) => {
    const cwd = t.testdir({})
    writeField(join(cwd, 'large.fits'), PLACES, { width: 1200, height: 1000 })
    t.ok(statSync(join(cwd, 'large.fits')).size > 4 * 2 ** 20)
    t.equal(run(['-s', 'large.fits', '-r', 'ahead'], cwd).status, 0)
    run(['--input', 'large.fits', '-r', 'one', '--workers', '1'], cwd)
    const [ahead, one] = ['ahead', 'one'].map((folder) => readFileSync(join(cwd, folder, 'large.cat.fits')))
    t.ok(ahead!.equals(one!))
    t.equal(run(['-s', 'large.fits', '-r', 'ahead', '--set', 'no.such=1'], cwd).status, 2, 'it ends with the command')
  },
)

t.test('a kernel that is none is refused in one line', async (t) => {
  const cwd = t.testdir({})
  writeField(join(cwd, 'm67.fits'), PLACES)
  writeFileSync(join(cwd, 'even.conv'), 'CONV NORM\n1 1\n1 1\n')
  const { status, stderr } = run(['-s', 'm67.fits', '-r', 'out', '--set', 'detection.filter=even.conv'], cwd)
  t.equal(status, 3)
  t.match(stderr, /even\.conv is no kernel of odd size/)
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
