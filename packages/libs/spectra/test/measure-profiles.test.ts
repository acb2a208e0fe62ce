import t from 'tap'
import { extractOrders, litTraces, measureProfiles, profileTable } from '../src/index.js'
import { pixelShare, synthetic } from './synthetic.js'

const noise = { readVariance: 25, perElectron: 1, high: 5, near: 3, low: 6, accuracy: 0.005 }

t.test('profiles are measured in the frame itself, of stars and of lamps with few lines', async (t) => {
  const lines = (x: number) => (x % 25 < 5 ? 30000 : 0)
  const { traces, pixels, error } = synthetic({ fluxes: [() => 8000, lines], seed: 5, cosmicRays: 0.5, orders: 3 })
  const { width, height } = traces
  const table = measureProfiles({ width, height, pixels, error }, traces, litTraces(traces, [0, 1]), noise)
  for (const fibre of [0, 1]) {
    const own = (1 * table.traces + 1 * traces.fibres + fibre) * table.samples
    const middle = (table.samples - 1) / 2
    const sigma = 1.4 * (1 + 0.2 * (1.5 / 4 - 0.5))
    let worst = 0
    for (let k = -3 * table.perRow; k <= 3 * table.perRow; k++) {
      const share = table.values[own + middle + k]!
      worst = Math.max(worst, Math.abs(share - pixelShare(k / table.perRow, sigma)))
    }
    t.ok(worst < 0.012, `fibre ${fibre}: ${worst.toFixed(4)} of a peak of 0.27`)
  }
})

t.test('traces without profiles, or with even ones, are extracted all the same', async (t) => {
  const { traces, pixels, error, truth } = synthetic({ fluxes: [() => 8000, () => 5000], seed: 6 })
  const { width, height } = traces
  const even = { ...traces, fine: undefined, profiles: traces.profiles.fill(1 / traces.rows) }
  t.equal(profileTable(even), undefined)
  const { orders } = extractOrders({ width, height, pixels, error }, even, noise)
  for (const one of orders) {
    const pulls = [...one.flux.keys()]
      .slice(10, -10)
      .map((x) => (one.flux[x]! - truth(one.index, one.fibre, x)) / one.uncertainty[x]!)
    const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length)
    t.ok(rms < 1.25, `order ${one.index} of fibre ${one.fibre}: ${rms.toFixed(3)}`)
  }
})
