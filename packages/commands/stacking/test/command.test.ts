import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { column, numberOf, openFits, readFrame, readTable, textOf } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { random } from '@nightpipe/math'
import { type Extra, expose, sky, turn, writeFrame } from '@nightpipe/scenes'
import { rowsOf, set } from '@nightpipe/testing'
import t from 'tap'
import { stacking } from './support.js'

const HERE = turn(0, 0, 0)
const ALIGNED: Extra['cards'] = [
  ['ALIGNREF', 'f0.fits'],
  ['FILTER', 'r'],
  ['EXPTIME', 10],
]

/** Sum in a circle above a known sky. */
function fluxAt(pixels: Float32Array, width: number, x: number, y: number, radius: number, level: number): number {
  let sum = 0
  for (let v = Math.ceil(y - radius); v <= y + radius; v++) {
    for (let u = Math.ceil(x - radius); u <= x + radius; u++) {
      if ((u - x) ** 2 + (v - y) ** 2 <= radius ** 2) sum += pixels[v * width + u] - level
    }
  }
  return sum
}

const plane = (path: string, name: string) => {
  const file = openFits(path)
  const hdu = file.hdus.find((one) => one.name === name)!
  return { file, hdu }
}

t.test('the noise falls as the weights say, and fluxes stay', async (t) => {
  const cwd = t.testdir()
  const field = { ...sky(1, 25, 400), noise: 6 }
  const truth = expose({ ...field, level: 0, noise: 0 }, HERE, 0, false)
  const scales = [1, 1.1, 0.8, 0.95, 0.6, 1]
  const noises = [6, 9, 6, 12, 7, 5]
  const levels = [200, 260, 150, 230, 190, 210]
  const error = (k: number) => new Float32Array(160000).fill(noises[k])
  scales.forEach((scale, k) => {
    const { normal } = random(20 + k)
    const pixels = truth.map((value) => value * scale + levels[k] + noises[k] * normal())
    writeFrame(join(cwd, `ali/f${k}.fits`), pixels, 400, { cards: ALIGNED, error: error(k) })
  })
  const { code, stdout, stderr } = stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'deep'))
  t.equal(code, 0, stderr)
  t.match(stdout, /stack_M67_r\.fits\n$/)
  const path = join(cwd, 'deep/stack_M67_r.fits')
  const stack = readFrame(path)
  const level = numberOf(stack.header, 'SKYLEV')!
  const reference = Number(textOf(stack.header, 'STACKREF')![1])
  const ideal = scales[reference] / Math.sqrt(scales.reduce((sum, s, k) => sum + (s / noises[k]) ** 2, 0))
  let [squares, n, pull] = [0, 0, 0]
  stack.pixels.forEach((value, p) => {
    if (truth[p] > 0.01) return
    squares += (value - level) ** 2
    pull += ((value - level) / stack.error![p]) ** 2
    n++
  })
  t.ok(Math.abs(Math.sqrt(squares / n) / ideal - 1) < 0.02, `noise ${Math.sqrt(squares / n)}, ideal ${ideal}`)
  t.ok(Math.abs(Math.sqrt(pull / n) - 1) < 0.02, `errors ${Math.sqrt(pull / n)}`)
  const bright = [...field.stars]
    .sort((a, b) => b.flux - a.flux)
    .filter(({ x, y }) => x > 30 && x < 370 && y > 30 && y < 370)
    .slice(0, 5)
  for (const { x, y } of bright) {
    const ratio = fluxAt(stack.pixels, 400, x, y, 9, level) / (scales[reference] * fluxAt(truth, 400, x, y, 9, 0))
    // 16 pixels' worth of radius 9 at a noise of 3: 48 of 1e4 and more
    t.ok(Math.abs(ratio - 1) < 0.006, `flux ${ratio}`)
  }
  const { file, hdu } = plane(path, 'FRAMES')
  const table = readTable(hdu)
  const found = column(table, 'SCALE')!.values as Float64Array
  const sigma = column(table, 'SCALEERR')!.values as Float64Array
  scales.forEach((scale, k) => {
    t.ok(Math.abs((found[k] * scale) / scales[reference] - 1) < 3.5 * sigma[k] + 1e-9, `scale ${found[k]} of ${scale}`)
    t.ok(sigma[k] < 0.012, `${sigma[k]}`)
  })
  file.close()
  const rows = rowsOf(readFileSync(join(cwd, 'deep/stacking.csv'), 'utf8'))
  t.ok(rows.every(({ status }) => status === 'done'))
})

