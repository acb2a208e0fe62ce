import { random } from '@nightpipe/math'
import t from 'tap'
import { type Affine, chooseModel, fitModel, MODELS, type Model, mapOf, transform } from '../src/index.js'

const SIZE = 1024
type Dice = ReturnType<typeof random>

const turned = (scale: number, angle: number): Affine => {
  const [c, s] = [scale * Math.cos(angle), scale * Math.sin(angle)]
  return [c, -s, 7.3, s, c, -4.2]
}
const TRUTHS: Readonly<Record<string, [model: Model, map: (dice: Dice) => Affine]>> = {
  shifted: ['shift', () => turned(1, 0)],
  turned: ['rigid', ({ normal }) => turned(1, 2e-3 * normal())],
  'a thousandth larger': ['similarity', ({ normal }) => turned(1.001, 2e-3 * normal())],
  sheared: ['affine', ({ uniform }) => [1.0006, 4e-4, 3, 4e-4 * uniform(), 0.9995, 2]],
}

/** Mean square distance from the true map over the frame: of the model that was chosen, and of the true one with the true weights. */
function squaresOf(count: number, [model, map]: [Model, (dice: Dice) => Affine], seed: number) {
  const dice = random(seed)
  const truth = map(dice)
  const places = () => ({ x: new Float64Array(count), y: new Float64Array(count) })
  const pairs = { from: places(), to: places() }
  const weights = Array.from({ length: count }, (_, k) => {
    // a bright star is placed 16 times as well as a faint one
    const error = 0.005 * 10 ** (1.2 * dice.uniform())
    const at = [SIZE * dice.uniform(), SIZE * dice.uniform()] as const
    const [u, v] = transform(truth, ...at)
    const noisy = (value: number) => value + error * dice.normal()
    ;[pairs.from.x[k], pairs.from.y[k]] = [noisy(at[0]), noisy(at[1])]
    ;[pairs.to.x[k], pairs.to.y[k]] = [noisy(u), noisy(v)]
    return 1 / (2 * error ** 2)
  })
  const off = (fit: { map: Parameters<typeof mapOf>[0] }) => {
    let sum = 0
    for (let p = 0; p < 25; p++) {
      const at = [(SIZE * (p % 5)) / 4, (SIZE * Math.floor(p / 5)) / 4] as const
      const [[u, v], [x, y]] = [mapOf(fit.map)(...at), transform(truth, ...at)]
      sum += ((u - x) ** 2 + (v - y) ** 2) / 25
    }
    return sum
  }
  const chosen = chooseModel(pairs, weights, MODELS)!
  return { chosen: off(chosen), floor: off(fitModel(pairs, weights, model)!), model: chosen.model }
}

// chance stretches a field now and then; a plain Bayesian information costs three times the squares with eight stars
const COST = 1.8
for (const count of [8, 12, 20, 50]) {
  for (const [name, truth] of Object.entries(TRUTHS)) {
    t.test(`${count} stars, ${name}: placed nearly as well as if one knew how frames differ`, async (t) => {
      const all = Array.from({ length: 200 }, (_, k) => squaresOf(count, truth, 1000 * count + k))
      const sum = (of: 'chosen' | 'floor') => all.reduce((total, one) => total + one[of], 0)
      t.ok(sum('chosen') < COST * sum('floor'), `${sum('chosen') / sum('floor')} times the floor`)
      const right = all.filter(({ model }) => model === truth[0]).length
      t.ok(right > (truth[0] === 'affine' && count < 12 ? 100 : 170), `${right} of 200 are what they are`)
    })
  }
}
