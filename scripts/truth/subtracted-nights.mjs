// Whole nights from raw frames: a later night less a stack of four frames of an earlier one, with satellites, cosmic rays
// and defects of the detector in both. What is new is found, and nothing else taken for it.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { candidatesOf, planeOf } from './subtraction.mjs'
import { attempt, line } from './verdict.mjs'
import { rowsOf, setting } from './workshop.mjs'

const GROUP = 'Difference images: nights from raw frames, less a stack of four of which satellites crossed two'
const METHODS = { alard: 'matched by a kernel', zogy: 'proper subtraction' }

const camera = {
  ...{
    'filters.names': 'r',
    'field.exposure': 120,
    'field.brightest': 10,
    'telescope.trailed frames': 0,
    'sky.clouds': 0.1,
  },
  ...{ 'bias.count': 7, 'dark.count': 5, 'dark.exposures': 120, 'flat.count': 7, 'flat.saturated': 0 },
  ...{ 'events.variables': 0, 'events.movers': 0, 'events.transients': 0 },
}
/** New sources of about nine sigma that do not fade; the error of the score at each place tells which are in the band. */
const news = {
  ...{ 'events.transients': 60, 'events.transient magnitude': 20.95, 'events.fading index': 0 },
  ...{ 'events.transient start': 0, 'night.start': '2024-03-14T00:30:00' },
}
const BAND = [8, 10]

export function subtractedNights(shop, { size, cases = 3 }) {
  return attempt(GROUP, 'nights', () => {
    const side = Math.max(size, cases === 1 ? 512 : 1536)
    const nights = Array.from({ length: cases }, (_, round) => nightsOf(shop, side, round))
    return Object.keys(METHODS).flatMap((method) =>
      linesOf(
        METHODS[method],
        nights.map((both) => judge(shop, both, method)),
      ),
    )
  })
}

/** The frames of a night, reduced, and the stack of a night before it. */
function nightsOf(shop, side, round) {
  const field = { 'random.field seed': shop.seed + round, 'field.stars': Math.round(side ** 2 / 2500) }
  const reduced = (name, more, settings) => {
    const night = shop.simulate(`${name}-${round}`, side, { ...camera, ...field, ...settings }, 100 + 2 * round + more)
    return { ...night, reduced: shop.reduce(night, { 'calibration.folder': shop.stack(night) }) }
  }
  const before = reduced('before', 0, { 'field.frames': 4, 'events.satellites': 2 })
  const after = reduced('after', 1, { 'field.frames': 5, 'events.satellites': 1, ...news })
  const [aligned, stacked] = [`${before.folder}-aligned`, `${before.folder}-stacked`]
  shop.run('alignment', ['-s', before.reduced, '-r', aligned, '--quiet'])
  shop.run('stacking', ['-s', aligned, '-r', stacked, '--quiet'])
  const stack = readdirSync(stacked).find((name) => name.endsWith('.fits'))
  return { after, reference: join(stacked, stack) }
}

/** What a method finds in the frames of a night. */
function judge(shop, { after, reference }, method) {
  shop.log(`differences of ${after.folder}: ${method}`)
  const out = `${after.folder}-${method}`
  const keys = { 'reference.file': reference, 'subtraction.method': method }
  shop.run('subtraction', ['-s', after.reduced, '-r', out, '--quiet', ...setting(keys)])
  const { width, height } = after.camera
  const frames = after.objects.map((frame) => {
    const error = planeOf(join(out, `${frame.name}.score.fits`), 'FLUXERR')
    const good = candidatesOf(join(out, `${frame.name}.candidates.fits`))
    const sources = after
      .stars(frame)
      .filter(({ kind }) => kind === 'transient')
      .map(({ x_px, y_px, flux }) => ({ x: x_px - 1, y: y_px - 1, flux: flux / after.amplifiers[0].gain }))
      .filter(({ x, y }) => Math.min(x, y, width - 1 - x, height - 1 - y) > 10)
    const strength = ({ x, y, flux }) => flux / error[Math.round(y) * width + Math.round(x)]
    const wanted = sources.filter((one) => strength(one) > BAND[0] && strength(one) < BAND[1])
    const near = (a, b, far) => Math.hypot(a.x - b.x, a.y - b.y) < far
    return {
      found: wanted.map((one) => good.some((candidate) => near(candidate, one, 2))),
      others: good.filter((candidate) => !sources.some((one) => near(candidate, one, 4))),
    }
  })
  const rows = rowsOf(join(out, 'subtraction.csv'))
  return { frames, rows, pixels: frames.length * width * height }
}

function linesOf(method, nights) {
  const frames = nights.flatMap((night) => night.frames)
  const found = frames.flatMap((frame) => frame.found)
  const share = found.filter(Boolean).length / found.length
  const doubt = Math.sqrt((share * (1 - share)) / found.length)
  const megapixels = nights.reduce((sum, { pixels }) => sum + pixels, 0) / 1e6
  const noise = nights.flatMap(({ rows }) => rows.map((row) => Number(row.noise_ratio)))
  const furthest = noise.reduce((a, b) => (Math.abs(b - 1) > Math.abs(a - 1) ? b : a))
  return [
    line(GROUP, `${method}: sources of ${BAND.join(' to ')} sigma anywhere, found and believed`, 100 * share, {
      ...{ limit: { least: 95 }, unit: '%', note: `± ${(100 * doubt).toFixed(2)}, ${found.length} of them` },
    }),
    line(
      GROUP,
      `${method}: false candidates after vetting in ${megapixels.toFixed(1)} million pixels`,
      frames.flatMap(({ others }) => others).length,
      { limit: { most: megapixels / 10 } },
    ),
    line(GROUP, `${method}: noise of the difference over its expectation, the furthest from 1`, furthest, {
      limit: { least: 0.9, most: 1.1 },
    }),
  ]
}
