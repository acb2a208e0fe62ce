// Stars and templates of a generator of its own: lines of neutral and ionised metals that answer to temperature, gravity and
// abundance by Boltzmann, Saha and the opacity of H-, saturate, and have wings; discs that turn are summed strip by strip, and a
// pixel collects what falls on it. classify knows none of it: it sees templates 500 K and 0.5 dex apart, and stars between them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { spectraHdus } from '@nightpipe/spectrographs'
import { attempt, line } from './verdict.mjs'
import { rowsOf, setting } from './workshop.mjs'

const C = 299792.458 // km/s
const STEP = 0.7 / C
const FIRST = Math.log(5080)
const SAMPLES = Math.floor((Math.log(5330) - FIRST) / STEP)
const RESOLUTION = 45000
const PIXEL = 2.4 // km/s
const GROUP = 'Classes of stars: templates 500 K and 0.5 dex apart, R = 45000, four orders, S/N 30 to 200 a pixel'

const draw = random(77)
/** strength in the Sun, excitation (eV), ionised or not, damping over thermal width */
const LINES = Array.from({ length: 480 }, () => ({
  u: FIRST + draw.uniform() * SAMPLES * STEP,
  tau: 10 ** (0.95 * draw.normal() - 0.35),
  excitation: 5 * draw.uniform(),
  ionised: draw.uniform() < 0.15,
  damping: 0.01 * 10 ** (1.2 * draw.uniform()),
}))

/** Parts of iron that are neutral and ionised (Saha, ionisation 7.87 eV), and the opacity of H-, by the pressure of electrons. */
function atmosphere(teff, logg, metals) {
  const theta = 5040 / teff
  const pressure = 10 ** (1.35 + 0.45 * (logg - 4.44) + 0.25 * metals + 8.45 * Math.log10(teff / 5777))
  const ratio = 10 ** (-7.87 * theta + 2.5 * Math.log10(teff) - 0.177 - Math.log10(pressure))
  return {
    theta,
    neutral: 1 / (1 + ratio),
    ionised: ratio / (1 + ratio),
    opacity: pressure * teff ** -2.5 * 10 ** (0.754 * theta),
  }
}

const SUN = atmosphere(5777, 4.44, 0)

/** Light over continuum at all samples: depth of saturating lines (Minnaert 1935), profiles a Gaussian core with Lorentz wings. */
function starLight(teff, logg, metals) {
  const here = atmosphere(teff, logg, metals)
  const width = Math.hypot(1.3 * Math.sqrt(teff / 5777), 1 + (0.5 * (teff - 5500)) / 1000 - 0.3 * (logg - 4))
  const tau = new Float64Array(SAMPLES)
  for (const { u, tau: solar, excitation, ionised, damping } of LINES) {
    const part = ionised ? here.ionised / SUN.ionised : here.neutral / SUN.neutral
    const volts = excitation + (ionised ? 2 : 0)
    const strength =
      (solar * part * 10 ** (metals - volts * (here.theta - SUN.theta)) * SUN.opacity * 1.7) / (here.opacity * width)
    const a = damping * 10 ** (0.35 * (logg - 4.44))
    const reach = 12 + 200 * Math.sqrt(strength * a)
    const from = Math.max(0, Math.ceil((u - reach / C - FIRST) / STEP))
    const to = Math.min(SAMPLES - 1, Math.floor((u + reach / C - FIRST) / STEP))
    for (let k = from; k <= to; k++) {
      const v = ((FIRST + k * STEP - u) * C) / width
      tau[k] += strength * (Math.exp(-v * v) + a / (Math.sqrt(Math.PI) * (1.5 + v * v)))
    }
  }
  const depth = 0.88 - (0.08 * (teff - 5500)) / 1500
  return tau.map((one) => 1 - (depth * one) / (1 + one))
}

/** A curve between samples, by the cubic through four. */
function at(light, x) {
  const i = Math.max(1, Math.min(SAMPLES - 3, Math.floor(x)))
  const t = x - i
  const [a, b, c, d] = [light[i - 1], light[i], light[i + 1], light[i + 2]]
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
}

