import { allocate, scoped } from '@nightpipe/kernels'
import { type Random, random } from '@nightpipe/math'
import t from 'tap'
import { type Calibration, calibratePixels, MaskBit } from '../src/index.js'
import { calibrateOracle } from './calibrate-oracle.js'

const WIDTH = 7

function plane(n: number, f: (i: number) => number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => f(i))
}

/** Every option, or with `chance` below one a part of them. */
function everything(r: Random, n: number, chance: number): Calibration {
  const all: Calibration = {
    overscan: plane(Math.ceil(n / WIDTH), (y) => 300 + y),
    width: WIDTH,
    bias: plane(n, () => 20 + r.normal()),
    biasError: plane(n, () => 1 + r.uniform()),
    biasWeight: r.uniform() < 0.5 ? 1 : -0.2,
    linearity: [1e-6, -3e-11, 1e-17],
    dark: plane(n, () => 0.1 + 0.01 * r.normal()),
    darkError: plane(n, () => 0.01),
    darkScale: 300,
    flat: plane(n, () => 1 + 0.3 * r.normal()),
    flatError: plane(n, () => 0.002),
    minimumFlat: 0.4,
    gain: 1.7,
    readNoise: 6,
    scale: 0.7,
    saturation: 40000,
    mask: Int16Array.from({ length: n }, () => (r.uniform() < 0.1 ? r.bits() & 31 : 0)),
    signal: plane(n, () => 20000 * r.uniform()),
  }
  const kept = Object.entries(all).filter(([key]) => key === 'width' || r.uniform() < chance)
  return Object.fromEntries(kept)
}

function result(n: number) {
  return { pixels: new Float32Array(n), error: new Float32Array(n), mask: new Int16Array(n) }
}

function worst(a: Float32Array, b: Float32Array, unit: (i: number) => number): number {
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]) && Number.isNaN(b[i])) continue
    largest = Math.max(
      largest,
      Math.abs(a[i] - b[i]) / unit(i) || (Object.is(a[i], b[i]) || a[i] === b[i] ? 0 : Infinity),
    )
  }
  return largest
}

t.test('any choice of corrections agrees with the plain formula', async (t) => {
  const r = random(31)
  for (let trial = 0; trial < 60; trial++) {
    const n = 1 + Math.floor(60 * r.uniform())
    const calibration = everything(r, n, trial < 5 ? 1 : 0.6)
    const raw = plane(n, () =>
      r.uniform() < 0.05 ? [Number.NaN, Infinity, -Infinity, 0][r.bits() & 3] : 50000 * r.uniform(),
    )
    const [ours, plain] = [result(n), result(n)]
    calibratePixels(raw, calibration, ours)
    calibrateOracle(raw, calibration, plain)
    // float32 keeps 6e-8 of the raw value in each of the five steps; division by a small flat carries it along
    const flat = (i: number) => Math.max(1e-3, Math.abs(calibration.flat?.[i] ?? 1))
    t.ok(worst(ours.pixels, plain.pixels, (i) => 50000 / flat(i)) < 6e-7, `pixels ${trial}`)
    t.ok(worst(ours.error, plain.error, (i) => Math.max(1, plain.error[i])) < 2e-5, `errors ${trial}`)
    t.same(ours.mask, plain.mask, `mask ${trial}`)
  }
})

t.test('a frame made by the formula comes back, in place and in kernel memory alike', async (t) => {
  const r = random(32)
  const n = 50001
  const truth = plane(n, () => 30000 * r.uniform())
  const calibration = {
    overscan: 512,
    bias: plane(n, () => 30),
    dark: plane(n, () => 0.25),
    darkScale: 60,
    flat: plane(n, () => 0.9 + 0.2 * r.uniform()),
  }
  const raw = truth.map((s, i) => 512 + 30 + 15 + s * calibration.flat[i])
  const copied = raw.slice()
  calibratePixels(copied, calibration, { pixels: copied })
  t.ok(worst(copied, truth, () => 30000) < 3e-7)
  scoped(() => {
    const ours = allocate(Float32Array, n)
    ours.set(raw)
    calibratePixels(ours, calibration, { pixels: ours })
    t.ok(Buffer.from(ours.slice().buffer).equals(Buffer.from(copied.buffer)))
  })
})