t.test('satellites and cosmic rays go, the cores of stars stay, whatever the seeing', async (t) => {
  for (const method of ['clip', 'linear', 'median']) {
    const cwd = t.testdir()
    const field = sky(2, 60, 300)
    const widths = [2.6, 3, 3.4, 2.8, 3.2, 3, 2.9, 3.1]
    const { uniform } = random(5)
    widths.forEach((fwhm, k) => {
      const pixels = expose({ ...field, fwhm }, HERE, 30 + k)
      for (let hit = 0; hit < 40; hit++) pixels[Math.floor(90000 * uniform())] += 3000
      if (k === 3) for (let x = 0; x < 300; x++) pixels[(50 + Math.floor(x / 2)) * 300 + x] += 800
      writeFrame(join(cwd, `ali/f${k}.fits`), pixels, 300, { cards: ALIGNED })
    })
    const { code, stderr } = stacking(
      '-s',
      join(cwd, 'ali'),
      '-r',
      join(cwd, 'deep'),
      ...set(`combine.method=${method}`),
    )
    t.equal(code, 0, stderr)
    const stack = readFrame(join(cwd, 'deep/stack_M67_r.fits'))
    const level = numberOf(stack.header, 'SKYLEV')!
    const parts = widths.map((fwhm) => expose({ ...field, fwhm, level: 0, noise: 0 }, HERE, 0, false))
    const mean = parts[0].map((_, p) => parts.reduce((sum, part) => sum + part[p], 0) / parts.length)
    let [left, worst, worstLeft] = [0, 0, 0]
    stack.pixels.forEach((value, p) => {
      const off = value - level - mean[p]
      if (mean[p] < 1) worstLeft = Math.max(worstLeft, off)
      if (mean[p] < 1 && off > 6 * Math.sqrt(225 / 8) + 20) left++
      if (mean[p] > 1000) worst = Math.max(worst, Math.abs(off) / mean[p])
    })
    t.equal(left, 0, `${method}: nothing is left of them (${worstLeft})`)
    if (method === 'clip') t.ok(worst < 0.12, `${method}: cores are off by ${worst}`)
    if (method !== 'clip') continue
    for (const { x, y } of field.stars.filter(
      (s) => s.flux > 30000 && s.x > 20 && s.x < 280 && s.y > 20 && s.y < 280,
    )) {
      const ratio = fluxAt(stack.pixels, 300, x, y, 10, level) / fluxAt(mean, 300, x, y, 10, 0)
      t.ok(Math.abs(ratio - 1) < 0.015, `flux ${ratio}`)
    }
  }
})

t.test('a frame in which stars are trails keeps its light in the stack', async (t) => {
  const cwd = t.testdir()
  const field = { ...sky(12, 60, 400), fwhm: 3.2 }
  const steps = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]
  const still = expose(field, HERE, 0, false)
  const moved = steps.map((step) => expose(field, turn(0, 0.8 * step, 0.6 * step), 0, false))
  const trailed = still.map((_, p) => moved.reduce((sum, one) => sum + one[p], 0) / steps.length)
  for (let k = 0; k < 10; k++) {
    const { normal } = random(70 + k)
    const pixels = (k === 6 ? trailed : still).map((value) => value + normal() * Math.sqrt(25 + value))
    writeFrame(join(cwd, `ali/f${k}.fits`), pixels, 400, { cards: ALIGNED })
  }
  const { code, stderr } = stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'deep'))
  t.equal(code, 0, stderr)
  const stack = readFrame(join(cwd, 'deep/stack_M67_r.fits'))
  const bright = field.stars.filter((one) => one.flux > 1e4 && [one.x, one.y].every((at) => at > 25 && at < 375))
  const lightOf = (pixels: Float32Array, level: number) =>
    bright.reduce((sum, { x, y }) => sum + fluxAt(pixels, 400, x, y, 14, level), 0)
  const ratio = lightOf(stack.pixels, numberOf(stack.header, 'SKYLEV')!) / lightOf(still, 200)
  t.ok(Math.abs(ratio - 1) < 0.002, `${bright.length} stars have ${ratio} of their light`)
})

