import t from 'tap'
import { extractLocally, extractOrders } from '../src/index.js'
import { synthetic } from './synthetic.js'

const noise = { readVariance: 25, perElectron: 1, high: 5, near: 3, low: 6, accuracy: 0.005 }

/** A faint star with the light of something else over the frame, more of it to the right and to the top. */
function hazy(haze: number) {
  const made = synthetic({
    width: 1024,
    fluxes: [() => 60, () => 400],
    seed: 11,
    separation: 26,
    spacing: 60,
    height: 190,
  })
  const { width, height } = made.traces
  const pixels = made.pixels.map(
    (value, p) => value + haze * (0.5 + (p % width) / width + (0.5 * Math.floor(p / width)) / height),
  )
  return { ...made, frame: { width, height, pixels, error: made.error } }
}

function judge({ orders }: ReturnType<typeof extractOrders>, truth: ReturnType<typeof hazy>['truth']) {
  const off: number[] = []
  for (const { index, fibre, flux, uncertainty, mask } of orders) {
    if (fibre > 0) continue
    for (let x = 5; x < flux.length - 5; x++) {
      if (mask[x] === 0) off.push((flux[x]! - truth(index, fibre, x)) / uncertainty[x]!)
    }
  }
  const mean = off.reduce((sum, v) => sum + v, 0) / off.length
  return { mean, scatter: Math.sqrt(off.reduce((sum, v) => sum + v * v, 0) / off.length), n: off.length }
}

t.test('light that is left between the fibres is taken off, and its noise is in the errors', (t) => {
  const { frame, traces, truth } = hazy(3)
  const plain = judge(extractOrders(frame, traces, noise), truth)
  const local = judge(extractLocally(extractOrders, frame, traces, noise), truth)
  t.ok(plain.mean > 0.5, `without, fluxes are ${plain.mean} sigma too high`)
  // 3000 columns; blocks of 128 have a background in common: 24 of them, each of 0.1 sigma
  t.ok(Math.abs(local.mean) < 0.08, `with it ${local.mean}`)
  t.ok(Math.abs(local.scatter - 1) < 0.05, `scatter over error ${local.scatter}`)
  t.end()
})

t.test('where there is no such light the spectra stay the same within the noise of its measurement', (t) => {
  const { frame, traces, truth } = hazy(0)
  const [plain, local] = [extractOrders(frame, traces, noise), extractLocally(extractOrders, frame, traces, noise)]
  t.ok(Math.abs(judge(local, truth).mean - judge(plain, truth).mean) < 0.08)
  plain.orders.forEach(({ uncertainty }, k) => {
    const more = local.orders[k]!.uncertainty[500]! / uncertainty[500]!
    t.ok(more > 1 && more < 1.05, `errors grow by ${more}`)
  })
  t.end()
})
