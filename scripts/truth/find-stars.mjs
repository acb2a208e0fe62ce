// Stars that findstars finds on reduced frames of a simulated night, against those that were put in.
import { join } from 'node:path'
import { readCat } from '@nightpipe/catalogues'
import { median, robustDeviation } from './statistics.mjs'
import { attempt, line } from './verdict.mjs'
import { setting } from './workshop.mjs'

const GROUP = 'Finding stars: reduced frames of a simulated night, threshold 5 sigma'

const NIGHT = {
  ...{ 'bias.count': 10, 'dark.count': 5, 'dark.exposures': 60, 'flat.count': 8, 'filters.names': 'r' },
  ...{ 'filters.fringes': 0, 'field.exposure': 8, 'field.frames': 6, 'events.satellites': 0 },
  'telescope.trailed frames': 0,
}
/** Two stars no nearer than this, px, count as isolated; a star is the one put in within so many pixels. */
const ALONE = 16
const NEAR = 4

/** Radius of the circle that is judged, px: the third of those that findstars has. */
const CIRCLE = 10

/** Pixels whose noise an optimal sum has, 1 / sum(profile²): of a Moffat profile of beta 3.2, as simulated. */
const noisePixels = (fwhm) => 3.64 * fwhm ** 2

function put(night, frame, { width, height, readNoise }) {
  const stars = night.stars(frame).map((row) => ({ x: Number(row.x_px), y: Number(row.y_px), flux: row.flux }))
  const inside = stars.filter(({ x, y }) => x > 12 && y > 12 && x < width - 13 && y < height - 13)
  const sky = noisePixels(frame.fwhm) * (frame.background + readNoise ** 2)
  return inside.map((star) => ({
    ...{ ...star, signal: star.flux / Math.sqrt(star.flux + sky) },
    light: Math.PI * CIRCLE ** 2 * (frame.background + readNoise ** 2),
    alone: stars.every(({ x, y }) => Math.hypot(x - star.x, y - star.y) > ALONE || (x === star.x && y === star.y)),
  }))
}

/** Pairs of what was put in and what was found, nearest first. */
function match(truth, found) {
  const used = new Set()
  for (const star of truth.toSorted((p, q) => q.flux - p.flux)) {
    let best = -1
    for (let i = 0; i < found.count; i++) {
      const away = Math.hypot(found.x[i] - star.x, found.y[i] - star.y)
      if (
        away < NEAR &&
        !used.has(i) &&
        (best < 0 || away < Math.hypot(found.x[best] - star.x, found.y[best] - star.y))
      )
        best = i
    }
    star.found = best
    if (best >= 0) used.add(best)
  }
  return used
}

/** Few frames of a wide field: frames of one field err alike about the same star, by its neighbours and its place. */
export function findStars(shop, { size: side }) {
  return attempt(GROUP, 'stars', () => {
    const size = 2 * side
    const night = shop.simulate('finding', size, { ...NIGHT, 'field.stars': Math.round(size ** 2 / 1700) })
    const reduced = shop.reduce(night, { 'calibration.folder': shop.stack(night) })
    const folder = `${night.folder}-stars`
    shop.run('findstars', ['-s', reduced, '-r', folder, '--quiet'])
    const [amplifier] = night.amplifiers
    const camera = { width: size, height: size, readNoise: amplifier.readNoise }
    const { all, real } = compared(night, folder, camera)
    const lower = `${night.folder}-lower`
    shop.run('findstars', ['-s', reduced, '-r', lower, '--quiet', ...setting({ 'detection.threshold': LOWER })])
    return [
      ...completeness(all),
      purity('found that is real', real),
      ...atLower(compared(night, lower, camera)),
      ...errors(all),
    ]
  })
}

/** A threshold at which as much of what is found is real as is asked of the usual one. */
const LOWER = 4.7

function atLower({ all, real }) {
  const [faint] = completeness(all)
  const what = (text) => `at ${LOWER} sigma: ${text}`
  return [{ ...faint, what: what(faint.what) }, purity(what('found that is real'), real)]
}

/** Stars put in, with what was found of them, and which part of what was found is real. */
function compared(night, folder, camera) {
  const [all, sums] = [[], { count: 0, real: 0 }]
  for (const frame of night.objects) {
    const found = readCat(join(folder, `${frame.name}.cat.fits`))
    const truth = put(night, frame, camera)
    const used = match(truth, found)
    for (let i = 0; i < found.count; i++) {
      const edge = Math.min(found.x[i], found.y[i], camera.width - 1 - found.x[i], camera.height - 1 - found.y[i])
      if (edge < 14 || found.flags[i] & (4 | 512)) continue
      sums.count++
      if (used.has(i)) sums.real++
    }
    all.push(...truth.map((star) => ({ ...star, ...numbersOf(found, star.found) })))
  }
  return { all, real: sums.real / sums.count }
}

