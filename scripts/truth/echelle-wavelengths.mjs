// Wavelengths against the truth of simulated spectrographs: arcs solved from the rough numbers of the profile and with none at all, and
// exposures after the drift since. Spectra are those of the truth with the noise of the best extraction: what is judged is this step alone.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { copyHeader, openFits, removeCard, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { polynomialError } from '@nightpipe/spectra'
import { readArc, readSpectra, spectraHdus } from '@nightpipe/spectrographs'
import { echelleNight } from './echelle-nights.mjs'
import { attempt, line } from './verdict.mjs'
import { setting } from './workshop.mjs'

const GROUP = 'Echelle wavelengths: arcs identified and fitted, exposures moved by their drift'
const NIGHT = { 'bias.count': 0, 'dark.count': 0, 'flat.count': 0, 'arc.count': 1, 'star.frames': 2 }
const LIGHT = 299792458
/** Targets, m/s: of the set of 2048 columns and of NRES itself; for others none is set. */
const TARGET = { medium: 25, nres: 50 }
/** Nights of each, each with a lamp of its own: one of a small spectrograph has few lines, and its error is much of chance. */
const NIGHTS = { small: 5, teaching: 5, other: 1, medium: 1, nres: 1 }

export function echelleWavelengths(shop, { cases }) {
  const presets = cases === 1 ? ['small', 'teaching'] : Object.keys(NIGHTS)
  return presets.flatMap((preset) =>
    attempt(GROUP, preset, () => {
      const nights = Array.from({ length: cases === 1 ? 1 : NIGHTS[preset] }, (_, k) => solvedNight(shop, preset, k))
      const all = (type) => nights.flatMap((night) => night[type])
      const arcs = all('arc')
      const own = Math.sqrt(mean(arcs.map(({ error }) => error ** 2)))
      // exposures without a lamp fibre have no drift to go by: there the drift of the night is what is left
      const lamp = preset !== 'teaching'
      const target = TARGET[preset] && { target: { most: TARGET[preset] } }
      return [
        line(GROUP, `${preset}: arcs, rms`, rms(arcs), { unit: ' m/s' }),
        line(GROUP, `${preset}: arcs, own error over the true one`, own / rms(arcs), {
          target: { least: 0.8, most: 1.25 },
        }),
        line(GROUP, `${preset}: exposures ${lamp ? 'with' : 'without'} drift, rms`, rms(all('object')), {
          ...{ ...target, unit: ' m/s' },
        }),
      ]
    }),
  )
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
const rms = (misses) => Math.sqrt(mean(misses.map(({ miss }) => miss ** 2)))

/** The errors of all arcs and exposures of one night. */
function solvedNight(shop, preset, number) {
  const name = `${preset}-${number}`
  const seed = { 'random.seed': shop.seed + number }
  const night = echelleNight(shop, preset, { ...NIGHT, ...seed }, `echelle-wavelengths-${name}`)
  const [spectra, solved] = [shop.path(`wave-in-${name}`), shop.path(`wave-out-${name}`)]
  mkdirSync(spectra, { recursive: true })
  const truthOf = (frame, k) => trueSpectra(night, frame, join(spectra, `${frame.name}-1d.fits`), 10 * number + k)
  const truths = [...night.arc, ...night.object].map(truthOf)
  const profile = setting({ 'instrument.profile': preset === 'nres' ? 'nres' : `echelle-${preset}` })
  shop.run('wavelength', ['-s', spectra, '-r', solved, '--quiet', ...profile])
  const some = (from, to) =>
    truths.slice(from, to).flatMap(({ name, wavelength }) => misses(join(solved, `${name}-1d.fits`), wavelength))
  return { arc: some(0, night.arc.length), object: some(night.arc.length) }
}

/** Writes the spectra of a frame as its truth and the noise of the best extraction make them. */
function trueSpectra(night, frame, product, seed) {
  const { flux, noise, wavelength } = night.spectra(frame)
  const { along: width, orders, fibres } = night
  const draw = random(31, seed)
  const spectra = []
  const truth = new Map()
  for (let fibre = 0; fibre < fibres; fibre++) {
    for (let index = 0; index < orders; index++) {
      const from = (fibre * orders + index) * width
      const part = (values) => Float64Array.from(values.subarray(from, from + width))
      const [light, uncertainty] = [part(flux), part(noise)]
      if (!light.some((value) => value > 0)) continue
      const mask = Int32Array.from(uncertainty, (sigma) => (sigma > 0 ? 0 : 8))
      const seen = light.map((value, x) => (mask[x] ? Number.NaN : value + uncertainty[x] * draw.normal()))
      spectra.push({ index, order: 0, fibre, flux: seen, uncertainty, mask })
      truth.set(`${fibre} ${index}`, part(wavelength))
    }
  }
  const raw = openFits(frame.path)
  const header = copyHeader(raw.hdus[0].header)
  for (const { keyword } of raw.hdus[0].header.cards)
    if (/^(NP_|BZERO|BSCALE)/.test(keyword)) removeCard(header, keyword)
  writeFits(product, spectraHdus({ width, orders: spectra }, header))
  raw.close()
  return { name: frame.name, wavelength: truth }
}

/** Errors of the wavelengths of a file, every seventh pixel, and what an arc says of them itself: m/s. */
function misses(path, truth) {
  const errors = []
  const solutions = new Map((readArc(path)?.solutions ?? []).map(({ fibre, polynomial }) => [fibre, polynomial]))
  for (const { index, fibre, wavelength } of readSpectra(path).orders) {
    const known = truth.get(`${fibre} ${index}`)
    const polynomial = solutions.get(fibre)
    for (let x = 0; x < wavelength.length; x += 7) {
      if (!(wavelength[x] > 0 && known[x] > 0)) continue
      const error = polynomial ? (LIGHT * polynomialError(polynomial, index, x)) / known[x] : Number.NaN
      errors.push({ miss: LIGHT * (wavelength[x] / known[x] - 1), error })
    }
  }
  return errors
}
