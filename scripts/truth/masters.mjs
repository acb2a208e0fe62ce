// Masters against the calibrations that were put in: their noise against the photon limit of their frames, what cosmic
// rays leave in them, their errors, and the gain and read noise measured on them.
import { join } from 'node:path'
import { tally } from './statistics.mjs'
import { attempt, line } from './verdict.mjs'
import { amplifierMap, numberOf, readFrame } from './workshop.mjs'

const GROUP = 'Masters: noise over the photon limit of their frames, outliers, pull = (value - truth) / ERR'
const NOISE = 'Gain and read noise against those of the simulated camera'

const night = {
  ...{ 'filters.names': 'r', 'flat.gradient': 0, 'flat.saturated': 1, 'detector.non-linearity': 0 },
  ...{ 'dark.exposures': 180, 'flat.stars': 'no', 'field.frames': 0, 'cosmic rays.rate': 8 },
}

const CASES = [
  ['10 frames', { 'bias.count': 10, 'dark.count': 10, 'flat.count': 10 }],
  ['5 frames', { 'bias.count': 5, 'dark.count': 5, 'flat.count': 5 }],
  [
    '10 frames, four amplifiers',
    {
      ...{ 'bias.count': 10, 'dark.count': 10, 'flat.count': 10, 'detector.amplifiers': 4, 'detector.overscan': 50 },
      ...{ 'detector.gain': '1.52, 1.9, 1.61, 1.3', 'detector.read noise': '4.1, 5.5, 3.9, 4.6' },
    },
  ],
]

export function masters(shop, { size, cases = CASES.length }) {
  return CASES.slice(0, cases).flatMap(([name, settings], k) =>
    attempt(GROUP, name, () => {
      const made = shop.simulate(`masters-${k}`, size, { ...night, ...settings }, k)
      const folder = shop.stack(made)
      const master = (type) => readFrame(join(folder, `${type}_SIMCAM${type === 'flat' ? '_r' : ''}.fits`))
      const all = { bias: master('bias'), dark: master('dark'), flat: master('flat') }
      const model = modelOf(made)
      return [
        ...Object.keys(all).flatMap((type) => compare(name, type, all[type], model[type](all[type]))),
        ...noiseLines(name, made, all),
      ]
    }),
  )
}

/** For each kind of master the true value of a pixel and the noise of the best combination of its frames. */
function modelOf(made) {
  const amplifier = amplifierMap(made)
  const [bias, dark, flat] = [made.bias().pixels, made.dark().pixels, made.flat('r').pixels]
  const of = (type) => made.frames.filter((frame) => frame.type === type)
  const gains = made.amplifiers.map(({ gain }) => gain)
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  // rounding to whole ADU is noise too
  const readVariance = made.amplifiers.map(({ gain, readNoise }) => readNoise ** 2 + gain ** 2 / 12)
  const biasVariance = readVariance.map((variance) => variance / of('bias').length)
  const [{ seconds }] = of('dark')
  // saturated ones do not count
  const levels = of('flat').flatMap(({ background }) => (background < 60000 ? [background] : []))
  return {
    bias: () => (p) => {
      const k = amplifier[p]
      return { truth: bias[p], noise: Math.sqrt(biasVariance[k]) / gains[k] }
    },
    dark: () => (p) => {
      const k = amplifier[p]
      const variance = (readVariance[k] + dark[p] * seconds) / of('dark').length + biasVariance[k]
      return { truth: dark[p] / gains[k], noise: Math.sqrt(variance) / gains[k] / seconds }
    },
    flat: ({ mask }) => {
      const level = meanOf(flat, mask)
      return (p) => {
        const k = amplifier[p]
        const light = levels.reduce((sum, e) => sum + (flat[p] * e) ** 2 / (flat[p] * e + readVariance[k]), 0)
        const truth = ((flat[p] / level) * mean) / gains[k]
        return { truth, noise: truth / Math.sqrt(light) }
      }
    },
  }
}

/** The mean of the pixels that a master takes for good: a master flat is 1 there. */
export function meanOf(pixels, mask) {
  let [sum, n] = [0, 0]
  for (let p = 0; p < pixels.length; p++) {
    if (mask[p] !== 0) continue
    sum += pixels[p]
    n++
  }
  return sum / n
}

function compare(name, type, { pixels, error, mask }, at) {
  const [noise, pull] = [tally(6), tally(6)]
  for (let p = 0; p < pixels.length; p++) {
    if (mask[p] !== 0) continue
    const { truth, noise: ideal } = at(p)
    noise.add((pixels[p] - truth) / ideal)
    pull.add((pixels[p] - truth) / error[p])
  }
  const what = `${type}, ${name}`
  return [
    line(GROUP, `${what}: noise / limit`, noise.deviation, { limit: { most: 1.05 }, target: { most: 1.03 } }),
    line(GROUP, `${what}: pixels beyond 6 times it`, noise.beyond, {
      ...{ limit: { most: Math.max(3, 1e-5 * noise.count) }, target: { most: 3 }, note: `of ${noise.count}` },
    }),
    line(GROUP, `${what}: mean pull`, pull.mean, {
      ...{ limit: { most: 0.02 }, size: 'absolute', note: `± ${pull.meanError.toFixed(4)}` },
    }),
    line(GROUP, `${what}: deviation of the pull`, pull.deviation, { limit: { least: 0.98, most: 1.02 } }),
  ]
}

/** What the headers of the masters say, against the truth; a read noise that is measured has the rounding in it. */
function noiseLines(name, made, { bias, flat }) {
  const several = made.amplifiers.length > 1
  return made.amplifiers.flatMap(({ gain, readNoise }, k) => {
    const suffix = several ? String(k + 1) : ''
    const of = several ? `, amplifier ${k + 1}` : ''
    const found = numberOf(flat.header, `GAIN${suffix}`) ?? Number.NaN
    const noise = numberOf(bias.header, `RDNADU${suffix}`) ?? Number.NaN
    const off = (value, truth) => 100 * (value / truth - 1)
    const adu = Math.hypot(readNoise / gain, 1 / Math.sqrt(12))
    return [
      line(NOISE, `gain, ${name}${of}: error`, off(found, gain), {
        ...{ limit: { most: 2 }, target: { most: 1 }, unit: '%', size: 'absolute', note: `${found.toFixed(4)} e/ADU` },
      }),
      line(NOISE, `read noise, ${name}${of}: error`, off(noise, adu), {
        ...{ limit: { most: 2 }, target: { most: 1 }, unit: '%', size: 'absolute', note: `${noise.toFixed(4)} ADU` },
      }),
    ]
  })
}
