import { normalBelow, random } from '@nightpipe/math'
import t from 'tap'
import { findLines, type LineList, type OrderSpectrum, solveArc } from '../src/index.js'
import { IMAGE_TERMS, imageAt, imageValue } from '../src/line-image.js'
import { measureLineImage } from '../src/measure-line-image.js'
import { refineLines } from '../src/refine-lines.js'
import { MADE, madeArc, madeLamp } from './made-arc.js'

/** Light below x of a line whose image is two Gaussians, one with a fifth of the light 1 px aside: its centre of gravity is 0. */
const below = (x: number) => 0.8 * normalBelow((x + 0.2) / 1.5) + 0.2 * normalBelow((x - 0.8) / 2.4)
const NO_NEIGHBOURS = { of: () => [], isNamed: () => true }

/** An order with such lines: [place, light]. */
function order(index: number, lines: readonly (readonly [number, number])[], width = 1024): OrderSpectrum {
  const draw = random(3, index)
  const flux = new Float64Array(width).fill(30)
  for (const [x, light] of lines) {
    for (let at = Math.max(0, Math.floor(x - 20)); at < Math.min(width, x + 20); at++)
      flux[at] += light * (below(at + 0.5 - x) - below(at - 0.5 - x))
  }
  const uncertainty = flux.map((value) => Math.sqrt(value + 20))
  const noisy = flux.map((value, x) => value + uncertainty[x] * draw.normal())
  return { index, order: 0, fibre: 0, flux: noisy, uncertainty, mask: new Int32Array(width) }
}

const places = Array.from({ length: 10 }, (_, index) =>
  Array.from({ length: 20 }, (_, k) => [30 + 49.3 * k + ((index * 0.37) % 1), 3000 * 2 ** (k % 6)] as const),
)

t.test('an image that is not symmetric is measured, and gives lines their centres of gravity', async (t) => {
  const orders = places.map((lines, index) => order(index, lines))
  const { lines, fwhm, light } = findLines(orders)
  const seen = new Map(orders.map(({ index }, k) => [index, light[k]!]))
  const image = measureLineImage(lines, seen, fwhm, NO_NEIGHBOURS)!
  const shape = new Float64Array(IMAGE_TERMS)
  const offset = imageAt(image, 4, 500, shape)
  const value = new Float64Array(2)
  for (let from = -6; from <= 6; from += 0.5) {
    // the image is drawn beside the Gaussian that was fitted: its centre of gravity lies `offset` beyond
    imageValue(image.sigma, shape, from + offset, value)
    const truth = below(from + 0.5) - below(from - 0.5)
    t.ok(Math.abs(value[0]! - truth) < 0.003, `${from} px: ${value[0]} for ${truth}`)
  }
  const refined = refineLines(lines, seen, image, fwhm, NO_NEIGHBOURS)
  const bias = (some: typeof lines) => {
    const misses = some.flatMap((line) => {
      const [x, flux] = places[line.index]!.find(([x]) => Math.abs(x - line.x) < 2)!
      return flux > 2e4 ? [line.x - x] : []
    })
    return misses.reduce((sum, miss) => sum + miss, 0) / misses.length
  }
  // an image of ten terms is not quite one of two Gaussians
  t.ok(Math.abs(bias(refined)) < 0.2 * Math.abs(bias(lines)), `off by ${bias(refined)} px`)
  t.ok(Math.abs(bias(refined)) < 4 * image.centreError, 'as its error says')
  t.ok(Math.abs(bias(lines)) > 0.03, `Gaussians are off by ${bias(lines)}`)
  const pulls = refined.map((line) => {
    const [x] = places[line.index]!.find(([x]) => Math.abs(x - line.x) < 2)!
    return (line.x - x - bias(refined)) / line.error
  })
  const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length)
  // errors are scaled by χ² where that is above 1 by chance too: they are a little too large
  t.ok(rms > 0.8 && rms < 1.1, `pulls scatter by ${rms}`)
})

