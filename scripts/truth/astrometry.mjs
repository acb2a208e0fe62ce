// Plate solutions against the truth: thousands of fields as lists of stars (solved, lost, wrong; residuals against the noise
// put in), fields of real Tycho-2 stars, skies that have nothing to do with the frame, and whole frames through the command.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openCatalogue } from '../../packages/libs/catalogues/dist/src/index.js'
import { random } from '../../packages/libs/math/dist/src/index.js'
import { fitField, isSolved, solveField } from '../../packages/libs/registration/dist/src/index.js'
import { readWcs } from '../../packages/libs/sky/dist/src/index.js'
import { errorsOf, starField } from './star-fields.mjs'
import { starFrames } from './star-frames.mjs'
import { attempt, line, skipped } from './verdict.mjs'
import { readFrame, rowsOf, setting } from './workshop.mjs'

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

/**
 * Frames through the command: each for itself, of skies of their own (frames of one sky share the errors of its references),
 * with 500 stars and with as many as the frames by which others are judged; and ten of one sky with one distortion for all.
 */
export function frames(shop, size) {
  const few = Math.round((2000 * size * size) / 4096 ** 2)
  const sky = (name, stars, count, more) =>
    starFrames(shop.path(`star-frames-${name}`), { size, count, stars, seed: shop.seed + more })
  const skies = (stars, many) => Array.from({ length: many }, (_, k) => sky(`${stars}-${k}`, stars, 1, 10 * k + 3))
  const apart = skies(few, 10).map((one) => solvedFrames(shop, one, size))
  const dense = skies(4 * few, 10).map((one) => solvedFrames(shop, one, size))
  const common = setting({ 'fit.common': 'yes', 'catalogue.error': 30 })
  const together = solvedFrames(shop, sky('dithered', few, 10, 0), size, common)
  const seconds = apart.flatMap((one) => one.seconds).sort((a, b) => a - b)
  const rms = (all, what) => rootMeanSquare(all.flatMap((one) => one[what]))
  const rows = (all, stars, target) => {
    const what = `${all.length} frames of ${size} x ${size} of ${stars} stars, each for itself`
    const floor = rms(all, 'floors')
    return [
      line(FRAMES, `${what}: rms error`, rms(all, 'errors'), { unit: 'mas', ...(target ? { target } : {}) }),
      line(FRAMES, `${what}: over the least that ${TERMS} terms along each axis allow`, rms(all, 'errors') / floor, {
        ...{ target: { most: 1.1 }, note: `${floor.toFixed(2)} mas` },
      }),
    ]
  }
  return [
    ...rows(apart, few),
    // what scamp reaches with as many, all frames fitted at once
    ...rows(dense, 4 * few, { most: 2.5 }),
    line(
      FRAMES,
      `10 frames of ${size} x ${size} of ${few} stars, one distortion: rms error`,
      rms([together], 'errors'),
      {
        ...{ unit: 'mas', target: { most: 2.5 } },
      },
    ),
    line(FRAMES, `median time of a frame of ${size} x ${size}`, seconds[seconds.length >> 1], {
      ...{ limit: { most: 2 }, unit: 's' },
    }),
  ]
}

const rootMeanSquare = (values) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length)

/** The errors of the solutions, and what no fit of each frame for itself can better. */
function solvedFrames(shop, { folder, truths, stars }, size, more = []) {
  const output = join(folder, 'solved')
  const catalogue = ['--catalogue', join(folder, 'stars.csv'), '--set', 'catalogue.epoch=2000']
  shop.run('astrometry', ['-s', join(folder, 'frames'), ...catalogue, '-r', output, '--quiet', ...more])
  const name = (f) => join(output, `field${String(f).padStart(2, '0')}.fits`)
  return {
    errors: truths.map((truth, f) => errorMas(name(f), truth, size)),
    floors: truths.map((truth) => floorMas(stars, truth, size)),
    seconds: rowsOf(join(output, 'astrometry.csv')).map((row) => Number(row.seconds)),
  }
}

/** The lens of the frames is a polynomial of the third order: so many terms along each axis. */
const TERMS = 10
const cubic = (u, v) => [1, u, v, u * u, u * v, v * v, u * u * u, u * u * v, u * v * v, v * v * v]

/**
 * The bound of Cramer and Rao for the error along an axis, over the frame: all stars that can be seen at all, each with the
 * error of its reference and that of the best centroid of its Gaussian profile, and as many terms as the lens has.
 */
function floorMas(stars, truth, size, { referenceMas = 30, scale = 0.4, fwhm = 3, background = 225 } = {}) {
  const sigma = fwhm / 2.3548
  const normal = Array.from({ length: TERMS }, () => new Float64Array(TERMS))
  const place = (x, y) => cubic((2 * x) / size - 1, (2 * y) / size - 1)
  for (const { ra, dec, magnitude } of stars) {
    const at = truth.toPixel(ra, dec)
    if (!at || at[0] < 0 || at[1] < 0 || at[0] > size - 1 || at[1] > size - 1) continue
    const flux = 10 ** (-0.4 * (magnitude - 29))
    const pixels = 4 * Math.PI * sigma ** 2
    if (flux < 5 * Math.sqrt(flux + pixels * background)) continue
    const centroid = Math.sqrt(sigma ** 2 / flux + (2 * sigma ** 2 * pixels * background) / flux ** 2)
    const weight = 1 / (referenceMas ** 2 + (1000 * scale * centroid) ** 2)
    const row = place(...at)
    for (let i = 0; i < TERMS; i++) for (let j = 0; j < TERMS; j++) normal[i][j] += weight * row[i] * row[j]
  }
  const inverse = inverseOf(normal)
  let [sum, n] = [0, 0]
  for (let x = size / 40; x < size; x += size / 20) {
    for (let y = size / 40; y < size; y += size / 20) {
      const row = place(x, y)
      for (let i = 0; i < TERMS; i++) for (let j = 0; j < TERMS; j++) sum += row[i] * inverse[i][j] * row[j]
      n++
    }
  }
  return Math.sqrt(sum / n)
}

/** Of a positive definite matrix, by elimination. */
function inverseOf(matrix) {
  const n = matrix.length
  const rows = matrix.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))])
  for (let i = 0; i < n; i++) {
    const pivot = rows[i][i]
    rows[i] = rows[i].map((value) => value / pivot)
    for (let k = 0; k < n; k++) {
      if (k === i) continue
      const factor = rows[k][i]
      rows[k] = rows[k].map((value, j) => value - factor * rows[i][j])
    }
  }
  return rows.map((row) => row.slice(n))
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
