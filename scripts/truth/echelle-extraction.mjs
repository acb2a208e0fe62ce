// Extraction of simulated spectra against what was put in: noise beside the optimum, honesty of errors, bias by S/N, cosmic
// rays that are left, from raw frames by the executables with nothing given but the profile.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ratioErrors } from '@nightpipe/spectra'
import { readSpectra } from '@nightpipe/spectrographs'
import { echelleNight } from './echelle-nights.mjs'
import { median } from './statistics.mjs'
import { attempt, line } from './verdict.mjs'

const GROUP = 'Echelle: extraction (1 is the noise of photons and read-out alone, weighted at best)'
/** A column further off than this was spoiled by something. */
const SPOILED = 5
/** Bits of columns that are told as not measured: no data, interpolated, weak column of the detector. */
const TOLD = 8 | 16 | 32
const EDGE = 5

export function echelleExtraction(shop, { size }) {
  const preset = size < 1024 ? 'small' : 'medium'
  return attempt(GROUP, 'extraction', () => {
    const night = echelleNight(shop, preset)
    const spectra = extracted(shop, night, `echelle-${preset}`)
    const lamp = night.object[0].objects.split('&').indexOf('thar')
    const star = night.object[0].objects.split('&').findIndex((word) => !/^(thar|none)$/.test(word))
    const all = { star: judge(night, spectra, star), lamp: judge(night, spectra, lamp) }
    const divided = judgeRatio(night, preset, shop, star)
    return [...linesOf('star', all.star, 1.03), ...linesOf('lamp beside it', all.lamp, 1.05), divided, ...leftLine(all)]
  })
}

/** Traces found and refined, flats extracted, stars extracted: the folder of the stars. */
function extracted(shop, night, profile) {
  const out = (name) => `${night.folder}-${name}`
  if (existsSync(out('stars'))) return out('stars')
  const set = ['--quiet', '--set', `instrument.profile=${profile}`]
  const input = (frames) => ({ input: frames.map(({ path }) => path).join('\n') })
  const products = (folder, frames, end) => frames.map(({ name }) => ({ path: join(folder, `${name}${end}.fits`) }))
  const calibrating = [...night.bias, ...night.dark, ...night.flat]
  shop.log(`extracting ${night.folder}`)
  shop.run('reduction', ['-s', '-', '-r', out('flats'), ...set], input(calibrating))
  const flats = input(products(out('flats'), night.flat, ''))
  const first = shop.run('trace0', ['-s', '-', '-r', out('trace0'), ...set], flats).stdout.trim()
  const [traces] = shop
    .run('trace-refine', ['-s', '-', '-r', out('traces'), '--traces', first, ...set], flats)
    .stdout.trim()
    .split('\n')
  shop.run('reduction', ['-s', '-', '-r', out('reduced'), '--traces', traces, ...set], input(night.frames))
  const ready = (frames) => input(products(out('reduced'), frames, ''))
  shop.run('extract', ['-s', '-', '-r', out('lamps'), '--traces', traces, ...set], ready(night.flat))
  const response = products(out('lamps'), night.flat, '-flat').flatMap(({ path }) => ['--flat', path])
  shop.run('extract', ['-s', '-', '-r', out('stars'), '--traces', traces, ...response, ...set], ready(night.object))
  return out('stars')
}