t.test('faint light beside lines makes no image lean, and the error of its centre says how far it might', async (t) => {
  const width = 1024
  const sigma = 1.5
  const gauss = (x: number) => normalBelow((x + 0.5) / sigma) - normalBelow((x - 0.5) / sigma)
  const centres = Array.from({ length: 12 }, (_, seed) => {
    const draw = random(17, seed)
    const orders = Array.from({ length: 8 }, (_, index): OrderSpectrum => {
      const flux = new Float64Array(width).fill(30)
      const add = (x: number, light: number) => {
        for (let at = Math.max(0, Math.floor(x - 9)); at < Math.min(width, x + 9); at++)
          flux[at] += light * gauss(at - x)
      }
      for (let k = 0; k < 18; k++) {
        const x = 40 + 54 * k + draw.uniform()
        const light = 2e4 * 2 ** (k % 4)
        add(x, light)
        // a faint line of a fiftieth of its light, on either side, nearer than can be told apart
        add(x + (2 + 3 * draw.uniform()) * (draw.uniform() < 0.5 ? -1 : 1), 0.02 * light)
      }
      const uncertainty = flux.map((value) => Math.sqrt(value + 20))
      const noisy = flux.map((value, x) => value + uncertainty[x]! * draw.normal())
      return { index, order: 0, fibre: 0, flux: noisy, uncertainty, mask: new Int32Array(width) }
    })
    const { lines, fwhm, light } = findLines(orders)
    const seen = new Map(orders.map(({ index }, k) => [index, light[k]!]))
    const image = measureLineImage(lines, seen, fwhm, NO_NEIGHBOURS)!
    return { off: imageAt(image, 4, 500, new Float64Array(IMAGE_TERMS)), error: image.centreError }
  })
  const rms = (of: (one: (typeof centres)[0]) => number) =>
    Math.sqrt(centres.reduce((sum, one) => sum + of(one) ** 2, 0) / centres.length)
  const [off, error] = [rms((one) => one.off), rms((one) => one.error)]
  t.ok(off < 0.003, `a leaning of ${off} px`)
  // twelve arcs know a scatter to 20 %; where the leaning is taken off its error stays
  t.ok(error > 0.6 * off && error < 0.004, `errors of ${error} px`)
})

t.test('a neighbour that nobody sees moves a line, unless the list knows it', async (t) => {
  const misses = (known: boolean) => {
    const together = places.map((lines, index) =>
      order(
        index,
        lines.flatMap(([x, light], k) =>
          k % 4 === 1 ? [[x, light] as const, [x + 2.4, 0.2 * light] as const] : [[x, light] as const],
        ),
      ),
    )
    const { lines, fwhm, light } = findLines(together)
    const seen = new Map(together.map(({ index }, k) => [index, light[k]!]))
    const beside = (k: number) => {
      const at = places[lines[k]!.index]!.findIndex(([x]) => Math.abs(x - lines[k]!.x) < 2)
      // the list is wrong about its light by a third
      return at % 4 === 1 ? [{ apart: 2.4, ratio: 0.13 }] : []
    }
    const neighbours = known ? { ...NO_NEIGHBOURS, of: beside, scatter: 0.5 } : NO_NEIGHBOURS
    const image = measureLineImage(lines, seen, fwhm, neighbours)!
    return refineLines(lines, seen, image, fwhm, neighbours).flatMap((line) => {
      const at = places[line.index]!.findIndex(([x]) => Math.abs(x - line.x) < 2)
      return at % 4 === 1 ? [{ miss: line.x - places[line.index]![at]![0], error: line.error }] : []
    })
  }
  const mean = (some: { miss: number }[]) => some.reduce((sum, { miss }) => sum + miss, 0) / some.length
  t.ok(mean(misses(false)) > 0.2, `${mean(misses(false))} px`)
  const known = misses(true)
  t.ok(Math.abs(mean(known)) < 0.03, `${mean(known)} px`)
  const pull = Math.sqrt(known.reduce((sum, { miss, error }) => sum + (miss / error) ** 2, 0) / known.length)
  t.ok(pull > 0.5 && pull < 1.5, `and what it leaves unknown is in the error: pulls of ${pull}`)
})

t.test('with a list of all lines of the lamp, those of a crowded arc lie nearer to the wavelengths', async (t) => {
  const lamp = madeLamp(1, 3000)
  const bright = [...lamp.wavelength.keys()].filter((k) => lamp.light[k]! > 700)
  const list: LineList = {
    wavelength: Float64Array.from(bright, (k) => lamp.wavelength[k]!),
    intensity: Float64Array.from(bright, (k) => lamp.light[k]!),
    error: new Float64Array(bright.length),
  }
  const arc = madeArc(MADE, lamp, { seed: 12 })
  const rough = { firstOrder: 80, orderStep: 1, orderConstant: 466000, pixelVelocity: 3.31 }
  const limits = { degreeX: 6, degreeOrder: 4, clip: 4 }
  const solved = (all?: LineList['all']) => solveArc(arc, [0], { list: { ...list, all }, rough, limits })[0]!.solution!
  const [without, withAll] = [solved(), solved({ wavelength: lamp.wavelength, intensity: lamp.light })]
  t.ok(
    withAll.rmsVelocity < 0.7 * without.rmsVelocity && withAll.used > without.used,
    `${withAll.rmsVelocity} and ${without.rmsVelocity} m/s`,
  )
})
