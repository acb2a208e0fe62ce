// Differences of simulated pairs: what was put in found, nothing else, scores and errors that mean what they say; and the
// noise of the differences of real frames, where those are.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { column, openFits, readPixels, readTable } from '../../packages/libs/fits/dist/src/index.js'
import { medianOf, robustStatistics } from '../../packages/libs/math/dist/src/index.js'
import { writePair } from './star-pairs.mjs'
import { attempt, line, skipped } from './verdict.mjs'
import { rowsOf, setting } from './workshop.mjs'

const GROUP = 'Difference images'

const PAIRS = [
  { name: 'a sharper reference', fwhm: [4, 3] },
  { name: 'a turned grid', fwhm: [4, 3], shift: [3.3, -2.7], turn: 0.3 },
  { name: 'a sharper new frame', fwhm: [3, 3.6] },
  { name: 'proper subtraction', fwhm: [4, 3], method: 'zogy' },
]

export function subtraction(shop, { size, cases }) {
  const pairs = PAIRS.slice(0, cases ?? PAIRS.length)
  return [
    ...attempt(GROUP, 'simulated pairs', () => simulated(shop, pairs, Math.max(size, cases ? 512 : 1536))),
    ...real(shop, 'imaging_series/saao_kb13475', 'SAAO, a crowded field, 5 frames', { 'reference.best': 'yes' }),
    ...real(shop, 'subtraction/decam_minis', 'DECam, cut-outs, 3 frames', {}, 'DEC-OBS18a.mini.fits'),
  ]
}

/** A hundred sources tell a share of 95 % within 2 %: each kind of pair is made several times. */
const ROUNDS = 3

function simulated(shop, pairs, size) {
  const rounds = pairs.length < PAIRS.length ? 1 : ROUNDS
  const tests = Array.from({ length: rounds }, (_, round) => round).flatMap((round) =>
    pairs.map((pair, k) => oneOf(shop, pair, size, shop.seed + k + round * pairs.length)),
  )
  const all = (pick) => tests.flatMap(pick)
  const found = all(({ found }) => found)
  const pulls = all(({ pulls }) => pulls)
  const megapixels = (tests.length * size * size) / 1e6
  const worst = (values) => values.reduce((a, b) => (Math.abs(b - 1) > Math.abs(a - 1) ? b : a))
  const share = found.filter(Boolean).length / found.length
  const doubt = Math.sqrt((share * (1 - share)) / found.length)
  return [
    line(GROUP, `sources of 8 sigma anywhere in ${tests.length} pairs: found and believed`, 100 * share, {
      ...{ limit: { least: 95 }, unit: '%', note: `± ${(100 * doubt).toFixed(2)}` },
    }),
    line(
      GROUP,
      `false candidates after vetting in ${megapixels.toFixed(1)} million pixels`,
      all(({ others }) => others).length,
      {
        limit: { most: megapixels / 10 },
      },
    ),
    line(GROUP, 'scatter of the score before it is normalised, the furthest from 1', worst(all(({ score }) => score)), {
      limit: { least: 0.95, most: 1.05 },
    }),
    line(GROUP, 'noise of the difference over its expectation, likewise', worst(all(({ noise }) => noise)), {
      ...{ limit: { least: 0.9, most: 1.1 }, target: { least: 0.97, most: 1.03 } },
    }),
    line(GROUP, 'pull of the fluxes of the sources, scatter', robustStatistics(Float64Array.from(pulls)).sigma, {
      limit: { least: 0.8, most: 1.2 },
    }),
    line(GROUP, 'pull of the fluxes of the sources, mean', medianOf(pulls), { limit: { most: 0.4 }, size: 'absolute' }),
  ]
}

/** One pair: first without sources, for what 8 sigma are. */
function oneOf(shop, { name, method = 'alard', ...shape }, size, seed) {
  shop.log(`differences: ${name}`)
  const folder = shop.path(`pair-${seed}`)
  const run = (where) => {
    const set = setting({ 'reference.file': join(where, 'reference.fits'), 'subtraction.method': method })
    shop.run('subtraction', ['-s', join(where, 'new.fits'), '-r', join(where, 'out'), '--quiet', ...set])
  }
  writePair(join(folder, 'empty'), { ...shape, size: 512, seed })
  run(join(folder, 'empty'))
  const score = join(folder, 'empty/out/new.score.fits')
  const flux = 8 * medianOf(planeOf(score, 'FLUXERR'))
  const sources = writePair(folder, { ...shape, size, seed, flux })
  run(folder)
  const [row] = rowsOf(join(folder, 'out/subtraction.csv'))
  const good = candidatesOf(join(folder, 'out/new.candidates.fits'))
  const inside = sources.filter(({ x, y }) => Math.min(x, y, size - 1 - x, size - 1 - y) > 10)
  const match = (source) => good.find(({ x, y }) => Math.hypot(x - source.x, y - source.y) < 2)
  const matched = inside.flatMap((source) => match(source) ?? [])
  return {
    ...{ found: inside.map((source) => match(source) !== undefined), score: [Number(row.score_sigma)] },
    ...{ noise: [Number(row.noise_ratio)], pulls: matched.map((one) => (one.flux - flux) / one.error) },
    others: good.filter(({ x, y }) => !sources.some((source) => Math.hypot(x - source.x, y - source.y) < 4)),
  }
}

export function planeOf(path, name) {
  const file = openFits(path)
  try {
    return readPixels(file.hdus.find((hdu) => hdu.name === name))
  } finally {
    file.close()
  }
}

export function candidatesOf(path) {
  const file = openFits(path)
  try {
    const table = readTable(file.hdus.find(({ name }) => name === 'CANDIDATES'))
    const [x, y, flux, error, good] = ['X', 'Y', 'FLUX', 'FLUX_ERR', 'GOOD'].map((name) => column(table, name).values)
    const all = Array.from(x, (value, k) => ({
      x: value - 1,
      y: y[k] - 1,
      flux: flux[k],
      error: error[k],
      good: good[k],
    }))
    return all.filter((one) => one.good)
  } finally {
    file.close()
  }
}

/** Real frames: the noise of their differences. */
function real(shop, path, what, settings, reference) {
  const folder = join(process.env.NIGHTPIPE_FIXTURES ?? join(shop.root, '../shared/fixtures'), path)
  if (!existsSync(folder)) return [skipped(GROUP, what, 'its frames are not here')]
  return attempt(GROUP, what, () => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.fits') && name !== reference)
    const file = reference ? { 'reference.file': join(folder, reference) } : {}
    const out = shop.path(`difference-${path.replaceAll('/', '-')}`)
    const inputs = names.flatMap((name) => ['-s', join(folder, name)])
    shop.run('subtraction', [...inputs, '-r', out, '--quiet', ...setting({ ...settings, ...file })])
    const rows = rowsOf(join(out, 'subtraction.csv')).filter(({ status }) => status === 'done')
    const noise = rows.map((row) => Number(row.noise_ratio))
    const furthest = noise.reduce((a, b) => (Math.abs(b - 1) > Math.abs(a - 1) ? b : a))
    return [
      line(GROUP, `${what}: noise over its expectation, the furthest from 1`, furthest, {
        limit: { least: 0.9, most: 1.1 },
      }),
    ]
  })
}
