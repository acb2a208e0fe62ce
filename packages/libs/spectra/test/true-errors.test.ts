import { random } from '@nightpipe/math'
import t from 'tap'
import { groupsOf, qualityOf, trueErrors, trueSigma, weightOf } from '../src/true-errors.js'
import type { FittedLine } from '../src/wavelength-fit.js'

const COUNT = 200
const CLIP = 4

/** Lines whose errors say 1, of which most lie within half of that and some anywhere. */
function residuals(seed: number): number[] {
  const draw = random(seed)
  return Array.from({ length: COUNT }, () => draw.normal() * (draw.uniform() < 0.85 ? 0.5 : 2.5))
}
const lines = Array.from({ length: COUNT }, (_, k) => {
  return { sigma: 1, dispersion: 1, flux: 1000 + k, fluxError: 10 } as FittedLine
})

/** The mean by their weights, its error by theirs, and the mean that a clip leaves. */
function means(from: readonly number[]) {
  const groups = groupsOf(lines)
  let [mean, told] = [0, 0]
  for (let round = 0; round < 12; round++) {
    const off = from.map((value) => value - mean)
    const errors = trueErrors(lines, off, groups)
    const sigma = lines.map((line, k) => trueSigma(line, errors[groups.of[k]!]!))
    const pulls = off.map((value, k) => value / sigma[k]!)
    const weights = pulls.map((pull, k) => (Math.abs(pull) < CLIP ? weightOf(pull) / sigma[k]! ** 2 : 0))
    const all = weights.reduce((a, b) => a + b, 0)
    mean = weights.reduce((sum, weight, k) => sum + weight * from[k]!, 0) / all
    const { excess } = qualityOf(
      pulls.filter((pull) => Math.abs(pull) < CLIP),
      1,
    )
    told = Math.sqrt(Math.max(1, excess) / all)
  }
  const kept = from.filter((value) => Math.abs(value) < CLIP)
  return { mean, told, clipped: kept.reduce((a, b) => a + b, 0) / kept.length }
}

t.test('a mean of lines of which some lie aside is better than that of a clip, and knows its error', async (t) => {
  const drawn = Array.from({ length: 400 }, (_, seed) => means(residuals(seed + 1)))
  const rms = (of: (one: (typeof drawn)[number]) => number) =>
    Math.sqrt(drawn.reduce((sum, one) => sum + of(one) ** 2, 0) / drawn.length)
  const [weighed, clipped, told] = [rms(({ mean }) => mean), rms((one) => one.clipped), rms((one) => one.told)]
  // a mean of the 170 good lines alone would scatter by 0.038
  t.ok(weighed < 0.05 && weighed < 0.75 * clipped, `${weighed}, clipped ${clipped}`)
  // 400 draws tell a scatter to 3.5 %
  t.ok(Math.abs(told / weighed - 1) < 0.12, `told ${told}, is ${weighed}`)
})

t.test('errors that are too small get a floor, in each class of brightness its own', async (t) => {
  const draw = random(3)
  const many = Array.from({ length: 4000 }, (_, k) => ({ ...lines[0]!, flux: k + 1 }))
  const off = many.map((_, k) => draw.normal() * (k < 2000 ? 1.3 : 0.6))
  const errors = trueErrors(many, off, groupsOf(many))
  // the median of a thousand tells a scatter to 3.7 %; what has to be added to 1 to make 1.3 then to 9 %
  for (const k of [0, 1]) t.ok(errors[k]!.scale === 1 && Math.abs(errors[k]!.floor / Math.sqrt(0.69) - 1) < 0.2)
  for (const k of [2, 3]) t.ok(errors[k]!.floor === 0 && Math.abs(errors[k]!.scale / 0.6 - 1) < 0.08)
})