/** Weighted copies of a spectrum, moved by velocities. */
function smeared(light, parts) {
  const out = new Float64Array(SAMPLES)
  for (const { v, weight } of parts) {
    for (let k = 0; k < SAMPLES; k++) out[k] += weight * at(light, k - v / C / STEP)
  }
  return out
}

/** The strips of a turning disc with limb darkening 0.6, each with the light of its chord. */
function disc(vsini) {
  if (vsini === 0) return [{ v: 0, weight: 1 }]
  const n = 2 * Math.ceil(2 * vsini) + 25
  const strips = Array.from({ length: n }, (_, k) => {
    const y = (2 * k + 1) / n - 1
    const half = Math.sqrt(1 - y * y)
    return { v: vsini * y, weight: half * (0.4 + 0.15 * Math.PI * half) }
  })
  const sum = strips.reduce((total, { weight }) => total + weight, 0)
  return strips.map(({ v, weight }) => ({ v, weight: weight / sum }))
}

/** The spectrograph without its pixels, so that with them a line of a lamp has the resolution. */
function slit() {
  const sigma = Math.sqrt((C / RESOLUTION) ** 2 / (8 * Math.LN2) - PIXEL ** 2 / 12)
  const parts = Array.from({ length: 61 }, (_, k) => ({
    v: (k - 30) * 0.2 * sigma,
    weight: Math.exp(-0.02 * (k - 30) ** 2),
  }))
  const sum = parts.reduce((total, { weight }) => total + weight, 0)
  return parts.map(({ v, weight }) => ({ v, weight: weight / sum }))
}

function writeTemplate(folder, teff, logg, metals) {
  const wavelength = Float64Array.from({ length: SAMPLES }, (_, k) => Math.exp(FIRST + k * STEP))
  const cards = [
    ['TEFF', teff, ''],
    ['LOGG', logg, ''],
    ['FEH', metals, ''],
  ]
  const columns = [
    { name: 'WAVE', values: wavelength },
    { name: 'FLUX', values: starLight(teff, logg, metals) },
  ]
  const hdus = [
    { kind: 'empty', header: createHeader(cards) },
    { kind: 'table', rows: SAMPLES, columns },
  ]
  writeFits(join(folder, `t${teff}_${logg}_${metals}.fits`), hdus)
}

function writeStar(path, star, noise) {
  const light = smeared(smeared(starLight(star.teff, star.logg, star.metals), disc(star.vsini)), slit())
  const orders = [0, 1, 2, 3].map((index) => {
    const [flux, uncertainty, wavelength] = [0, 0, 0].map(() => new Float64Array(1400))
    for (let x = 0; x < 1400; x++) {
      wavelength[x] = (5115 + 58 * index) * (1 + ((x - 700) * PIXEL) / C)
      let collected = 0
      for (let part = -4; part <= 4; part++) {
        const u = Math.log(wavelength[x]) + (part * PIXEL) / 9 / C - Math.log1p(star.velocity / C)
        collected += at(light, (u - FIRST) / STEP) / 9
      }
      const electrons = star.signal ** 2 * (1.05 - 0.6 * (x / 700 - 1) ** 2 + 0.1 * (x / 1400)) * collected
      uncertainty[x] = Math.sqrt(electrons + 50)
      flux[x] = electrons + uncertainty[x] * noise.normal()
    }
    return { index, order: 100 - index, fibre: 0, flux, uncertainty, mask: new Int32Array(1400), wavelength }
  })
  const header = createHeader([
    ['OBSTYPE', 'TARGET', ''],
    ['OBJECTS', 'star&thar&none', ''],
    ['TELESCOP', 'nres03', ''],
    ['DATE-OBS', '2024-03-12T00:00:00', ''],
    ['EXPTIME', 600, ''],
  ])
  writeFits(path, spectraHdus({ width: 1400, orders }, header))
}

const TURNS = [0, 2, 3, 5, 8, 15, 30, 60, 100]

