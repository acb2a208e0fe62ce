import t from 'tap'
import { markBadWavelengths, type OrderSpectrum, parseBadWavelengths, SpectrumBit } from '../src/index.js'

const order = (index: number): OrderSpectrum => ({
  ...{ index, order: 52 + index, fibre: 0 },
  ...{ flux: new Float64Array(100), uncertainty: new Float64Array(100), mask: new Int32Array(100) },
})
/** Orders of 10 nm, each beginning 8 nm above the one before. */
const wavelength = (index: number) => Float64Array.from({ length: 100 }, (_, x) => 700 + 8 * index + 0.1 * x)
const marked = ({ mask }: OrderSpectrum, bit: number) => [...mask.keys()].filter((x) => mask[x]! & bit)

t.test('bloomed lines mask columns of some orders, telluric stretches wavelengths in all', async (t) => {
  const bad = parseBadWavelengths('bad wavelengths\ntype lam halfwidth halfheight\nx 717.0 2 1\nw 709.5 0.35 0\n')
  t.same(bad[0], { kind: 'bloomed', centre: 717, halfWidth: 2, orders: 1 })
  const orders = [0, 1, 2, 3, 4].map(order)
  markBadWavelengths({ width: 100, orders }, bad, wavelength)
  // 717 nm is column 90 of order 1, and column 10 of order 2
  const both = [8, 9, 10, 11, 12, 88, 89, 90, 91, 92]
  t.same(marked(orders[1]!, SpectrumBit.saturated), both)
  t.same(marked(orders[2]!, SpectrumBit.saturated), both)
  t.same(marked(orders[0]!, SpectrumBit.saturated), [88, 89, 90, 91, 92], 'one order further')
  t.same(marked(orders[4]!, SpectrumBit.saturated), [])
  t.same(marked(orders[0]!, SpectrumBit.telluric), [92, 93, 94, 95, 96, 97, 98])
  t.same(marked(orders[1]!, SpectrumBit.telluric), [12, 13, 14, 15, 16, 17, 18])
})

t.test('a line that is none is refused with its number', async (t) => {
  t.throws(() => parseBadWavelengths('a\nb\nx 700 2 1\nq 700 1 1\n'), { message: /^line 4 is not/ })
})
