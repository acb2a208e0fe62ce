// (value - truth) / ERR of reduced frames: mean 0 and deviation 1, on sky and on stars, whatever the light.
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { meanOf } from './masters.mjs'
import { median, tally } from './statistics.mjs'
import { attempt, line } from './verdict.mjs'
import { amplifierMap, readFrame } from './workshop.mjs'

const GROUP = 'Errors of reduced frames: pull = (value - truth) / ERR on pixels that the mask leaves'

/** Sky of these electrons in a pixel, one for each filter: zero point 24.4, 60 s, 0.5 arcsec pixels. */
const SKIES = [20, 200, 2000, 20000]
const skyMagnitude = (electrons) => 24.4 - 2.5 * Math.log10(electrons / (60 * 0.25))

const light = {
  ...{ 'files.light': 'yes', 'filters.names': SKIES.map((sky) => `s${sky}`).join(', '), 'filters.zero point': 24.4 },
  ...{ 'filters.sky': SKIES.map((sky) => skyMagnitude(sky).toFixed(5)).join(', '), 'filters.colour': 0 },
  ...{ 'flat.gradient': 0, 'flat.stars': 'no', 'flat.saturated': 0, 'events.satellites': 0 },
  ...{ 'field.exposure': 60, 'field.frames': 6, 'dark.exposures': 180, 'field.slope': 0.2 },
}
/** A star for every thousand pixels. */
const starsFor = (size) => ({ 'field.stars': Math.round(size ** 2 / 1000) })

const still = { 'detector.bias drift': 0, 'detector.row drift': 0 }

/** Cameras, with what `reduction` is told about them. */
const CASES = [
  {
    name: 'one amplifier, overscan, darks as long as the frames',
    camera: { 'detector.non-linearity': 0, 'detector.row drift': 0, 'dark.exposures': 60 },
  },
  {
    name: 'no overscan, darks a third as long',
    camera: { ...still, 'detector.overscan': 0, 'detector.non-linearity': 0, 'dark.exposures': 20 },
  },
  {
    name: 'four amplifiers of different gains',
    camera: {
      ...{ 'detector.amplifiers': 4, 'detector.prescan': 8, 'detector.overscan': 50, 'detector.non-linearity': 0 },
      ...{ 'detector.gain': '1.52, 1.9, 1.61, 1.3', 'detector.read noise': '4.1, 5.5, 3.9, 4.6' },
      ...{ 'detector.bias level': '1010, 985, 1043, 1002', 'detector.row drift': 0 },
    },
  },
  { name: 'the bias level drifts from row to row', camera: { 'detector.non-linearity': 0 }, byRow: true },
  { name: 'masters without noise', camera: { 'detector.non-linearity': 0, 'detector.row drift': 0 }, perfect: true },
]

/** Pixels of a science frame: those of the sky, and those in which stars add a fifth or more, by their light. */
const binOf = (expected, sky) => {
  if (expected < 1.01 * sky) return 'sky'
  if (expected < 1.2 * sky) return undefined
  return expected < 1000 ? 'stars below 1000 e' : expected < 10000 ? 'stars of 1000 to 10000 e' : 'stars above 10000 e'
}

export function pulls(shop, { size, cases = CASES.length }) {
  return CASES.slice(0, cases).flatMap((one, k) =>
    attempt(GROUP, one.name, () => {
      const night = shop.simulate(`pulls-${k}`, size, { ...light, ...starsFor(size), ...one.camera }, k)
      const overscan = { 'overscan.method': one.byRow ? 'rows' : 'median' }
      const reduced = one.perfect ? reducedPerfectly(shop, night, overscan) : reducedByOwnMasters(shop, night, overscan)
      return linesOf(one.name, pullsOf(night, reduced))
    }),
  )
}

const reducedByOwnMasters = (shop, night, overscan) =>
  shop.reduce(night, { 'calibration.folder': shop.stack(night, overscan), ...overscan })

/** With the true calibrations as masters: what is left is the noise of the frame itself. */
function reducedPerfectly(shop, night, overscan) {
  const output = `${night.folder}-reduced`
  for (const filter of new Set(night.objects.map((frame) => frame.filter))) {
    const frames = night.objects.filter((frame) => frame.filter === filter)
    shop.reduce(night, { ...perfectMasters(night, filter, `${night.folder}-perfect`), ...overscan }, output, frames)
  }
  return output
}

/** Pulls in bins: `bin` of `sky` electrons to a tally. */
export function pullsOf(night, reduced) {
  const bins = new Map()
  const levels = new Map()
  for (const frame of night.objects) {
    const S = night.light(frame).pixels
    const { filter, seconds } = frame
    const { pixels, error, mask } = readFrame(join(reduced, `${frame.name}.fits`))
    if (!levels.has(filter)) levels.set(filter, meanOf(night.flat(filter).pixels, mask))
    const sky = median(S) * seconds
    for (let p = 0; p < pixels.length; p++) {
      if (mask[p] !== 0) continue
      const bin = binOf(seconds * S[p], sky)
      if (!bin) continue
      const key = bin === 'sky' ? `sky of ${filter.slice(1)} e` : bin
      if (!bins.has(key)) bins.set(key, tally())
      bins.get(key).add((pixels[p] - seconds * S[p] * levels.get(filter)) / error[p])
    }
  }
  return bins
}

/** Fewer pixels than this do not tell a deviation to 1 % or a mean to 0.01. */
const ENOUGH = 10000

function linesOf(name, bins) {
  return [...bins]
    .filter(([, { count }]) => count >= ENOUGH)
    .flatMap(([bin, { mean, deviation, count, meanError, deviationError, beyond }]) => [
      line(GROUP, `${name}: mean, ${bin}`, mean, {
        ...{ limit: { most: 0.02 }, size: 'absolute' },
        note: `± ${meanError.toFixed(4)}, ${count} px`,
      }),
      line(GROUP, `${name}: deviation, ${bin}`, deviation, {
        ...{ limit: { least: 0.98, most: 1.02 } },
        note: `± ${deviationError.toFixed(4)}, ${((1e6 * beyond) / count).toFixed(1)} in a million beyond 5`,
      }),
    ])
}

function perfectMasters(night, filter, stem) {
  const amplifier = amplifierMap(night)
  const gains = night.amplifiers.map(({ gain }) => gain)
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  const { width, height, pixels: bias } = night.bias()
  const [dark, flat] = [night.dark().pixels, night.flat(filter).pixels]
  const level = meanOf(flat, new Uint8Array(flat.length))
  const write = (name, unit, pixels) => {
    const header = createHeader([
      ['BUNIT', unit],
      ['EXPTIME', 1],
    ])
    writeFits(`${stem}-${name}.fits`, [{ kind: 'image', bitpix: -32, axes: [width, height], pixels, header }])
    return `${stem}-${name}.fits`
  }
  const own = (p) => gains[amplifier[p]]
  return {
    'calibration.bias': write('bias', 'adu', bias),
    'calibration.dark': write(
      'dark',
      'adu/s',
      Float32Array.from(dark, (v, p) => v / own(p)),
    ),
    'calibration.flat': write(
      `flat-${filter}`,
      '',
      Float32Array.from(flat, (v, p) => ((v / level) * mean) / own(p)),
    ),
  }
}
