import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { combineLinear } from '../src/combine-linear.js'
import type { Sample } from '../src/combine-rows.js'
import type { Plane, Recipe } from '../src/recipe.js'

const PIXELS = 40_000
const RECIPE = { low: 4, high: 4, tolerance: 0.6, errors: false } as Recipe

/** Root mean square of what comes out over its error; `hit`: a part of the samples has light of cosmic rays. */
function pullOf(sigmas: readonly number[], seed: number, hit = 0): number {
  const { normal, uniform } = random(seed)
  return scoped(() => {
    const samples = sigmas.map((sigma, place): Sample => {
      const pixels = allocate(Float32Array, PIXELS)
      for (let p = 0; p < PIXELS; p++) pixels[p] = 100 + sigma * normal() + (uniform() < hit ? 500 : 0)
      const noise = { variance0: sigma ** 2, variancePerUnit: 0 }
      const plane = { scale: 1, offset: 100, weight: 1 / sigma ** 2, noise, ceiling: Number.POSITIVE_INFINITY }
      return { place, plane: plane as Plane, pixels }
    })
    const [pixels, error] = [allocate(Float32Array, PIXELS), allocate(Float32Array, PIXELS)]
    const count = allocate(Int16Array, PIXELS)
    combineLinear(samples, RECIPE, { pixels, error, count, bits: count }, 0)
    return Math.sqrt(pixels.reduce((sum, value, p) => sum + (value / error[p]) ** 2, 0) / PIXELS)
  })
}

for (const [name, sigmas] of [
  ['seven alike', [1, 1, 1, 1, 1, 1, 1]],
  ['ten alike', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ['ten, one noisy', [1, 1, 1, 1, 1, 1, 1, 1, 1, 5]],
  ['ten of all kinds', [1, 1.2, 1.5, 0.8, 1, 1.1, 0.9, 2, 3, 5]],
  ['thirty', Array.from({ length: 30 }, (_, k) => 1 + 0.03 * k)],
] as const) {
  t.test(`the error of what lies on a line is that which it has: ${name}`, async (t) => {
    const pull = pullOf(sigmas, 5)
    t.ok(Math.abs(pull - 1) < 0.05, `${pull}`)
    if (sigmas.length < 10) return // of seven samples two hits may hide one another
    const struck = pullOf(sigmas, 6, 0.01)
    t.ok(Math.abs(struck - 1) < 0.07, `with a hundredth of the samples hit: ${struck}`)
  })
}

/** Root mean square of scatter over error of the peaks of stars, `light` to ten times that, which go as the inverse square of the seeing. */
function scatterOf(seeing: readonly number[], light: number): number {
  const { normal } = random(11)
  const STARS = 40
  const REALISATIONS = 400
  const n = STARS * REALISATIONS
  return scoped(() => {
    const samples = seeing.map((width, place): Sample => {
      const pixels = allocate(Float32Array, n)
      for (let p = 0; p < n; p++) {
        const level = (light * 10 ** ((p % STARS) / STARS)) / width ** 2
        pixels[p] = level + Math.sqrt(100 + level) * normal()
      }
      const noise = { variance0: 100, variancePerUnit: 1 }
      const plane = { scale: 1, offset: 0, weight: 1, noise, ceiling: Number.POSITIVE_INFINITY }
      return { place, plane: plane as Plane, pixels }
    })
    const [pixels, error] = [allocate(Float32Array, n), allocate(Float32Array, n)]
    const count = allocate(Int16Array, n)
    combineLinear(samples, RECIPE, { pixels, error, count, bits: count }, 0)
    let scatter = 0
    for (let star = 0; star < STARS; star++) {
      const mean = average(REALISATIONS, (k) => pixels[star + STARS * k])
      const variance = average(REALISATIONS, (k) => error[star + STARS * k] ** 2)
      scatter += average(REALISATIONS, (k) => (pixels[star + STARS * k] - mean) ** 2) / variance
    }
    return Math.sqrt(scatter / STARS)
  })
}

const average = (n: number, value: (k: number) => number) =>
  Array.from({ length: n }, (_, k) => value(k)).reduce((sum, one) => sum + one, 0) / n

// one error for results of two kinds, with a frame and without it, is right to a quarter; it was seven times too small
for (const [name, seeing] of [
  ['alike', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ['of all kinds', [0.8, 0.85, 0.9, 0.94, 0.98, 1.02, 1.06, 1.12, 1.2, 1.3]],
  ['one bad', [0.93, 0.95, 0.97, 0.98, 1, 1, 1.02, 1.04, 1.06, 1.5]],
  ['two bad of fifteen', [0.9, 0.92, 0.94, 0.96, 0.97, 0.98, 1, 1, 1.02, 1.03, 1.05, 1.08, 1.1, 1.35, 1.6]],
] as const) {
  for (const light of [10, 100, 1000, 10_000]) {
    t.test(`in stars of ${light} and more, seeing ${name}, errors are about right`, async (t) => {
      const scatter = scatterOf(seeing, light)
      t.ok(scatter > 0.75 && scatter < 1.25, `${scatter}`)
    })
  }
}