export function classify(shop, { cases }) {
  return attempt(GROUP, 'parameters of stars between templates', () => {
    const [templates, stars] = ['classify-templates', 'classify-stars'].map((name) => shop.path(name))
    for (const folder of [templates, stars]) mkdirSync(folder, { recursive: true })
    shop.log('templates and stars of lines')
    for (const teff of [5000, 5500, 6000, 6500])
      for (const logg of [3.5, 4, 4.5, 5])
        for (const metals of [-0.5, 0, 0.5]) writeTemplate(templates, teff, logg, metals)
    const noise = random(shop.seed)
    const between = (low, high) => low + (high - low) * noise.uniform()
    const truth = Array.from({ length: cases === 1 ? 9 : 45 }, (_, k) => ({
      ...{ name: `s${String(k).padStart(2, '0')}`, teff: between(5100, 6400), logg: between(3.6, 4.9) },
      ...{ metals: between(-0.4, 0.4), vsini: TURNS[k % TURNS.length], velocity: between(-60, 60) },
      signal: 30 * 10 ** (Math.log10(200 / 30) * noise.uniform()),
    }))
    for (const star of truth) writeStar(join(stars, `${star.name}-1d.fits`), star, noise)
    const [set, out] = [shop.path('classify-set'), shop.path('classify')]
    shop.run('classify', ['import', '-s', templates, '-r', set, '--quiet'])
    const sets = setting({ 'instrument.profile': 'nres', 'classify.resolution': RESOLUTION, 'classify.plots': 'no' })
    shop.run('classify', ['-s', stars, '-r', out, '--templates', set, '--quiet', ...sets])
    const rows = new Map(rowsOf(join(out, 'classify.csv')).map((row) => [row.input.replace(/^.*\/|-1d.*$/g, ''), row]))
    writeFileSync(join(out, 'truth.json'), JSON.stringify(truth))
    return verdicts(truth.map((star) => ({ star, row: rows.get(star.name) })))
  })
}

const rms = (values) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0) / values.length)

/** What is told of a column against the truth: how far off, and over its own error. */
function against(pairs, column, error, wanted) {
  const told = pairs.filter(({ row }) => row[column] && row[error])
  const off = told.map(({ star, row }) => Number(row[column]) - wanted(star))
  return { told: told.length, off, pulls: off.map((one, k) => one / Number(told[k].row[error])) }
}

function verdicts(pairs) {
  const parameters = [
    ['effective temperature', 'teff_k', 'teff_error_k', ({ teff }) => teff, 'K', 40],
    ['surface gravity', 'logg_dex', 'logg_error_dex', ({ logg }) => logg, 'dex', 0.08],
    ['metallicity', 'metallicity_dex', 'metallicity_error_dex', ({ metals }) => metals, 'dex', 0.03],
  ].map(([what, column, error, wanted, unit, most]) => ({ what, unit, most, ...against(pairs, column, error, wanted) }))
  const turning = against(
    pairs.filter(({ star }) => star.vsini > 0),
    'vsini_km_s',
    'vsini_error_km_s',
    ({ vsini }) => vsini,
  )
  const slow = pairs.filter(({ star }) => star.vsini === 0)
  const honest = { limit: { least: 0.6, most: 1.5 }, target: { least: 0.8, most: 1.25 } }
  return [
    ...parameters.map(({ what, unit, most, told, off }) =>
      line(GROUP, `${what}, rms`, rms(off), {
        limit: { most },
        unit,
        note: `${told} of ${pairs.length} stars measured`,
      }),
    ),
    line(GROUP, 'over their own errors, rms', rms(parameters.flatMap(({ pulls }) => pulls)), honest),
    line(GROUP, 'v sin i of 2 to 100 km/s, rms of what is off over its error', rms(turning.pulls), {
      ...honest,
      note: `${turning.told} measured`,
    }),
    line(
      GROUP,
      'stars that do not turn: upper limit told',
      slow.filter(({ row }) => /vsini/.test(row.limits)).length / slow.length,
      {
        limit: { least: 0.75 },
      },
    ),
  ]
}
