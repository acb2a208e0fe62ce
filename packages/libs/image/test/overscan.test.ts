import { random } from '@nightpipe/math'
import t from 'tap'
import { type OverscanOptions, overscanLevel } from '../src/index.js'

const options: OverscanOptions = { method: 'median', fit: 'smooth', window: 51, order: 3 }
const WIDTH = 72
const HEIGHT = 600
const data = { x0: 0, y0: 0, x1: 40, y1: HEIGHT }
const overscan = { x0: 40, y0: 0, x1: WIDTH, y1: HEIGHT }

/** Rounded counts about `level(y)`, with read noise; a few pixels hit by cosmic rays. */
function raw(level: (y: number) => number, noise: number, hits = 0): Float32Array {
  const { normal, uniform } = random(4)
  const pixels = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) =>
    Math.round(level(Math.floor(p / WIDTH)) + noise * normal()),
  )
  for (let k = 0; k < hits; k++) pixels[Math.floor(uniform() * pixels.length)] += 5000
  return pixels
}

t.test('one level: no digit lost to rounding, nothing taken from cosmic rays, an honest error', async (t) => {
  const pixels = raw(() => 1000.37, 2, 40)
  const { level, error, noise, rows } = overscanLevel(pixels, WIDTH, overscan, data, options)
  t.ok(Math.abs(level - 1000.37) < 4 * error, `${level} +- ${error}`)
  // 2 ADU of noise, and 1/12 of rounding
  t.ok(Math.abs(noise - Math.sqrt(4 + 1 / 12)) < 0.03, `noise ${noise}`)
  t.ok(Math.abs(error - noise / Math.sqrt(32 * HEIGHT)) < 1e-3)
  t.equal(rows, undefined)
  const mean = overscanLevel(pixels, WIDTH, overscan, data, { ...options, method: 'mean' })
  t.ok(mean.level > level + 1, 'a plain mean does take from them')
})

t.test('levels of rows follow a drift, and add no more noise than they say', async (t) => {
  const drift = (y: number) => 1000 + 3 * Math.sin(y / 120)
  const pixels = raw(drift, 2, 10)
  const plain = 2 / Math.sqrt(32)
  for (const fit of ['none', 'smooth', 'polynomial', 'spline'] as const) {
    const order = 9
    const { rows, lineError } = overscanLevel(pixels, WIDTH, overscan, data, { ...options, method: 'rows', fit, order })
    const squares = rows!.reduce((sum, level, y) => sum + (level - drift(y)) ** 2, 0)
    const rms = Math.sqrt(squares / HEIGHT)
    t.comment(`${fit}: rms ${rms.toFixed(3)}, said ${lineError!.toFixed(3)}, unsmoothed ${plain.toFixed(3)}`)
    t.ok(rms < (fit === 'none' ? 1.15 * plain : 0.55 * plain), `${fit}: ${rms}`)
    t.ok(lineError! < 1.3 * rms && lineError! > 0.3 * rms, `${fit}: says ${lineError}`)
  }
})

t.test(
  'smoothed levels follow each row of an overscan without noise, and as closely as its noise allows',
  async (t) => {
    const { normal } = random(12)
    let walk = 1000
    const levels = Float32Array.from({ length: HEIGHT }, () => {
      walk += 0.8 * normal()
      return walk
    })
    const rowsOf = (noise: number) => {
      const pixels = Float32Array.from(
        { length: WIDTH * HEIGHT },
        (_, p) => levels[Math.floor(p / WIDTH)]! + noise * normal(),
      )
      return overscanLevel(pixels, WIDTH, overscan, data, { ...options, method: 'rows' })
    }
    const rms = (rows: Float32Array) =>
      Math.sqrt(rows.reduce((sum, level, y) => sum + (level - levels[y]!) ** 2, 0) / HEIGHT)
    t.ok(rms(rowsOf(0).rows!) < 1e-4, `without noise: ${rms(rowsOf(0).rows!)}`)
    // A row by itself is known to 3/sqrt(32) = 0.53; a mean of 51 rows is off by the walk, 3 ADU.
    const { rows, lineError } = rowsOf(3)
    t.ok(rms(rows!) < 0.56, `with noise: ${rms(rows!)}`)
    t.ok(lineError! > 0.7 * rms(rows!), `says ${lineError}`)
  },
)

t.test('columns, from an overscan above the data', async (t) => {
  const { normal } = random(9)
  const height = 90
  const above = { x0: 0, y0: 50, x1: 60, y1: height }
  const pixels = Float32Array.from({ length: 60 * height }, (_, p) => 500 + (p % 60) + normal())
  const { columns } = overscanLevel(
    pixels,
    60,
    above,
    { x0: 0, y0: 0, x1: 60, y1: 50 },
    { ...options, method: 'columns', window: 5 },
  )
  t.ok(columns!.every((level, x) => Math.abs(level - 500 - x) < 0.7))
})

t.test('an overscan that does not reach along the data gives one level', async (t) => {
  const short = { ...overscan, y0: 100 }
  const { method, rows } = overscanLevel(
    raw(() => 800, 2),
    WIDTH,
    short,
    data,
    { ...options, method: 'rows' },
  )
  t.same([method, rows], ['median', undefined])
})

t.test('missing values are left out, and a constant overscan is exact', async (t) => {
  const pixels = new Float32Array(WIDTH * HEIGHT).fill(321)
  for (let x = 40; x < WIDTH; x++) pixels[7 * WIDTH + x] = Number.NaN
  const { level, error, rows } = overscanLevel(pixels, WIDTH, overscan, data, { ...options, method: 'rows' })
  t.same([level, error], [321, 0])
  t.ok(rows!.every((value) => value === 321))
})