const purity = (what, real) =>
  line(GROUP, what, 100 * real, { limit: { least: 97 }, target: { least: 99.5 }, unit: '%' })

function numbersOf(found, i) {
  if (i < 0) return {}
  return {
    ...{ dx: found.x[i], dy: found.y[i], xError: found.xError[i], flags: found.flags[i], auto: found.flux[i] },
    ...{ autoError: found.fluxError[i], circle: found.apertures.flux[2][i], circleError: found.apertures.error[2][i] },
  }
}

function completeness(all) {
  return [
    [5, 7, 70, 80],
    [7, 10, 95, 98],
    [10, Number.POSITIVE_INFINITY, 97, 99.8],
  ].map(([low, high, least, target]) => {
    const stars = all.filter(({ alone, signal }) => alone && signal >= low && signal < high)
    const part = (100 * stars.filter(({ found }) => found >= 0).length) / stars.length
    const what = high < 100 ? `isolated stars of S/N ${low} to ${high} that are found` : 'isolated stars above S/N 10'
    return line(GROUP, what, part, {
      ...{ limit: { least }, target: { least: target }, unit: '%', note: `${stars.length} stars` },
    })
  })
}

function errors(all) {
  const clean = all.filter(({ alone, found, flags }) => alone && found >= 0 && (flags & ~3) === 0)
  const bright = clean.filter(({ signal }) => signal > 100)
  const faint = clean.filter(({ signal }) => signal > 10 && signal < 30)
  const spread = (stars, of) => robustDeviation(stars.map(of))
  const place = spread(bright, ({ x, dx }) => dx - x)
  const scatter = spread(bright, ({ circle, flux }) => circle / flux)
  const photons = scatterOfPhotons(bright.map(({ flux, light }) => Math.sqrt(flux + light) / flux))
  return [
    line(GROUP, 'place of stars above S/N 100, per axis', place, {
      ...{ limit: { most: 0.04 }, target: { most: 0.02 }, unit: ' px', note: `${bright.length} stars` },
    }),
    line(
      GROUP,
      'place over its error, S/N 10 to 30',
      spread(faint, ({ x, dx, xError }) => (dx - x) / xError),
      {
        ...{ limit: { least: 0.85, most: 1.15 }, note: `${faint.length} stars` },
      },
    ),
    line(
      GROUP,
      'FLUX_AUTO above S/N 100: scatter',
      spread(bright, ({ auto, flux }) => auto / flux),
      {
        ...{ limit: { most: 0.02 }, target: { most: 0.012 } },
      },
    ),
    line(GROUP, 'FLUX_AUTO above S/N 100: offset', median(bright.map(({ auto, flux }) => auto / flux - 1)), {
      ...{ limit: { most: 0.04 }, size: 'absolute' },
    }),
    line(GROUP, 'FLUX_AUTO less its median over its error, S/N 10 to 30', pullOfAuto(faint), {
      ...{ limit: { least: 0.9, most: 1.1 }, target: { least: 0.95, most: 1.05 } },
    }),
    line(GROUP, 'circle of 10 px above S/N 100: scatter', scatter, {
      ...{ limit: { most: 0.012 }, target: { most: 0.005 }, note: `photons alone ${photons.toFixed(4)}` },
    }),
    line(GROUP, 'circle of 10 px above S/N 100: scatter over that of photons alone', scatter / photons, {
      target: { most: 1.05 },
    }),
    line(
      GROUP,
      'circle over its error, S/N 10 to 30',
      spread(faint, (s) => (s.circle - s.flux) / s.circleError),
      {
        ...{ limit: { least: 0.95, most: 1.05 } },
      },
    ),
  ]
}

/** The ellipse misses a part of the light, by design: the errors tell of the scatter. */
function pullOfAuto(stars) {
  const missed = median(stars.map(({ auto, flux }) => auto / flux))
  return robustDeviation(stars.map(({ auto, autoError, flux }) => (auto - missed * flux) / autoError))
}

/** The robust deviation of a mixture of Gaussians of these sigmas: where half of it lies nearer. */
function scatterOfPhotons(sigmas) {
  const within = (limit) =>
    sigmas.reduce((sum, sigma) => sum + errorFunction(limit / sigma / Math.SQRT2), 0) / sigmas.length
  let [low, high] = [0, Math.max(...sigmas)]
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (within(middle) < 0.5) low = middle
    else high = middle
  }
  return 1.4826 * low
}

/** Abramowitz & Stegun 7.1.26, to 1.5e-7. */
function errorFunction(x) {
  const t = 1 / (1 + 0.3275911 * x)
  const series = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
  return 1 - series.reduceRight((sum, a) => (sum + a) * t, 0) * Math.exp(-x * x)
}
