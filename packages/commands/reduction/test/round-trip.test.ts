import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, readFrame, textOf, writeFits } from '@nightpipe/fits'
import { scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { CAMERA, makeNight, named, reduced, reduction, writeImage } from './support/night.js'

/** Largest difference, as a fraction of the raw counts that carried the value: float32 keeps 24 bits of those. */
function worst(pixels: Float32Array, truth: Float32Array, pedestal: number): number {
  return pixels.reduce(
    (most, value, p) => Math.max(most, Math.abs(value - truth[p]) / (Math.abs(truth[p]) + pedestal)),
    0,
  )
}

t.test('without noise the light comes back to the rounding of float32, in every unit', async (t) => {
  const night = makeNight({ noise: false, deep: 0 })
  const cases = [
    { unit: 'electron', second: 'no', factor: 1 },
    { unit: 'electron', second: 'yes', factor: 1 / 30 },
    { unit: 'adu', second: 'no', factor: 1 / 2 },
    { unit: 'adu', second: 'yes', factor: 1 / 60 },
  ]
  for (const { unit, second, factor } of cases) {
    const frame = reduced(night, `frame.unit=${unit}`, `frame.per second=${second}`)
    const bunit = second === 'yes' ? `${unit}/s` : unit
    t.equal(textOf(frame.header, 'BUNIT'), bunit)
    t.ok(Math.abs(numberOf(frame.header, 'GAIN')! * factor - 1) < 1e-6, `${bunit}: GAIN is electrons in a unit`)
    const truth = night.truth.map((v) => v * factor)
    const error = worst(frame.pixels, truth, 3000 * factor)
    t.ok(error < 4e-7, `${bunit}: ${error}`)
    t.equal(frame.width, night.width)
    t.same(new Set(frame.mask), new Set([0]))
  }
})

t.test('darks of other exposures, with or without the bias in them, give the same', async (t) => {
  const night = makeNight({ noise: false, deep: 0 })
  const [biasFrame, darkFrame] = night.masters.slice(0, 2).map((path) => readFrame(path))
  const whole = darkFrame.pixels.map((v, p) => 90 * v + biasFrame.pixels[p])
  const path = join(night.folder, 'dark90.fits')
  writeImage(path, whole, night.width, [...CAMERA, ['IMAGETYP', 'dark'], ['EXPTIME', 90]])
  const frame = reduced(night, `calibration.dark=${path}`, 'calibration.dark contains=bias')
  t.ok(worst(frame.pixels, night.truth, 3000) < 1e-6)
  const without = darkFrame.pixels.map((v) => 90 * v)
  writeImage(path, without, night.width, [...CAMERA, ['IMAGETYP', 'dark'], ['EXPTIME', 90]])
  t.ok(worst(reduced(night, `calibration.dark=${path}`).pixels, night.truth, 3000) < 1e-6)
})

t.test('only hot pixels and a smooth level of a noisy dark', async (t) => {
  const night = makeNight({ noise: false, deep: 1 })
  const all = reduced(night)
  const hot = reduced(night, 'calibration.dark pixels=hot')
  const scatter = (pixels: Float32Array) => {
    const off = Float32Array.from(pixels, (v, p) => v - night.truth[p])
    return Math.sqrt(off.reduce((sum, v) => sum + v * v, 0) / off.length)
  }
  t.ok(scatter(hot.pixels) < scatter(all.pixels), `${scatter(hot.pixels)} < ${scatter(all.pixels)}`)
  t.ok(hot.error!.every((e, p) => e <= all.error![p] * 1.000001))
})

t.test('non-linear counts come back by coefficients and by table, with the error that belongs to them', async (t) => {
  const night = makeNight({ noise: false, deep: 0, light: 30000, stars: 0 })
  const linear = reduced(night)
  const raw = readFrame(night.raw)
  // net = true - 2e-6 true² solved for: true = net (1 + c net) with c from the quadratic, to be undone exactly
  const c = 2e-6
  const bent = raw.pixels.map((v, p) => {
    const x = p % raw.width
    if (x >= night.width) return v
    const bias = 3 * Math.sin(x / 9) + Math.floor(p / raw.width) / 80
    const net = v - 1000 - bias
    return 1000 + bias + (Math.sqrt(1 + 4 * c * net) - 1) / (2 * c)
  })
  writeFits(night.raw, [
    { kind: 'image', bitpix: -32, axes: [raw.width, raw.height], pixels: bent, header: raw.header },
  ])
  const frame = reduced(night, `linearity.coefficients=${c}`)
  t.ok(worst(frame.pixels, night.truth, 3000) < 2e-6, `coefficients: ${worst(frame.pixels, night.truth, 3000)}`)
  const ratio = frame.error![5000] / linear.error![5000]
  // slope 1 + 2 c net at net = 14100: the same photons over a curve that is 3 % flatter
  t.ok(ratio > 1 && ratio < 1.05, `error ${ratio}`)
  const table = join(night.folder, 'linearity.csv')
  const lines = Array.from({ length: 301 }, (_, k) => `${100 * k},${100 * k * (1 + c * 100 * k)}`)
  writeFileSync(table, `net_adu,true_adu\n${lines.join('\n')}\n`)
  const tabled = reduced(night, `linearity.table=${table}`)
  // straight pieces of 100 adu are off by c 100² / 4 / 8 adu at most
  t.ok(worst(tabled.pixels, night.truth, 3000) < 2e-6, `table: ${worst(tabled.pixels, night.truth, 3000)}`)
  t.ok(Math.abs(tabled.error![5000] / frame.error![5000] - 1) < 1e-3)
})

t.test('amplifiers side by side and one over the other, each with its level and gain, are put together', async (t) => {
  const folder = scratch()
  const [w, h] = [40, 30]
  const names = ['11', '12', '21', '22']
  const gains = [1.5, 2, 2.5, 3]
  const levels = [900, 1000, 1100, 1300]
  // each quarter 20 x 15 of data; overscans of 8 columns in the middle
  const full = 56
  const raw = new Float32Array(full * h)
  const light = Float32Array.from({ length: w * h }, (_, p) => 1000 + p)
  const flat = Float32Array.from({ length: w * h }, (_, p) => 0.9 + 0.2 * ((p % 7) / 7))
  const cards: [string, string | number][] = []
  // the flat of ADU frames holds what the gains differ by
  const mean = gains.reduce((a, b) => a + b, 0) / 4
  const master = new Float32Array(w * h)
  for (let k = 0; k < 4; k++) {
    const [right, up] = [k & 1, k >> 1]
    const x0 = right ? 36 : 0
    const over = right ? 28 : 20
    cards.push([`TRIMSE${names[k]}`, `[${x0 + 1}:${x0 + 20},${15 * up + 1}:${15 * up + 15}]`])
    cards.push([`BIASSE${names[k]}`, `[${over + 1}:${over + 8},${15 * up + 1}:${15 * up + 15}]`])
    cards.push([`GAIN${names[k]}`, gains[k]], [`RDNOIS${names[k]}`, 5])
    for (let y = 15 * up; y < 15 * up + 15; y++) {
      for (let x = 0; x < 20; x++) {
        const p = y * w + 20 * right + x
        raw[y * full + x0 + x] = levels[k] + (light[p] * flat[p]) / gains[k]
        master[p] = (flat[p] * mean) / gains[k]
      }
      for (let x = 0; x < 8; x++) raw[y * full + over + x] = levels[k]
    }
  }
  const path = writeImage(join(folder, 'm67.fits'), raw, full, [
    ...CAMERA,
    ['IMAGETYP', 'object'],
    ['EXPTIME', 10],
    ...cards,
  ])
  const flatPath = writeImage(join(folder, 'flat.fits'), master, w, [
    ...CAMERA,
    ['IMAGETYP', 'master flat'],
    ['BUNIT', ''],
  ])
  const run = (...settings: string[]) => {
    const off = ['calibration.bias=none', 'calibration.dark=none', 'cosmic rays.method=none']
    const { code, stderr } = reduction('-s', path, '-r', join(folder, 'out'), '--force', ...set(...off, ...settings))
    t.equal(code, 0, stderr)
    return readFrame(join(folder, 'out', 'm67.fits'))
  }
  const frame = run(`calibration.flat=${flatPath}`)
  t.same([frame.width, frame.height], [w, h])
  t.ok(worst(frame.pixels, light, 3000) < 1e-6, `with a flat: ${worst(frame.pixels, light, 3000)}`)
  const bare = run('calibration.flat=none')
  const shaded = light.map((v, p) => v * flat[p])
  t.ok(worst(bare.pixels, shaded, 3000) < 1e-6, 'without: each by its own gain')
  for (const method of ['rows', 'mean']) {
    t.ok(worst(run(`calibration.flat=${flatPath}`, `overscan.method=${method}`).pixels, light, 3000) < 1e-6, method)
  }
})

t.test('masters of other software may still have their overscans on', async (t) => {
  const night = makeNight({ noise: false, deep: 0 })
  const full = night.width + 32
  const widen = (path: string) => {
    const { pixels, header } = readFrame(path)
    const wide = new Float32Array(full * night.height).fill(99)
    for (let y = 0; y < night.height; y++) wide.set(pixels.subarray(y * night.width, (y + 1) * night.width), y * full)
    writeFits(path, [{ kind: 'image', bitpix: -32, axes: [full, night.height], pixels: wide, header: createHeader() }])
    return header
  }
  widen(night.masters[0])
  widen(night.masters[2])
  t.ok(worst(reduced(night).pixels, night.truth, 3000) < 4e-7)
})

t.test('an image of bad pixels of either size marks them', async (t) => {
  const night = makeNight()
  const bad = new Float32Array(night.width * night.height)
  bad[777] = 1
  const path = writeImage(join(night.folder, 'bad.fits'), bad, night.width, [])
  const { mask, pixels } = reduced(night, `calibration.mask=${path}`)
  t.equal(mask![777] & 1, 1)
  t.equal(mask!.filter((bits) => (bits & 1) !== 0).length, 1)
  const filled = reduced(night, `calibration.mask=${path}`, 'interpolate.bits=bad, cosmic')
  t.equal(filled.mask![777] & 17, 17)
  t.not(filled.pixels[777], pixels[777])
  t.match(named(night).join(' '), 'bias')
})
