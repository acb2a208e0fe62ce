import { random } from '@nightpipe/math'
import t from 'tap'
import {
  extractOrders,
  extractUpright,
  measureProfiles,
  measureTilt,
  profileRows,
  profileTable,
  traceY,
} from '../src/index.js'
import { synthetic } from './synthetic.js'

const noise = { readVariance: 25, perElectron: 1, high: 5, near: 3, low: 6, accuracy: 0.005, tilt: 0.08 }
const [SLOPE, CURVE] = [0.11, -0.004]

/** A lamp: lines of 3 columns between their half maxima on a faint continuum; of a column, its mean. */
function lamp(order: number) {
  const place = random(40 + order)
  const lines = Array.from({ length: 45 }, () => ({ x: 300 * place.uniform(), peak: 20000 * place.uniform() ** 3 }))
  return (x: number) => lines.reduce((sum, line) => sum + line.peak * Math.exp(-0.5 * ((x - line.x) / 1.3) ** 2), 200)
}

/** Three orders whose lines lean; `slope` columns per row. */
function leaning(slope: number, curve: number) {
  const { traces } = synthetic({ fluxes: [() => 0], seed: 5 })
  const { width, height } = traces
  const pixels = new Float32Array(width * height)
  const lamps = [0, 1, 2].map(lamp)
  const share = new Float64Array(17)
  lamps.forEach((light, order) => {
    for (let x = 0; x < width; x++) {
      const y = traceY(traces, order, 0, x)
      const first = Math.round(y) - 8
      profileRows(traces, order, 0, x, y, first, share)
      for (let r = 0; r < 17; r++) {
        const u = first + r - y
        pixels[(first + r) * width + x]! += share[r]! * light(x - slope * u - curve * u * u)
      }
    }
  })
  const dice = random(9)
  const error = pixels.map((value) => Math.sqrt(25 + value))
  for (let p = 0; p < pixels.length; p++) pixels[p]! += error[p]! * dice.normal()
  return { traces, lamps, frame: { width, height, pixels, error } }
}

type Found = ReturnType<typeof extractOrders>

/** Scatter of the errors in columns of S/N above 60, in sigma, and of all. */
function scatter({ orders }: Found, lamps: ReturnType<typeof lamp>[]) {
  const [bright, all]: [number[], number[]] = [[], []]
  for (const { index, flux, uncertainty, mask } of orders) {
    for (let x = 10; x < flux.length - 10; x++) {
      if ((mask[x]! & 8) !== 0) continue
      const off = (flux[x]! - lamps[index]!(x)) / uncertainty[x]!
      all.push(off)
      if (flux[x]! > 60 * uncertainty[x]!) bright.push(off)
    }
  }
  const rms = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)
  return { bright: rms(bright), all: rms(all) }
}

t.test('lines that lean are extracted along their tilt, which the frame itself tells', (t) => {
  const { traces, lamps, frame } = leaning(SLOPE, CURVE)
  const plain = scatter(extractOrders(frame, traces, noise), lamps)
  const found = extractUpright(frame, traces, noise)
  const upright = scatter(found, lamps)
  t.ok(found.tilt && Math.abs(found.tilt.slope[0] - SLOPE) < 5 * found.tilt.error + 0.002, `${found.tilt?.slope}`)
  t.ok(found.tilt && Math.abs(found.tilt.curve - CURVE) < 5 * found.tilt.curveError + 0.0005, `${found.tilt?.curve}`)
  t.ok(plain.bright > 1.25, `as they stand, peaks are off by ${plain.bright} sigma`)
  // some 200 columns: 0.05; profiles of the test are sampled, and as good as 0.3 %
  t.ok(upright.bright < 1.2, `upright, by ${upright.bright}`)
  t.ok(upright.all > 0.93 && upright.all < 1.07, `all columns: ${upright.all}`)
  const inner = found.orders.flatMap(({ mask }) => [...mask.subarray(10, -10)])
  const marked = inner.filter((bits) => bits !== 0).length
  t.equal(marked, 0, `${marked} columns are taken for cosmic rays`)
  t.end()
})

t.test('what cosmic rays left on flanks of lines does not bend them', (t) => {
  const { traces, frame } = leaning(SLOPE, 0)
  const found = extractOrders(frame, traces, noise)
  const profiles =
    profileTable(traces) ??
    measureProfiles(
      frame,
      traces,
      found.traces.map(({ trace }) => trace),
      noise,
    )
  const told = (pixels: Float32Array) => measureTilt({ ...frame, pixels }, found, profiles, traces.fibres, noise)!
  const clean = told(frame.pixels)
  const hit = frame.pixels.slice()
  const dice = random(31)
  for (let k = 0; k < 40; k++) {
    const order = Math.floor(3 * dice.uniform())
    const x = 5 + Math.floor(290 * dice.uniform())
    const row = Math.round(traceY(traces, order, 0, x)) + (dice.uniform() < 0.5 ? -5 : 5)
    hit[row * frame.width + x]! += 400
  }
  const spoilt = told(hit)
  t.equal(clean.curve, 0)
  t.equal(spoilt.curve, 0, `${spoilt.curve} ± ${spoilt.curveError}`)
  t.ok(Math.abs(spoilt.slope[0] - clean.slope[0]) < 2 * clean.error, `${spoilt.slope[0]}, clean ${clean.slope[0]}`)
  t.end()
})

t.test('lines that stand upright are left as they are', (t) => {
  const { traces, frame } = leaning(0, 0)
  const [plain, found] = [extractOrders(frame, traces, noise), extractUpright(frame, traces, noise)]
  t.equal(found.tilt, undefined)
  t.same(found.orders, plain.orders)
  t.end()
})
