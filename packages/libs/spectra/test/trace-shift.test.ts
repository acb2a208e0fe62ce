import t from 'tap'
import { measureShift } from '../src/index.js'
import { synthetic } from './synthetic.js'

const options = { fibres: [0], readVariance: 25, perElectron: 1, reach: 4 }

t.test(
  'a frame that lies above or below its traces is measured, cosmic rays and a lamp beside it or not',
  async (t) => {
    for (const moved of [0, 0.03, -0.4, 1.18, -2.7, 3.4]) {
      const lines = (x: number) => (x % 40 < 3 ? 20000 : 0)
      const { traces, pixels } = synthetic({ fluxes: [() => 3000, lines], moved, cosmicRays: 1, seed: 3 })
      const { width, height } = traces
      const { shift, error, agreed, asked } = measureShift({ width, height, pixels }, traces, options)
      t.ok(Math.abs(shift - moved) < Math.max(5 * error, 0.004), `${moved}: ${shift.toFixed(4)} ± ${error.toFixed(4)}`)
      t.ok(agreed > 0.6 * asked)
    }
  },
)

t.test('without light there is no shift', async (t) => {
  const { traces, pixels } = synthetic({ fluxes: [() => 0, () => 0], seed: 3 })
  const { width, height } = traces
  t.equal(measureShift({ width, height, pixels }, traces, options).shift, 0)
})
