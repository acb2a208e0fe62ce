// Plate solutions against the truth: thousands of fields as lists of stars (solved, lost, wrong; residuals against the noise
// put in), fields of real Tycho-2 stars, skies that have nothing to do with the frame, and whole frames through the command.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCatalogue } from '../../packages/libs/catalogues/dist/src/index.js'
import { random } from '../../packages/libs/math/dist/src/index.js'
import { fitField, isSolved, solveField } from '../../packages/libs/registration/dist/src/index.js'
import { readWcs } from '../../packages/libs/sky/dist/src/index.js'
import { errorsOf, starField } from './star-fields.mjs'
import { starFrames } from './star-frames.mjs'
import { attempt, line, skipped } from './verdict.mjs'
import { readFrame } from './workshop.mjs'

const GROUP =
  'Astrometry: fields turned, mirrored or not, 10 % wrong in scale, 1 degree off, a third of the detections spurious'
const FRAMES = 'Astrometry of frames: references with errors of 30 mas, pixels of 0.4 arcsec'
const TYCHO = '/usr/share/astrometry/index-tycho2-07.littleendian.fits'
/** Nobody calls a solution right that puts stars this far from where they are, pixels. */
const WRONG = 3
const NOISE = 0.1

export function astrometry(shop, { cases, size }) {
  const many = cases === 1 ? 100 : 2000
  return [
    ...attempt(GROUP, 'random skies', () =>
      fields('0.2 to 20 degrees wide, 12 stars or more', shop.seed, many, randomField),
    ),
    ...attempt(GROUP, 'real stars', () => realFields(shop, many)),
    ...attempt(GROUP, 'foreign skies', () => [foreign(shop.seed, many / 10)]),
    ...attempt(FRAMES, 'frames', () => frames(shop, cases === 1 ? 1024 : Math.max(2048, size))),
  ]
}

function randomField(seed) {
  const dice = random(seed, 5)
  const wanted = { fieldDegrees: 0.2 * 100 ** dice.uniform(), catalogueStars: 12 * 30 ** dice.uniform(), noise: NOISE }
  return starField(seed, wanted)
}

function realFields(shop, many) {
  if (!existsSync(TYCHO)) return [skipped(GROUP, 'Tycho-2 stars', 'astrometry-data-tycho2-07 is not installed')]
  const folder = shop.path('tycho2')
  if (!existsSync(folder)) shop.run('catalogue', ['import', '-s', TYCHO, '-r', folder, '--quiet'])
  const catalogue = openCatalogue(folder)
  return fields('Tycho-2 stars, 1 to 20 degrees wide', shop.seed + 1, many / 2, (seed) => {
    const dice = random(seed, 9)
    const fieldDegrees = 20 ** dice.uniform()
    // as deep as a field of this width needs for 12 to some hundred stars on average
    const density = (15 * 20 ** dice.uniform()) / fieldDegrees ** 2
    const faintest = Math.min(11.5, 6 + Math.log10(density / 0.11) / 0.47)
    const sky = (ra, dec, radius) => {
      const stars = catalogue.cone(ra, dec, radius, { faintest })
      return Array.from(stars.ra, (value, k) => ({
        ra: value,
        dec: stars.dec[k],
        magnitude: stars.magnitudes.VT.value[k],
      }))
    }
    return starField(seed, { fieldDegrees, sky, noise: NOISE })
  })
}

