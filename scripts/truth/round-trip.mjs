// Without noise, raw = overscan + bias + t (dark + flat S) / gain must give S back.
import { join } from 'node:path'
import { meanOf } from './masters.mjs'
import { median } from './statistics.mjs'
import { attempt, line } from './verdict.mjs'
import { amplifierMap, readFrame } from './workshop.mjs'

const GROUP = 'Round trip without noise'
const EPSILON = 2 ** -24

const exact = {
  ...{ 'noise.noiseless': 'yes', 'files.light': 'yes', 'flat.gradient': 0, 'flat.stars': 'no', 'flat.saturated': 0 },
  ...{ 'bias.count': 3, 'dark.count': 3, 'flat.count': 3, 'events.satellites': 0, 'field.frames': 2 },
}

const CAMERAS = [
  ['one amplifier, overscan', { 'detector.row drift': 0 }],
  ['one amplifier, no overscan', { 'detector.overscan': 0, 'detector.bias drift': 0, 'detector.row drift': 0 }],
  [
    'four amplifiers, gains 1.4 to 1.9, prescan and overscan',
    {
      ...{ 'detector.amplifiers': 4, 'detector.prescan': 4, 'detector.row drift': 0 },
      ...{ 'detector.gain': '1.4, 1.9, 1.6, 1.5', 'detector.bias level': '800, 950, 1020, 890' },
    },
  ],
  ['the level of the overscan changes along the frame', { 'detector.row drift': 0.8 }],
]

/**
 * Every CAMERA through masters and reduction. The error of a pixel is counted in roundings of the float32 number that
 * carried it: half a step of the raw value, in electrons, over the flat.
 */
export function roundTrip(shop, { size }) {
  return CAMERAS.flatMap(([name, settings], k) =>
    attempt(GROUP, name, () => {
      const night = shop.simulate(`exact-${k}`, size, { ...exact, ...settings })
      const byRow = Number(settings['detector.row drift']) > 0
      const overscan = byRow ? { 'overscan.method': 'rows', 'overscan.smooth': 1 } : { 'overscan.method': 'median' }
      const masters = shop.stack(night, overscan)
      const reduction = { 'calibration.folder': masters, 'cosmic rays.method': 'none' }
      const { roundings, relative, level } = worst(night, masters, shop.reduce(night, { ...reduction, ...overscan }))
      return [
        line(GROUP, `${name}: largest error`, roundings, {
          ...{ limit: { most: 8 }, unit: 'roundings of float32', note: `relative ${relative.toExponential(1)}` },
        }),
        line(GROUP, `${name}: scale of S`, Math.abs(level - 1), { limit: { most: 4 * EPSILON } }),
      ]
    }),
  )
}

/** The largest error of all science frames; the flat is 1 in the mean of the pixels that its master takes for good. */
function worst(night, masters, reduced) {
  const [bias, dark] = [night.bias().pixels, night.dark().pixels]
  const amplifier = amplifierMap(night)
  const gain = night.amplifiers.reduce((sum, a) => sum + a.gain, 0) / night.amplifiers.length
  const out = { roundings: 0, relative: 0, level: 0 }
  for (const frame of night.objects) {
    const flat = night.flat(frame.filter).pixels
    const S = night.light(frame).pixels
    const { pixels, mask } = readFrame(join(reduced, `${frame.name}.fits`))
    const good = Array.from(flat.keys()).filter((p) => mask[p] === 0)
    const level = meanOf(flat, readFrame(join(masters, `flat_SIMCAM_${frame.filter}.fits`)).mask)
    const scale = median(good.map((p) => pixels[p] / (frame.seconds * S[p] * level)))
    if (Math.abs(scale - 1) >= Math.abs(out.level - 1) || out.level === 0) out.level = scale
    for (const p of good) {
      const truth = frame.seconds * S[p] * level * scale
      const { gain: own, level: pedestal } = night.amplifiers[amplifier[p]]
      const raw = pedestal + Math.abs(bias[p]) + (frame.seconds * (dark[p] + flat[p] * S[p])) / own
      const carried = (EPSILON * raw * gain) / ((flat[p] / level) * (gain / own))
      const error = Math.abs(pixels[p] - truth)
      out.roundings = Math.max(out.roundings, error / carried)
      out.relative = Math.max(out.relative, error / truth)
    }
  }
  return out
}
