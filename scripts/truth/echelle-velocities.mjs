// Velocities against the truth, over a year: one star, two exposures in each of 24 nights, the Earth moving by 30 km/s, the image
// drifting. First the step rv alone, on spectra made of the simulator's own fluxes, wavelengths and noise; then 12 nights through
// the whole chain, from raw frames on: once of an ordinary star, and once of one so bright that a bias shows.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadProfile } from '@nightpipe/config'
import { copyHeader, openFits, sideHdus, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { makeZero, readStarExposure, spectraHdus, zeroHdus } from '@nightpipe/spectrographs'
import { echelleNight } from './echelle-nights.mjs'
import { attempt, line } from './verdict.mjs'
import { rowsOf, setting } from './workshop.mjs'

/** So much light that the chance of photons hides no bias of 1 m/s; spectra are made of it without the limits of a detector. */
const BRIGHT = { 'star.peak': 220000 }
const GROUP = 'Velocities: 24 nights of a year, a star of large proper motion, drifts; the step rv alone'

export function echelleVelocities(shop, scale) {
  return [...stepAlone(shop, scale), ...(scale.cases === 1 ? [] : CHAINS.flatMap((chain) => wholeChain(shop, chain)))]
}

function stepAlone(shop, { cases }) {
  return attempt(GROUP, 'velocities', () => {
    const quick = cases === 1
    const none = { 'bias.count': 0, 'dark.count': 0, 'flat.count': 0, 'arc.count': 0 }
    const small = { 'night.nights': 12, 'night.interval': 30.4, 'star.frames': 2, 'star.velocity': -21.7 }
    const night = quick
      ? echelleNight(shop, 'small', { ...none, ...small }, 'echelle-velocities')
      : echelleNight(shop, 'year', { ...none, ...BRIGHT }, 'echelle-velocities')
    const spectra = shop.path('velocities-1d')
    mkdirSync(spectra, { recursive: true })
    const files = night.object.map((frame, k) => [frame, writeSpectra(night, frame, spectra, shop.seed + k)])
    const zero = join(spectra, 'ZERO.fits')
    const made = files.slice(0, 6).map(([, path]) => path)
    writeZero(made, zero, Number(night.object[0].star_km_s) * 1000)
    const out = shop.path('velocities')
    const sets = setting({ 'instrument.profile': 'nres', 'barycentre.secular': 'keep', 'products.plots': 'no' })
    shop.run('rv', ['-s', ...files.map(([, path]) => path), '-r', out, '--template', zero, '--quiet', ...sets])
    const rows = new Map(rowsOf(join(out, 'rv.csv')).map((row) => [row.input.replace(/^.*\//, ''), row]))
    return verdicts(
      GROUP,
      files.map(([frame]) => ({ frame, row: rows.get(`${frame.name}-1d.fits`) })),
      made.length,
    )
  })
}

const CHAIN = 'Velocities: 12 nights of a year, 2048x2048, 30 orders, from raw frames to rv'

/** Two exposures of every night make the template: what an arc leaves unknown is then in both, and the others tell the figures. */
const CHAINS = [
  { group: CHAIN, folder: 'velocities', frames: 10, byLight: true },
  {
    ...{ group: `${CHAIN}; a star of S/N 300`, folder: 'velocities-bright', frames: 6 },
    ...{ more: { 'star.peak': 150000 }, byLight: false },
  },
]
const IN_TEMPLATE = 2

/**
 * Every command in its turn, on a year of one star in 12 nights. Every night has its arcs; biases and flats are those of the first, so
 * all share the noise of one flat.
 */
function wholeChain(shop, { group, folder, frames, more: light = {}, byLight }) {
  return attempt(group, 'velocities', () => {
    const few = { 'night.nights': 12, 'night.interval': 30.4, 'night.calibrations': 'arcs', 'star.frames': frames }
    const night = echelleNight(shop, 'year', { ...few, ...light }, `echelle-${folder}-chain`)
    const at = (name) => shop.path(`${folder}-${name}`)
    const profile = 'echelle-medium'
    const run = (command, inputs, output, more = {}, flags = []) => {
      const sets = setting({ 'instrument.profile': profile, ...more })
      const { stdout } = shop.run(command, ['-s', ...inputs, '-r', at(output), '--quiet', ...flags, ...sets])
      return stdout
        .trim()
        .split('\n')
        .map((path) => resolve(shop.folder, path))
    }
    const paths = (some) => some.map(({ path }) => path)
    const fits = (files, ending) => files.filter((path) => path.endsWith(ending))
    run('stack-calibrations', paths(night.bias), 'masters')
    const masters = { 'calibration.bias': at('masters'), 'calibration.dark': 'none' }
    const flats = run('reduction', paths(night.flat), 'flats', masters)
    const first = fits(run('trace0', flats, 'trace0'), '.fits')
    const traces = ['--traces', ...fits(run('trace-refine', flats, 'traces', {}, ['--traces', ...first]), 'trace.fits')]
    const lamps = run('extract', flats, 'lamps', {}, traces)
    const arcs = run('reduction', paths(night.arc), 'arcs', masters)
    const stars = run('reduction', paths(night.object), 'stars', masters, traces)
    const spectra = run('extract', [...arcs, ...stars], 'spectra', {}, [
      ...traces,
      '--flat',
      ...fits(lamps, 'flat.fits'),
    ])
    const solved = fits(run('wavelength', fits(spectra, '-1d.fits'), 'solved'), 'e00-1d.fits').sort()
    const zero = join(at('solved'), 'ZERO.fits')
    const made = solved.filter((_, k) => k % frames < IN_TEMPLATE)
    writeZero(made, zero, 1000 * Number(night.object[0].star_km_s), profile)
    const how = { 'barycentre.secular': 'keep', 'products.plots': 'no' }
    run('rv', solved, 'night', how, ['--template', zero])
    const rows = new Map(rowsOf(join(at('night'), 'rv.csv')).map((row) => [row.input.replace(/^.*\//, ''), row]))
    const used = new Set(made.map((path) => path.replace(/^.*\//, '').replace('-1d.fits', '')))
    const told = night.object.map((frame) => ({ frame, row: rows.get(`${frame.name}-1d.fits`) }))
    told.sort((a, b) => used.has(b.frame.name) - used.has(a.frame.name))
    return verdicts(group, told, made.length, byLight)
  })
}

/** The -1d file that a perfect extraction and wavelength solution would write. */
function writeSpectra(night, frame, folder, seed) {
  const { wavelength, flux, noise } = night.spectra(frame)
  const raw = openFits(frame.path)
  const { along: width, orders, fibres } = night
  const all = []
  for (let fibre = 0; fibre < fibres; fibre++) {
    for (let index = 0; index < orders; index++) {
      const from = width * (index + orders * fibre)
      const cut = (cube) => Float64Array.from(cube.slice(from, from + width))
      const [sigma, light] = [cut(noise), cut(flux)]
      if (!light.some((value) => value > 0)) continue
      const draw = random(seed, fibre, index)
      const bad = sigma.map((value, x) => (value > 0 && Number.isFinite(light[x]) ? 0 : 8))
      all.push({
        ...{ index, order: 0, fibre, uncertainty: sigma, mask: Int32Array.from(bad), wavelength: cut(wavelength) },
        flux: light.map((value, x) => value + sigma[x] * draw.normal()),
      })
    }
  }
  const image = raw.hdus.find(({ kind, axes }) => kind === 'image' && axes.length > 0)
  const header = copyHeader(image.header)
  const path = join(folder, `${frame.name}-1d.fits`)
  writeFits(path, [...spectraHdus({ width, orders: all }, header), ...sideHdus(raw, image)])
  raw.close()
  return path
}

/** A template of some exposures, as stack-calibrations makes it, at the velocity of the star. */
function writeZero(paths, target, velocity, profile = 'nres') {
  const facts = loadProfile(profile)
  const exposures = paths.map((path) => readStarExposure(path, facts, { keepSecular: true }))
  writeFits(target, zeroHdus(makeZero(exposures, { velocity }).file))
}

/** `byLight`: the light of the star limits it, and not that of the lamp by which the drift is known. */
function verdicts(group, all, inTemplate, byLight = true) {
  const told = all.slice(inTemplate).map(({ frame, row }) => ({
    off: Number(row.rv_m_s) - 1000 * Number(frame.star_km_s),
    limit: Number(row.photon_limit_m_s),
    error: Number(row.rv_error_m_s),
    middle: (Number(row.middle_mjd) - Number(frame.mjd_middle)) * 86400,
    barycentric: Number(frame.barycentric_km_s),
  }))
  const n = told.length
  const mean = told.reduce((sum, { off }) => sum + off, 0) / n
  const scatter = Math.sqrt(told.reduce((sum, { off }) => sum + (off - mean) ** 2, 0) / (n - 1))
  const limit = told.reduce((sum, one) => sum + one.limit, 0) / n
  const error = told.reduce((sum, one) => sum + one.error, 0) / n
  const unit = 'm/s'
  const note = (value) => `+- ${value.toPrecision(2)}, ${n} exposures`
  // how the error follows the motion of the Earth: a straight line against the barycentric velocity
  const centre = told.reduce((sum, one) => sum + one.barycentric, 0) / n
  const spread = told.reduce((sum, one) => sum + (one.barycentric - centre) ** 2, 0)
  const slope = told.reduce((sum, one) => sum + (one.barycentric - centre) * one.off, 0) / spread
  const sway = Math.abs(slope) * Math.max(...told.map((one) => Math.abs(one.barycentric - centre)))
  // what chance allows where few faint exposures were made, and what it did
  const few = Math.hypot(1 / Math.sqrt(n), 1 / Math.sqrt(inTemplate))
  const chance = limit * few
  const swayChance = limit * Math.sqrt(3 / n)
  return [
    line(group, 'scatter over the photon limit', scatter / limit, {
      ...{
        ...(byLight && { limit: { most: 1.1 + 2 / Math.sqrt(2 * n) }, target: { most: 1.1 } }),
        note: note(scatter / limit / Math.sqrt(2 * n)),
      },
    }),
    line(group, 'photon limit', limit, { unit }),
    line(group, 'own error over the scatter', error / scatter, {
      ...{ target: { least: 0.8, most: 1.25 }, note: note(error / scatter / Math.sqrt(2 * n)) },
    }),
    line(group, 'mean less the truth', mean, {
      ...{ limit: { most: 3 + 2 * chance }, target: { most: 1 }, unit, size: 'absolute' },
      note: note(scatter * few),
    }),
    line(group, 'change with the motion of the Earth, from its mean to its most', sway, {
      ...{ limit: { most: 3 + 2 * swayChance }, target: { most: 1 }, unit, note: note(swayChance) },
    }),
    line(
      group,
      'middle of the exposure, worst: the photons of the exposure meter',
      Math.max(...told.map(({ middle }) => Math.abs(middle))),
      { unit: 's' },
    ),
  ]
}
