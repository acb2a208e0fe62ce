// The pure parts, each against laws and against an obvious version of itself.
import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { flagPixels } from '../src/flag-pixels.js'
import { type FrameStatistics, judgeGroup, type Rules, variationOf } from '../src/judge.js'
import { medianOfHistogram } from '../src/master-facts.js'
import { BANDS, measureRows, neighbourNoise, sampledRows } from '../src/measure.js'
import { gainOfPair, meanOfChain, readNoiseOfPair } from '../src/transfer.js'

const statistics = (more: Partial<FrameStatistics> = {}): FrameStatistics => ({
  ...{ level: 1000, noise: 5, saturatedFraction: 0, invalidFraction: 0, starFraction: 0 },
  boxes: new Array(64).fill(1000),
  ...more,
})
const RULES: Rules = { saturated: 0.01, level: 8, noise: 1.4, gradient: 0.05, stars: 0.01, low: 0, high: 0 }

t.test('judge: alike frames are all good, whatever their level and noise', async (t) => {
  const r = random(1)
  for (let round = 0; round < 50; round++) {
    const level = 1e5 * r.uniform()
    const noise = 0.1 + 50 * r.uniform()
    const frames = Array.from({ length: 3 + Math.floor(8 * r.uniform()) }, () =>
      statistics({ level: level + 0.05 * noise * r.normal(), noise: noise * (1 + 0.02 * r.normal()) }),
    )
    for (const type of ['bias', 'dark'])
      t.same(
        judgeGroup(type, frames, RULES),
        frames.map(() => undefined),
      )
  }
})

t.test('judge: the verdict on a frame does not depend on the order of the others, nor on their unit', async (t) => {
  const frames = [
    ...[0, 1, 2, 3].map((k) => statistics({ level: 1000 + k / 10 })),
    statistics({ level: 1100 }),
    statistics({ noise: 9 }),
    statistics({ saturatedFraction: 0.5 }),
    statistics({ invalidFraction: 0.9 }),
  ]
  const bad = (list: FrameStatistics[]) => judgeGroup('bias', list, RULES).map((reason) => reason !== undefined)
  t.same(bad(frames), [false, false, false, false, true, true, true, true])
  t.same(bad(frames.toReversed()), bad(frames).toReversed())
  const inElectrons = frames.map((f) => ({ ...f, level: 4 * f.level, noise: 4 * f.noise }))
  t.same(bad(inElectrons), bad(frames))
})

t.test('judge: of two frames neither can be told to be the odd one; a frame alone is judged by itself', async (t) => {
  t.same(judgeGroup('bias', [statistics(), statistics({ level: 5000 })], RULES), [undefined, undefined])
  t.same(judgeGroup('bias', [statistics({ saturatedFraction: 1 })], RULES), ['100 % of the pixels saturated'])
  t.same(judgeGroup('bias', [], RULES), [])
})

t.test('judge: a flat may be brighter, and noisier for it, but not noisier than that', async (t) => {
  const flat = (level: number, noise: number) => statistics({ level, noise, boxes: new Array(64).fill(level) })
  // Photon noise: √level. Response: proportional to the level.
  const frames = [10000, 12000, 15000, 20000].map((level) => flat(level, Math.hypot(Math.sqrt(level), 0.01 * level)))
  const reasons = judgeGroup('flat', [...frames, flat(15000, 2 * frames[2].noise)], RULES)
  t.same(reasons.slice(0, 4), [undefined, undefined, undefined, undefined])
  t.match(reasons[4], /^noise /)
})

t.test('the variation of flats is the largest deviation of a box from the pattern of the group', async (t) => {
  const pattern = Array.from({ length: 64 }, (_, b) => 1 - b / 200)
  const flat = (level: number, odd = 0) =>
    statistics({ level, boxes: pattern.map((p, b) => level * p * (b === 10 ? 1 + odd : 1)) })
  t.ok(Math.abs(variationOf([flat(1000), flat(5000), flat(2000)])) < 1e-12)
  t.ok(Math.abs(variationOf([flat(1000), flat(5000, 0.02), flat(2000)]) - 0.02) < 1e-9)
  t.equal(variationOf([statistics({ boxes: [Number.NaN] })]), 0)
})

