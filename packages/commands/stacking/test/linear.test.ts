import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { combineLinear } from '../src/combine-linear.js'
import type { Sample } from '../src/combine-rows.js'
import type { Plane, Recipe } from '../src/recipe.js'

const PIXELS = 40_000
const RECIPE = { low: 4, high: 4, errors: false } as Recipe

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