t.test('saturated stars keep their cores, and are marked', async (t) => {
  const cwd = t.testdir()
  const field = sky(3, 40, 200)
  for (const k of [0, 1, 2, 3]) {
    const pixels = expose(field, HERE, 40 + k)
    const mask = new Int16Array(40000)
    for (let v = 99; v <= 101; v++)
      for (let u = 99; u <= 101; u++) {
        pixels[v * 200 + u] = 60000
        mask[v * 200 + u] = MaskBit.saturated
      }
    mask[150 * 200 + 60] = MaskBit.bad
    pixels[150 * 200 + 60] = 5e6
    if (k === 0) mask[20 * 200 + 30] = MaskBit.saturated
    writeFrame(join(cwd, `ali/f${k}.fits`), pixels, 200, { cards: ALIGNED, mask })
  }
  t.equal(stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'deep')).code, 0)
  const { pixels, mask, header } = readFrame(join(cwd, 'deep/stack_M67_r.fits'))
  t.ok(Math.abs(pixels[100 * 200 + 100] / 60000 - 1) < 0.2)
  t.equal(mask![100 * 200 + 100], MaskBit.saturated)
  t.equal(mask![20 * 200 + 30], 0, 'one frame of four is set aside, the others tell')
  t.equal(mask![150 * 200 + 60], MaskBit.noData | MaskBit.bad)
  t.ok(Number.isNaN(pixels[150 * 200 + 60]))
  t.equal(numberOf(header, 'NSAT'), 9)
})

t.test('a mosaic, a stack for each filter and one of all', async (t) => {
  const cwd = t.testdir()
  const field = sky(4, 500, 300, 150)
  const place = (k: number, x: number, y: number, filter: string) => {
    const pixels = expose(field, turn(0, -x, -y), 50 + k)
    const cards: Extra['cards'] = [
      ['ALIGNREF', 'f0.fits'],
      ['FILTER', filter],
      ['EXPTIME', 10],
    ]
    if (x || y) cards.push(['GRIDX0', x], ['GRIDY0', y])
    writeFrame(join(cwd, `ali/f${k}.fits`), pixels, 300, { cards })
  }
  place(0, 0, 0, 'r')
  place(1, 100, -60, 'r')
  place(2, 0, 0, 'g')
  const { code, stdout } = stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'deep'))
  t.equal(code, 0)
  t.same(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('/').at(-1)),
    ['stack_M67_all.fits', 'stack_M67_g.fits', 'stack_M67_r.fits'],
  )
  const stack = readFrame(join(cwd, 'deep/stack_M67_r.fits'))
  t.same([stack.width, stack.height], [400, 360])
  const { file, hdu } = plane(join(cwd, 'deep/stack_M67_r.fits'), 'COVERAGE')
  t.ok(hdu)
  file.close()
  const at = (x: number, y: number) => stack.pixels[(y + 60) * 400 + x]
  t.ok(Number.isNaN(at(390, 290)) && Number.isNaN(at(10, -50)))
  t.ok(Number.isFinite(at(10, 290)) && Number.isFinite(at(390, -50)) && Number.isFinite(at(200, 100)))
})

t.test('frames that are not on one grid are told to be aligned', async (t) => {
  const cwd = t.testdir()
  const cards = (x: number): Extra['cards'] => [
    ['CRVAL1', 10],
    ['CRVAL2', 20],
    ['CRPIX1', x],
    ['CRPIX2', 50],
  ]
  for (const k of [0, 1, 2])
    writeFrame(join(cwd, `raw/f${k}.fits`), expose(sky(1, 40, 100), HERE, k), 100, { cards: cards(k === 2 ? 60 : 50) })
  const { code } = stacking('-s', join(cwd, 'raw'), '-r', join(cwd, 'deep'))
  t.equal(code, 0)
  const rows = rowsOf(readFileSync(join(cwd, 'deep/stacking.csv'), 'utf8').replaceAll('"', ''))
  t.match(rows[2], { status: 'rejected', reason: /100x100 at/ })
  t.equal(rows[0].status, 'done')
})

t.test('the same bytes whatever the workers and the memory; a second run does nothing', async (t) => {
  const cwd = t.testdir()
  const field = sky(6, 200, 700)
  for (const k of [0, 1, 2]) writeFrame(join(cwd, `ali/f${k}.fits`), expose(field, HERE, k), 700, { cards: ALIGNED })
  const run = (out: string, ...more: string[]) => stacking('-s', join(cwd, 'ali'), '-r', join(cwd, out), ...more).code
  t.equal(run('one', '--workers', '1'), 0)
  t.equal(run('two', '--workers', '2', '--memory', '100M'), 0)
  t.ok(readFileSync(join(cwd, 'one/stack_M67_r.fits')).equals(readFileSync(join(cwd, 'two/stack_M67_r.fits'))))
  t.match(stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'one'), '--dry-run').stdout, /^current/)
  t.notOk(existsSync(join(cwd, 'one/stack_M67_all.fits')))
})
