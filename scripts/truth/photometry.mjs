// Photometry against the truth of a clear simulated night: zero points, scatter of light curves, a variable star.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, line } from './verdict.mjs'
import { setting } from './workshop.mjs'

const GROUP = 'Photometry of a clear night: eight frames in each of two filters, calibrated on the truth'
const ZERO = { g: 24.6, r: 24.4 }

export function photometry(shop, { size }) {
  return attempt(GROUP, 'photometry', () => {
    const night = shop.simulate('photometry', Math.max(768, size), {
      ...{ 'sky.clouds': 0, 'telescope.trailed frames': 0, 'events.satellites': 0, 'files.wcs': 'exact' },
      ...{ 'field.frames': 8, 'field.stars': 500, 'detector.non-linearity': 0, 'bias.count': 6, 'dark.exposures': 60 },
      ...{ 'flat.saturated': 0 },
    })
    const reduced = shop.reduce(night, { 'calibration.folder': shop.stack(night) })
    const output = shop.path('photometry-out')
    const catalogue = join(night.folder, 'truth/stars.csv')
    const keys = { 'zero point.catalogue': catalogue, 'zero point.colour': 'g-r', 'series.plots': 'no' }
    shop.run('photometry', ['-s', reduced, '-r', output, '--quiet', ...setting(keys)])
    const frames = new Map(rowsOf(join(night.folder, 'truth/frames.csv')).map((row) => [row.frame, row]))
    const restless = rowsOf(join(night.folder, 'truth/stars.csv')).filter(({ kind }) => /variable|transient/.test(kind))
    return [
      ...zeroPoints(rowsOf(join(output, 'photometry.csv')), frames),
      ...curves(rowsOf(join(output, 'stars.csv')), restless),
    ]
  })
}

const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

function zeroPoints(rows, frames) {
  const off = rows.map((row) => {
    const frame = frames.get(row.product.replace('.phot.fits', ''))
    const truth = ZERO[frame.filter] + 2.5 * Math.log10(Number(frame.transparency))
    return { mag: Number(row.zero_point_mag) - truth, error: Number(row.zero_point_error_mag) }
  })
  const mean = off.reduce((sum, { mag }) => sum + mag, 0) / off.length
  const spread = Math.sqrt(off.reduce((sum, { mag }) => sum + (mag - mean) ** 2, 0) / (off.length - 1))
  return [
    line(GROUP, 'zero points: mean difference', mean, {
      ...{
        limit: { most: 0.002 },
        size: 'absolute',
        unit: 'mag',
        note: `± ${(spread / Math.sqrt(off.length)).toFixed(4)}`,
      },
    }),
    line(GROUP, 'zero points: scatter from frame to frame', spread, { limit: { most: 0.003 }, unit: 'mag' }),
    line(GROUP, 'zero points: scatter over their errors', spread / middle(off.map(({ error }) => error)), {
      ...{ target: { most: 1.3 }, note: `${off.length} frames` },
    }),
    line(GROUP, 'colour term (0 for the filter itself)', middle(rows.map((row) => Number(row.colour_term))), {
      ...{ limit: { most: 0.01 }, size: 'absolute' },
    }),
  ]
}

function curves(stars, restless) {
  const near = (row) =>
    restless.some(
      (star) =>
        Math.abs(Number(row.dec_deg) - Number(star.dec_deg)) < 3e-4 &&
        Math.abs(Number(row.ra_deg) - Number(star.ra_deg)) < 6e-4,
    )
  const quiet = stars.filter(({ points, restlessness }) => Number(points) === 8 && Number(restlessness) < 3)
  const bright = quiet.filter(({ mag }) => Number(mag) > 13.5 && Number(mag) < 16)
  const ratio = bright.map((row) => Number(row.deviation_mag) / Number(row.expected_mag))
  // the brightest stars are saturated: they are restless, too, and flagged
  const known = stars.filter(({ points, mag }) => Number(points) >= 6 && Number(mag) > 13)
  const wanted = known.sort((a, b) => Number(b.stetson_j) - Number(a.stetson_j)).slice(0, 4)
  return [
    line(GROUP, 'light curves of magnitude 13.5 to 16: scatter over that of photons', middle(ratio), {
      ...{ limit: { most: 1.3 }, note: `${bright.length} light curves` },
    }),
    line(
      GROUP,
      'light curves of magnitude 13.5 to 16: scatter',
      1000 * middle(bright.map((row) => Number(row.deviation_mag))),
      {
        unit: 'mmag',
      },
    ),
    line(GROUP, 'the variable and the transient, in two filters, have the largest J', wanted.filter(near).length, {
      limit: { least: 4 },
    }),
  ]
}

function rowsOf(path) {
  const [head, ...lines] = readFileSync(path, 'utf8').trim().split('\n')
  const names = head.split(',')
  return lines.map((text) => Object.fromEntries(text.split(',').map((value, k) => [names[k], value])))
}
