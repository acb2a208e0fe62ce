// Wavelengths against the truth of simulated spectrographs: arcs solved from the rough numbers of the profile and with none at all, and
// exposures after the drift since. Spectra are those of the truth with the noise of the best extraction: what is judged is this step alone.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { copyHeader, openFits, removeCard, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { readSpectra, spectraHdus } from '@nightpipe/spectrographs'
import { echelleNight } from './echelle-nights.mjs'
import { attempt, line } from './verdict.mjs'
import { setting } from './workshop.mjs'

const GROUP = 'Echelle wavelengths: arcs identified and fitted, exposures moved by their drift'
const NIGHT = { 'bias.count': 0, 'dark.count': 0, 'flat.count': 0, 'arc.count': 1, 'star.frames': 4 }
const LIGHT = 299792458
/** Targets, m/s: of the set of 2048 columns and of NRES itself; for others none is set. */
const TARGET = { medium: 25, nres: 50 }

export function echelleWavelengths(shop, { cases }) {
  const presets = cases === 1 ? ['small', 'teaching'] : ['small', 'teaching', 'other', 'medium', 'nres']
  return presets.flatMap((preset) =>
    attempt(GROUP, preset, () => {
      const night = echelleNight(shop, preset, NIGHT, `echelle-wavelengths-${preset}`)
      const [spectra, solved] = [shop.path(`wave-in-${preset}`), shop.path(`wave-out-${preset}`)]
      mkdirSync(spectra, { recursive: true })
      const frames = [...night.arc, ...night.object]
      const truths = frames.map((frame, k) => trueSpectra(night, frame, join(spectra, `${frame.name}-1d.fits`), k))
      const profile = setting({ 'instrument.profile': preset === 'nres' ? 'nres' : `echelle-${preset}` })
      shop.run('wavelength', ['-s', spectra, '-r', solved, '--quiet', ...profile])
      return ['arc', 'object'].map((type) => {
        const some = truths.filter((_, k) => k < night.arc.length === (type === 'arc'))
        const errors = some.flatMap(({ name, wavelength }) => misses(join(solved, `${name}-1d.fits`), wavelength))
        const rms = Math.sqrt(errors.reduce((sum, v) => sum + v * v, 0) / errors.length)
        const target = type === 'object' && TARGET[preset] && { target: { most: TARGET[preset] } }
        const what = type === 'arc' ? 'arcs, rms' : 'exposures with drift, rms'
        return line(GROUP, `${preset}: ${what}`, rms, { ...target, unit: ' m/s' })
      })
    }),
  )
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

/** Errors of the wavelengths of a file, m/s, every seventh pixel. */
function misses(path, truth) {
  const errors = []
  for (const { index, fibre, wavelength } of readSpectra(path).orders) {
    const known = truth.get(`${fibre} ${index}`)
    for (let x = 0; x < wavelength.length; x += 7) {
      if (wavelength[x] > 0 && known[x] > 0) errors.push(LIGHT * (wavelength[x] / known[x] - 1))
    }
  }
  return errors
}