/** Solves fields one after the other; those with fewer than 12 catalogue stars are passed over. */
function fields(what, seed, many, make) {
  const [seconds, errors] = [[], []]
  let [solved, wrong, tried, chiSquare, freedom] = [0, 0, 0, 0, 0]
  for (let k = 0; tried < many; k++) {
    const field = make(seed * 1e6 + k)
    if (field.held < 12) continue
    tried++
    const start = performance.now()
    const result = solveField(field.frame, field, field.source, field.hints)
    const fit =
      isSolved(result) &&
      fitField(field.frame, field, result.sky, result, { error: new Float64Array(field.seen.length).fill(NOISE) })
    seconds.push((performance.now() - start) / 1000)
    if (!fit) continue
    const { rms } = errorsOf(field, fit.wcs)
    if (rms > WRONG) wrong++
    else solved++
    errors.push(rms)
    chiSquare += (2 * fit.count * fit.rms ** 2) / NOISE ** 2
    freedom += 2 * fit.count - fit.numbers
  }
  const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1]
  const note = `of ${many}`
  return [
    line(GROUP, `${what}: solved`, (100 * solved) / many, { limit: { least: 99 }, unit: '%', note }),
    line(GROUP, `${what}: solved wrongly`, wrong, { limit: { most: 0 }, note }),
    line(GROUP, `${what}: residuals / noise of the centroids`, Math.sqrt(chiSquare / freedom), {
      limit: { least: 0.95, most: 1.05 },
    }),
    line(GROUP, `${what}: median error over the frame`, middle(errors), {
      limit: { most: NOISE },
      unit: 'px',
      note: `noise ${NOISE} px`,
    }),
    line(GROUP, `${what}: median time for the list`, middle(seconds), { limit: { most: 2 }, unit: 's' }),
  ]
}

/** The stars of one field with the sky of another: nothing is the only right answer. */
function foreign(seed, many) {
  let found = 0
  for (let k = 0; k < many; k++) {
    const dice = random(seed, k, 6)
    const wanted = { fieldDegrees: 0.5 * 40 ** dice.uniform(), catalogueStars: 12 * 10 ** dice.uniform() }
    const [field, other] = [starField(seed * 1e6 + k, wanted), starField(seed * 1e6 + k + 5e5, wanted)]
    const { ra, dec } = other.hints
    if (isSolved(solveField(field.frame, field, other.source, { ...field.hints, ra, dec }))) found++
  }
  return line(GROUP, 'the sky of another field: solved', found, { limit: { most: 0 }, note: `of ${many}` })
}

/** Ten dithered frames through the command, each for itself and with one distortion for all. */
function frames(shop, size) {
  const folder = shop.path('star-frames')
  const made = starFrames(folder, {
    size,
    count: 10,
    stars: Math.round((2000 * size * size) / 4096 ** 2),
    seed: shop.seed,
  })
  const common = [
    '-s',
    join(folder, 'frames'),
    '--catalogue',
    join(folder, 'stars.csv'),
    '--quiet',
    '--set',
    'catalogue.epoch=2000',
  ]
  const measure = (name, what, ...more) => {
    const output = shop.path(name)
    shop.run('astrometry', [...common, '-r', output, ...more])
    const errors = made.truths.map((truth, f) =>
      errorMas(join(output, `field${String(f).padStart(2, '0')}.fits`), truth, size),
    )
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
    return line(FRAMES, `ten frames of ${size} x ${size}, ${what}: rms error`, rms, {
      ...{ unit: 'mas', target: { most: 2.5 }, note: `${Math.round((2000 * size * size) / 4096 ** 2)} stars each` },
    })
  }
  const apart = measure('astrometry-apart', 'each for itself')
  const together = measure(
    'astrometry-common',
    'one distortion',
    '--set',
    'fit.common=yes',
    '--set',
    'catalogue.error=30',
  )
  const report = readFileSync(join(shop.path('astrometry-apart'), 'astrometry.csv'), 'utf8')
    .trim()
    .split('\n')
  const column = report[0].split(',').indexOf('seconds')
  const seconds = report.slice(1).map((row) => Number(row.split(',')[column]))
  const median = seconds.sort((a, b) => a - b)[seconds.length >> 1]
  return [
    apart,
    together,
    line(FRAMES, `median time of a frame of ${size} x ${size}`, median, { limit: { most: 2 }, unit: 's' }),
  ]
}

/** Along an axis, over a net of pixels. */
function errorMas(path, truth, size) {
  const { header } = readFrame(path)
  const wcs = readWcs((keyword) => header.cards.find((card) => card.keyword === keyword)?.value)
  let [sum, n] = [0, 0]
  for (let x = size / 40; x < size; x += size / 20) {
    for (let y = size / 40; y < size; y += size / 20) {
      const [found, true_] = [wcs.toSky(x, y), truth.toSky(x, y)]
      const shrink = Math.cos((true_[1] * Math.PI) / 180)
      sum += ((found[0] - true_[0]) * shrink) ** 2 + (found[1] - true_[1]) ** 2
      n += 2
    }
  }
  return Math.sqrt(sum / n) * 3.6e6
}