t.test('16-bit pixels straight from the file are calibrated as floats are', async (t) => {
  const r = random(33)
  const n = 301
  const bytes = Uint8Array.from({ length: 2 * n }, () => r.bits() & 255)
  const view = new DataView(bytes.buffer)
  view.setInt16(10, -32768)
  const stored = Array.from({ length: n }, (_, i) => view.getInt16(2 * i))
  const floats = Float32Array.from(stored, (v) => (v === -32768 ? Number.NaN : v + 32768))
  const calibration = { ...everything(r, n, 1), saturation: 60000 }
  const [a, b] = [result(n), result(n)]
  calibratePixels({ bytes, zero: 32768, blank: -32768 }, calibration, a)
  calibratePixels(floats, calibration, b)
  t.same(a, b)
  t.ok(a.mask[5] & MaskBit.noData)
})

t.test('masters as they stand in a file are taken as floats of the machine are', async (t) => {
  const r = random(35)
  const turned = (floats: Float32Array) => {
    const bytes = Buffer.from(floats.slice().buffer).swap32()
    return new Float32Array(bytes.buffer, bytes.byteOffset, floats.length)
  }
  for (let trial = 0; trial < 30; trial++) {
    const n = 1 + Math.floor(60 * r.uniform())
    const bytes = Uint8Array.from({ length: 2 * n }, () => r.bits() & 255)
    const floats = plane(n, (i) => new DataView(bytes.buffer).getInt16(2 * i) + 32768)
    const calibration = everything(r, n, trial < 5 ? 1 : 0.5)
    const stored = { ...calibration, stored: true }
    for (const key of ['bias', 'dark', 'flat'] as const) {
      if (calibration[key]) stored[key] = turned(calibration[key])
    }
    const raw = { bytes, zero: 32768 }
    const [a, b] = [result(n), result(n)]
    const withError = trial % 2 === 0
    calibratePixels(raw, stored, withError ? a : { pixels: a.pixels, mask: a.mask })
    calibratePixels(floats, calibration, withError ? b : { pixels: b.pixels, mask: b.mask })
    t.same(a, b, `trial ${trial}`)
  }
})

t.test('the pull of calibrated noisy pixels has mean 0 and deviation 1 when the signal is known', async (t) => {
  const r = random(34)
  const n = 100_000
  const [gain, readNoise] = [1.5, 7]
  const truth = plane(n, (i) => 5 + i / 50) // 5 to 2000 ADU
  const flat = plane(n, () => 0.8 + 0.4 * r.uniform())
  const raw = plane(n, (i) => 100 + (r.poisson((truth[i] * flat[i] + 6) * gain) + readNoise * r.normal()) / gain)
  const dark = plane(n, () => 0.1)
  const signal = plane(n, (i) => truth[i] * flat[i] + 6)
  const out = result(n)
  calibratePixels(raw, { overscan: 100, dark, darkScale: 60, flat, gain, readNoise, signal }, out)
  let [sum, squares] = [0, 0]
  for (let i = 0; i < n; i++) {
    const pull = (out.pixels[i] - truth[i]) / out.error[i]
    sum += pull
    squares += pull * pull
  }
  t.ok(Math.abs(sum / n) < 4 / Math.sqrt(n))
  t.ok(Math.abs(Math.sqrt(squares / n) - 1) < 4 / Math.sqrt(2 * n))
})

t.test('masters that do not fit are refused', async (t) => {
  const raw = new Float32Array(6)
  const out = { pixels: new Float32Array(6) }
  t.throws(() => calibratePixels(raw, { bias: new Float32Array(5) }, out), RangeError)
  t.throws(() => calibratePixels(raw, { overscan: new Float32Array(2), width: 2 }, out), RangeError)
  t.throws(() => calibratePixels(raw, { gain: 0 }, out), RangeError)
  t.same(calibratePixels(new Float32Array(0), {}, { pixels: new Float32Array(0) }).pixels.length, 0)
})
