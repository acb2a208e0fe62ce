// Calibrated frames of simulated spectrographs: scattered light against the truth in the place of the orders, and what is left in
// a fibre without light against its errors.
import { join } from 'node:path'
import { echelleNight } from './echelle-nights.mjs'
import { tally } from './statistics.mjs'
import { attempt, line } from './verdict.mjs'
import { readFrame, setting } from './workshop.mjs'

const GROUP =
  'Echelle frames: scattered light where the orders are, in noise of a column of 9 rows without light; dark fibres'
const PRESETS = ['small', 'other', 'teaching']
/** Rows of a column that the noise is reckoned of. */
const ROWS = 9

export function echelleReduction(shop, { cases = PRESETS.length }) {
  return PRESETS.slice(0, cases).flatMap((preset) =>
    attempt(GROUP, `echelle-${preset}`, () => {
      const night = echelleNight(shop, preset)
      const before = reduce(shop, night, preset, 'plain', {})
      const flat = join(before, `${night.flat[0].name}.fits`)
      const traces = shop.path(`${night.folder}-traces`)
      const profile = { 'instrument.profile': `echelle-${preset}` }
      shop.run('trace0', ['-s', flat, '-r', traces, '--quiet', ...setting(profile)])
      const file = join(traces, `${night.flat[0].name}-trace0.fits`)
      const after = reduce(shop, night, preset, 'scattered', { 'scattered light.traces': file })
      return [...scatteredLines(night, preset, before, after), ...darkLines(night, preset, after)]
    }),
  )
}

function reduce(shop, night, preset, name, settings) {
  const output = `${night.folder}-${name}`
  const folder = `${night.folder}-masters`
  const profile = { 'instrument.profile': `echelle-${preset}` }
  const list = (frames) => frames.map(({ path }) => path).join('\n')
  const masters = list([...night.bias, ...night.dark])
  shop.run('stack-calibrations', ['-s', '-', '-r', folder, '--quiet', ...setting(profile)], { input: masters })
  const all = setting({ ...profile, 'calibration.folder': folder, ...settings })
  const frames = list([...night.flat.slice(0, 2), ...night.object])
  shop.run('reduction', ['-s', '-', '-r', output, '--quiet', ...all], { input: frames })
  return output
}

/** Every pixel of the centre of an order: what it calls back is given x along the dispersion, y across it, and the pixel. */
function alongOrders(night, frame, { width, height }, use, fibres) {
  const traces = night.traces(frame)
  const upright = night.along === height && night.along !== width
  for (const fibre of fibres ?? Array.from({ length: night.fibres }, (_, k) => k)) {
    for (let order = 0; order < night.orders; order++) {
      for (let x = 0; x < night.along; x++) {
        const y = Math.round(traces[x + night.along * (order + night.orders * fibre)])
        if (y < 0 || y >= (upright ? width : height)) continue
        use(x, y, upright ? x * width + y : y * width + x)
      }
    }
  }
}

/** The surface that was taken off is the difference of the frames with it and without. */
function scatteredLines(night, preset, before, after) {
  const ofKind = (kind, frames, limit) => {
    const found = frames.flatMap((frame) => {
      const [plain, clean] = [before, after].map((folder) => readFrame(join(folder, `${frame.name}.fits`)))
      const truth = night.scattered(frame)
      const off = tally()
      let light = 0
      alongOrders(night, frame, plain, (x, y, p) => {
        off.add(plain.pixels[p] - clean.pixels[p] - truth(x, y))
        light = Math.max(light, truth(x, y))
      })
      const noise = Math.sqrt(ROWS * (Number(readNoiseOf(clean)) ** 2 + light / 2))
      return [{ mean: (ROWS * off.mean) / noise, rms: (ROWS * off.deviation) / noise }]
    })
    const worst = (key) => found.reduce((a, b) => (Math.abs(b[key]) > Math.abs(a) ? b[key] : a), 0)
    const name = `echelle-${preset}, ${kind}`
    return [
      line(GROUP, `${name}: mean`, worst('mean'), {
        limit: { most: limit },
        target: { most: limit / 2 },
        size: 'absolute',
      }),
      line(GROUP, `${name}: rms`, worst('rms'), { limit: { most: limit }, target: { most: limit / 2 } }),
    ]
  }
  return [...ofKind('stars', night.object, 0.5), ...ofKind('flats', night.flat.slice(0, 2), 2)]
}

const readNoiseOf = ({ header }) => header.cards.find(({ keyword }) => keyword === 'RDNOISE').value

/** A fibre that sees nothing is left with noise: its pixels over their errors. */
function darkLines(night, preset, after) {
  const pulls = tally()
  for (const frame of night.object) {
    const dark = frame.objects.split('&').flatMap((word, fibre) => (word === 'none' ? [fibre] : []))
    if (dark.length === 0 || !frame.objects.includes('&')) continue
    const clean = readFrame(join(after, `${frame.name}.fits`))
    const use = (_x, _y, p) => {
      if (clean.mask[p] === 0 && Math.abs(clean.pixels[p]) < 6 * clean.error[p])
        pulls.add(clean.pixels[p] / clean.error[p])
    }
    alongOrders(night, frame, clean, use, dark)
  }
  if (pulls.count === 0) return []
  const name = `echelle-${preset}, pixels of dark fibres over their errors`
  return [
    line(GROUP, `${name}: mean`, pulls.mean, { limit: { most: 0.1 }, target: { most: 0.05 }, size: 'absolute' }),
    line(GROUP, `${name}: deviation`, pulls.deviation, {
      limit: { least: 0.95, most: 1.05 },
      target: { least: 0.97, most: 1.03 },
    }),
  ]
}
