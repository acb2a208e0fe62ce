import t from 'tap'
import { keyOf, philox, randomOf, smoothOf } from '../src/random.js'
import { statistics } from './small.js'

const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, '0')).join(' ')

t.test('Philox gives the numbers that its authors publish', async (t) => {
  t.equal(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8')
  const ones = 0xffffffff
  t.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd')
  const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const
  t.equal(hex(philox([...pi], [0xa4093822, 0x299f31d0])), 'd16cfe09 94fdcceb 5001e420 24126ea1')
})

t.test('every name has a stream of its own, the same each time', async (t) => {
  const three = (seed: number, ...names: string[]) => {
    const random = randomOf(seed, ...names)
    return [random.uniform(), random.uniform(), random.normal()]
  }
  t.same(three(1, 'a', 'b'), three(1, 'a', 'b'))
  t.notSame(three(1, 'a', 'b'), three(2, 'a', 'b'))
  t.notSame(three(1, 'a', 'b'), three(1, 'ab'))
  t.notSame(keyOf(1, 'a', 'b'), keyOf(1, 'b', 'a'))
})

t.test('the distributions have their mean and variance', async (t) => {
  const n = 50000
  const of = (draw: () => number) => statistics(Array.from({ length: n }, draw))
  const random = randomOf(7, 'moments')
  for (const [name, found, mean, variance] of [
    ['uniform', of(random.uniform), 0.5, 1 / 12],
    ['normal', of(random.normal), 0, 1],
    ['exponential', of(random.exponential), 1, 1],
    ['poisson 3', of(() => random.poisson(3)), 3, 3],
    ['poisson 2000', of(() => random.poisson(2000)), 2000, 2000],
    ['below 6', of(() => random.below(6)), 2.5, 35 / 12],
  ] as const) {
    t.ok(Math.abs(found.mean - mean) < 5 * Math.sqrt(variance / n), `${name}: mean ${found.mean}`)
    t.ok(Math.abs(found.variance / variance - 1) < 0.06, `${name}: variance ${found.variance}`) // 5 sigma of the widest
  }
})

t.test('a smooth function is the same wherever it was asked before, and has no steps', async (t) => {
  const [a, b] = [smoothOf(3, 'seeing'), smoothOf(3, 'seeing')]
  const forth = [0, 0.3, 1.7, 9.99].map(a)
  const back = [9.99, 1.7, 0.3, 0].map(b).reverse()
  t.same(forth, back)
  let step = 0
  for (let time = 0; time < 50; time += 0.01) step = Math.max(step, Math.abs(a(time + 0.01) - a(time)))
  t.ok(step < 0.15, `largest step ${step}`)
  const { mean, variance } = statistics(Array.from({ length: 4000 }, (_, k) => a(k * 0.731)))
  t.ok(Math.abs(mean) < 0.1 && variance > 0.5 && variance < 1.2, `mean ${mean}, variance ${variance}`)
})