t.test('sampled rows are in order, within the frame, evenly spread, and all of them where there are few', async (t) => {
  for (const [width, height] of [
    [1, 1],
    [100, 7],
    [128, 96],
    [4096, 4096],
    [100000, 50],
    [10, 100000],
  ]) {
    const rows = sampledRows(width, height)
    t.ok(rows.every((y, k) => Number.isInteger(y) && y >= 0 && y < height && (k === 0 || y > rows[k - 1])))
    t.ok(rows.length * width >= Math.min(65536, width * Math.floor(height / BANDS) * BANDS), `${width}x${height}`)
    t.ok(rows.length <= height)
  }
  t.same(sampledRows(100, 7), [0, 1, 2, 3, 4, 5, 6])
})

t.test('measure: level, noise, stars and boxes of rows whose truth is known', async (t) => {
  const r = random(2)
  const width = 512
  const pixels = Float32Array.from({ length: 128 * width }, (_, p) => {
    const slope = ((p % width) / width) * 100 // smooth structure is no noise
    return 5000 + slope + 20 * r.normal() + (p % 400 === 0 ? 1000 : 0)
  })
  for (let p = 7; p < pixels.length; p += 1000) pixels[p] = Number.NaN
  const { level, noise, starFraction, invalidFraction, boxes } = measureRows(pixels, width, 0)
  t.ok(Math.abs(level - 5050) < 1, `level ${level}`)
  t.ok(Math.abs(noise / 20 - 1) < 0.02, `noise ${noise}`)
  t.ok(Math.abs(starFraction * 400 - 1) < 0.02, `stars ${starFraction}`)
  t.ok(Math.abs(invalidFraction * 1000 - 1) < 0.02)
  t.equal(boxes.length, 64)
  t.ok(Math.abs(boxes[0] - 5006) < 4 && Math.abs(boxes[7] - 5094) < 4)
  t.equal(neighbourNoise(new Float32Array(100).fill(7), 10), 0)
  t.equal(neighbourNoise(new Float32Array(1), 1), 0)
})

t.test('photon transfer: gain and read noise of 60 simulated pairs are right, and their errors honest', async (t) => {
  const [gain, readNoise, width] = [2.3, 5.5, 256] // electrons per ADU, electrons
  const n = 64 * width
  const response = random(5)
  const flat = Float32Array.from({ length: n }, (_, p) => 1 + 0.02 * response.normal() - (p % width) / 4000)
  const pulls: Record<'gain' | 'noise', number[]> = { gain: [], noise: [] }
  const values: number[] = []
  for (let k = 0; k < 60; k++) {
    const r = random(6, k)
    const frame = (level: number) =>
      flat.map(
        (f) =>
          Math.round((r.poisson(level * f * gain) + readNoise * r.normal()) / gain) + (r.uniform() < 3e-4 ? 500 : 0),
      )
    const noise = readNoiseOfPair(frame(0), frame(0), width)
    const truth = Math.sqrt((readNoise / gain) ** 2 + 1 / 12)
    pulls.noise.push((noise.value - truth) / noise.error)
    const measured = gainOfPair(frame(9000), frame(15000), truth)!
    pulls.gain.push((measured.value - gain) / measured.error)
    values.push(measured.value)
  }
  for (const [name, pull] of Object.entries(pulls)) {
    const mean = pull.reduce((a, b) => a + b, 0) / pull.length
    const sigma = Math.sqrt(pull.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (pull.length - 1))
    // 60 pulls: the mean is known to 0.13, the deviation to 9 %.
    t.ok(Math.abs(mean) < 0.5, `${name}: mean of the pull ${mean.toFixed(2)}`)
    t.ok(sigma > 0.75 && sigma < 1.25, `${name}: deviation of the pull ${sigma.toFixed(2)}`)
  }
  t.ok(values.every((v) => Math.abs(v / gain - 1) < 0.05))
})