/** The first star over a single flat, against the same of the truth: errors are those of both, and pixels answer alike in both. */
function judgeRatio(night, preset, shop, fibre) {
  const profile = `echelle-${preset}`
  const folder = `${night.folder}-divided`
  const [frame] = night.object
  const flat = night.flat.find(({ objects }) => objects.split('&')[fibre] !== 'none')
  const lamp = `${night.folder}-lamps/${flat.name}-flat.fits`
  const path = `${night.folder}-reduced/${frame.name}.fits`
  const traces = onlyTraces(night)
  const set = ['--quiet', '--set', `instrument.profile=${profile}`]
  shop.run('extract', ['-s', path, '-r', folder, '--traces', traces, '--flat', lamp, ...set])
  const [light, shape] = [night.spectra(frame).flux, night.spectra(flat).flux]
  const pulls = []
  for (const one of readSpectra(join(folder, `${frame.name}-1d.fits`)).orders) {
    if (one.fibre !== fibre) continue
    const { all } = ratioErrors(one)
    const at = (x) => x + night.along * (one.index + night.orders * fibre)
    const good = [...all.keys()].filter(
      (x) => one.mask[x] === 0 && light[at(x)] > 0 && all[x] > 0 && one.blaze[x] > 0.1,
    )
    if (good.length < 100) continue
    const ratio = (x) => one.flux[x] / one.blaze[x] / (light[at(x)] / shape[at(x)])
    const level = median(Float64Array.from(good, ratio)) // the flat is 1 at its highest
    for (const x of good) pulls.push((ratio(x) / level - 1) * (one.flux[x] / one.blaze[x] / all[x]))
  }
  const kept = pulls.filter((pull) => Math.abs(pull) < SPOILED)
  const limits = { limit: { least: 0.95, most: 1.05 }, target: { least: 0.98, most: 1.03 } }
  const note = `${kept.length} columns; the flat is the same in all exposures, and has a column of its own`
  return line(GROUP, 'star over one flat, errors of both: scatter over error', rms(kept), { ...limits, note })
}

function onlyTraces(night) {
  const folder = `${night.folder}-traces`
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('-trace.fits')),
  )
}

/** All columns of a fibre: electrons less those that came, over the best noise and over the error of the product. */
function judge(night, folder, fibre) {
  const sum = { off: [], pulls: [], signal: [], columns: 0, spoiled: 0 }
  for (const frame of night.object) {
    const { flux, noise } = night.spectra(frame)
    for (const one of readSpectra(join(folder, `${frame.name}-1d.fits`)).orders) {
      if (one.fibre !== fibre) continue
      for (let x = EDGE; x < night.along - EDGE; x++) {
        const at = x + night.along * (one.index + night.orders * fibre)
        if (!(noise[at] > 0) || !Number.isFinite(one.flux[x]) || (one.mask[x] & TOLD) !== 0) continue
        const rest = one.flux[x] - flux[at]
        sum.columns++
        if (Math.abs(rest / noise[at]) > SPOILED) {
          sum.spoiled++
          continue
        }
        sum.off.push(rest / noise[at])
        sum.pulls.push(rest / one.uncertainty[x])
        sum.signal.push(flux[at] / noise[at])
      }
    }
  }
  return sum
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
const rms = (values) => Math.sqrt(mean(values.map((value) => value * value)))

const BINS = [
  [3, 10],
  [10, 30],
  [30, 100],
  [100, 400],
]

function linesOf(what, { off, pulls, signal }, target) {
  const note = `median S/N ${median(Float64Array.from(signal)).toFixed(1)}, ${off.length} columns`
  const biases = BINS.flatMap(([low, high]) => {
    const own = off.filter((_, k) => signal[k] >= low && signal[k] < high)
    if (own.length < 1000) return []
    const limits = { limit: { most: 0.15 }, target: { most: 0.05 }, size: 'absolute', unit: 'sigma' }
    return [line(GROUP, `${what}, mean error at S/N ${low} to ${high}`, mean(own), limits)]
  })
  return [
    line(GROUP, `${what}, noise over the optimum`, rms(off), { limit: { most: 1.12 }, target: { most: target }, note }),
    line(GROUP, `${what}, own errors: scatter over error`, rms(pulls), {
      ...{ limit: { least: 0.95, most: 1.05 }, target: { least: 0.98, most: 1.03 } },
    }),
    ...biases,
  ]
}

function leftLine({ star, lamp }) {
  const [columns, spoiled] = [star.columns + lamp.columns, star.spoiled + lamp.spoiled]
  const note = `${spoiled} of ${columns}`
  const limits = { limit: { most: 0.05 }, target: { most: 0.02 }, unit: '%', note }
  return [line(GROUP, 'columns beyond 5 sigma that are not told as unmeasured', (100 * spoiled) / columns, limits)]
}
