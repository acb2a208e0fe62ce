import t from 'tap'
import { type ExtractOptions, extractOrders } from '../src/index.js'
import { type Synthetic, synthetic } from './synthetic.js'

const options: ExtractOptions = { readVariance: 25, perElectron: 1, high: 5, near: 3, low: 6, accuracy: 0.005 }

/** (extracted − true) / true and / error over the columns of a fibre. */
function compare({ traces, pixels, error, truth }: Synthetic, fibre: number, more: Partial<ExtractOptions> = {}) {
  const { width, height } = traces
  const { orders } = extractOrders({ width, height, pixels, error }, traces, { ...options, ...more })
  const [pulls, ratios, noise]: [number[], number[], number[]] = [[], [], []]
  for (const one of orders.filter((order) => order.fibre === fibre)) {
    for (let x = 5; x < width - 5; x++) {
      const expected = truth(one.index, fibre, x)
      pulls.push((one.flux[x]! - expected) / one.uncertainty[x]!)
      ratios.push(one.flux[x]! / expected)
      noise.push(one.uncertainty[x]!)
    }
  }
  return { pulls, ratios, noise }
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const deviation = (values: readonly number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)))

t.test('without noise the fluxes are those that were put in', async (t) => {
  const frame = synthetic({ fluxes: [(x) => 5e4 + 100 * x, (x) => 2000 + 5 * x], noiseless: true })
  for (const method of ['optimal', 'box'] as const) {
    for (const fibre of [0, 1]) {
      const { ratios } = compare(frame, fibre, { method })
      // profiles are linear between blocks and samples, the truth is not
      t.ok(Math.max(...ratios.map((r) => Math.abs(r - 1))) < 4e-3, `${method}, fibre ${fibre}`)
      t.ok(Math.abs(mean(ratios) - 1) < 1e-3)
    }
  }
})

// read noise 5 e: S/N 5, 30 and 300 per column
for (const [sn, flux] of [
  [5, 75],
  [30, 1150],
  [300, 91000],
] as const) {
  t.test(`at S/N ${sn} fluxes are unbiased and errors honest, cosmic rays or not`, async (t) => {
    for (const cosmicRays of [0, 2]) {
      const all = { pulls: [] as number[], ratios: [] as number[], noise: [] as number[] }
      for (let seed = 1; seed <= 6; seed++) {
        const frame = synthetic({ fluxes: [() => flux, () => flux / 2], seed, cosmicRays })
        const one = compare(frame, 0)
        for (const key of ['pulls', 'ratios', 'noise'] as const) all[key].push(...one[key])
      }
      const inside = all.pulls.filter((pull) => Math.abs(pull) < 5)
      const n = all.ratios.length
      // two columns in ten thousand that a cosmic ray spoiled would weigh more than all the others at S/N 5
      const bias = mean(all.ratios.filter((_, k) => Math.abs(all.pulls[k]!) < 5)) - 1
      t.comment(
        `S/N ${(flux / mean(all.noise)).toFixed(1)} bias ${bias.toExponential(2)} pulls ${deviation(inside).toFixed(3)} out ${n - inside.length} of ${n}`,
      )
      t.ok(Math.abs(bias) < 4 / sn / Math.sqrt(n) + 5e-4)
      t.ok(Math.abs(deviation(inside) - 1) < 0.03)
      t.ok(n - inside.length <= (cosmicRays ? 5e-4 * n : 0))
    }
  })
}