t.test(
  'photon transfer: a chain of pairs is better than one, and its error honest though pairs share frames',
  async (t) => {
    const width = 64
    const pulls: number[] = []
    for (let k = 0; k < 150; k++) {
      const r = random(7, k)
      const frames = Array.from({ length: 6 }, () =>
        Float32Array.from({ length: 32 * width }, () => 100 + 4 * r.normal()),
      )
      const { value, error } = meanOfChain(frames.slice(1).map((b, i) => readNoiseOfPair(frames[i], b, width)))!
      pulls.push((value - 4) / error)
    }
    const mean = pulls.reduce((a, b) => a + b, 0) / pulls.length
    const sigma = Math.sqrt(pulls.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pulls.length)
    t.ok(Math.abs(mean) < 0.3, `mean of the pull ${mean}`)
    t.ok(sigma > 0.8 && sigma < 1.2, `deviation of the pull ${sigma}`)
  },
)

t.test('photon transfer says nothing where there is nothing to say', async (t) => {
  t.equal(meanOfChain([]), undefined)
  t.equal(meanOfChain([undefined, undefined]), undefined)
  t.equal(meanOfChain([{ value: 0, error: 0 }]), undefined, 'a frame and its copy')
  const dim = new Float32Array(4096).fill(0)
  t.equal(gainOfPair(dim, dim, 1), undefined)
  t.equal(gainOfPair(new Float32Array(100).fill(1000), new Float32Array(100).fill(1000), 1), undefined)
})

t.test('the median of a histogram is that of the values to a bin, and better where they are even', async (t) => {
  const r = random(8)
  const bounds = { low: 900, high: 1100 }
  for (const n of [1, 2, 1001, 20000]) {
    const values = Float64Array.from({ length: n }, () => 1000 + 10 * r.normal())
    const histogram = new Int32Array(4000)
    for (const v of values) histogram[Math.floor((v - 900) * 20)]++
    const sorted = values.toSorted()
    const median = (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2
    t.ok(Math.abs(medianOfHistogram(histogram, n, bounds) - median) < (n > 100 ? 0.05 : 10), `${n} values`)
  }
  t.equal(medianOfHistogram([0, 10, 0], 10, { low: 0, high: 3 }), 1.5)
  t.equal(medianOfHistogram([5, 0, 5], 10, { low: 0, high: 3 }), 1)
})

t.test('flags: pixels far from their surroundings, by the rule of each type', async (t) => {
  const rules = { hot: 10, deviant: 20, dead: 0.2, low: 0.7 }
  const [columns, rows] = [150, 64]
  for (const [type, value, bits] of [
    ['dark', 9, 0],
    ['dark', 11, 1],
    ['dark', -30, 0],
    ['bias', 19, 0],
    ['bias', 21, 1],
    ['bias', -21, 1],
    ['arc', 21, 1],
  ] as const) {
    const { mask, flagged } = flags(type, columns, rows, (r) => 100 + 3 * r.normal(), 100 + 3 * value, rules)
    // The scatter of the surroundings is measured on 64 of their pixels, to 10 %.
    t.equal(mask[777], bits, `${type} ${value} sigma`)
    t.equal(flagged.bad, bits)
    t.equal(flagged.hot, type === 'dark' ? bits : 0)
  }
  for (const [value, bits] of [
    [0.1, 1],
    [-5, 1],
    [0.5, 32],
    [0.8, 0],
    [3, 0],
    [Number.NaN, 8],
  ]) {
    const { mask, flagged } = flags('flat', columns, rows, (r) => 1 + 0.01 * r.normal(), value, rules)
    t.equal(mask[777], bits, `flat ${value}`)
    t.same([flagged.bad, flagged.low, flagged.noData], [bits & 1, (bits >> 5) & 1, (bits >> 3) & 1])
  }
})

/** The mask of a strip with one odd pixel. */
function flags(
  type: string,
  columns: number,
  rows: number,
  background: (r: ReturnType<typeof random>) => number,
  odd: number,
  rules: Parameters<typeof flagPixels>[0]['rules'],
) {
  return scoped(() => {
    const r = random(9)
    const n = columns * rows
    const pixels = allocate(Float32Array, n)
    for (let p = 0; p < n; p++) pixels[p] = background(r)
    pixels[777] = odd
    const error = allocate(Float32Array, n).fill(1)
    const count = allocate(Int16Array, n).fill(5)
    const mask = allocate(Int16Array, n).fill(0)
    const flagged = flagPixels({ type, pixels, error, count, columns, rules, variancePerUnit: 0 }, mask)
    return { mask: Int16Array.from(mask), flagged }
  })
}
