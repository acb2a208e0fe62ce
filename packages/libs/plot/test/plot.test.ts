import { spawnSync } from 'node:child_process'
import { inflateSync } from 'node:zlib'
import { lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import {
  binCounts,
  chart,
  encodePng,
  type Figure,
  percentileCuts,
  pictureFigure,
  renderPng,
  stretched,
  zscale,
} from '../src/index.js'
import { rangeOf, ticks, timeTicks } from '../src/scale.js'
import { render } from '../src/write.js'

const labels = (made: { label: string }[]) => made.map((tick) => tick.label)

t.test('ticks are round numbers inside the range, about as many as asked for', async (t) => {
  t.same(labels(ticks({ low: -2.3, high: 5.1, log: false }, 6)), ['-2', '0', '2', '4'])
  t.same(labels(ticks({ low: 0.0012, high: 0.0031, log: false }, 4)), ['0.0015', '0.0020', '0.0025', '0.0030'])
  t.same(labels(ticks({ low: 0.5, high: 2000, log: true }, 6)), ['1', '10', '100', '1000'])
  for (const [low, high] of [
    [-1e9, 1e9],
    [1e-12, 3e-12],
    [5, 5.0001],
  ]) {
    const made = ticks({ low, high, log: false }, 6)
    t.ok(made.length >= 3 && made.length <= 13, `${low} … ${high}: ${made.length}`)
    t.ok(made.every(({ value }) => value >= low - 1e-9 * Math.abs(low) && value <= high + 1e-9 * Math.abs(high)))
  }
  t.same(labels(timeTicks(60000, 60030, 5)), ['2023-02-25', '2023-03-07', '2023-03-17', '2023-03-27'])
  t.match(timeTicks(60000.5, 60000.55, 5)[0].label, /^\d\d:\d\d$/)
})

t.test('a range leaves out what is not finite, and is never empty', async (t) => {
  t.same(rangeOf([Number.NaN, 0, 10, Number.POSITIVE_INFINITY]), [-0.5, 10.5])
  t.same(rangeOf([3]), [1.5, 4.5])
  t.same(rangeOf([]), [0, 1])
  const [low, high] = rangeOf([-5, 0, 1, 100], true)
  t.ok(low > 0 && low < 1 && high > 100)
})

t.test('a histogram counts every value in range once', async (t) => {
  t.same(binCounts([0, 0.1, 0.5, 0.99, 1, -1, 2, Number.NaN], 2, [0, 1]), [2, 3])
})

t.test('a chart with hostile values is well formed and draws only what is finite', async (t) => {
  const x = [0, 1, 2, 3]
  const y = [1, Number.NaN, Number.POSITIVE_INFINITY, 2]
  const { svg } = chart({
    title: 'a < b & "c"',
    x: { label: 'x' },
    y: { label: 'y' },
    series: [
      { kind: 'points', x, y, error: [0.1, 0.1, 0.1, Number.NaN], label: 'one' },
      { kind: 'line', x, y },
      { kind: 'histogram', values: [] },
    ],
  })
  t.match(svg, 'a &lt; b &amp; &quot;c&quot;')
  t.notMatch(svg, 'NaN')
  t.notMatch(svg, 'Infinity')
  t.equal(svg.match(/h0/g)?.length, 2)
})

/** The rows of a PNG, each with its leading filter byte. */
function rowsOf(png: Buffer): Buffer {
  const start = png.indexOf('IDAT')
  return inflateSync(png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4)))
}

t.test('a PNG decodes to the pixels that went in', async (t) => {
  const pixels = Uint8Array.from({ length: 3 * 5 * 4 }, (_, k) => (k * 7) % 256)
  const png = Buffer.from(encodePng(pixels, 5, 4))
  t.equal(png.subarray(1, 4).toString(), 'PNG')
  const rows = rowsOf(png)
  for (let y = 0; y < 4; y++) {
    t.same([...rows.subarray(y * 16 + 1, (y + 1) * 16)], [...pixels.subarray(y * 15, (y + 1) * 15)])
  }
})

t.test('a figure renders to PNG of its size, with text on it', async (t) => {
  const blank = { x: { label: '' }, y: { label: '' }, series: [], width: 400, height: 300 }
  const png = Buffer.from(await renderPng(chart({ ...blank, title: '' })))
  const titled = Buffer.from(await renderPng(chart({ ...blank, title: 'a title of some length' })))
  t.equal(png.readUInt32BE(16), 400)
  t.equal(png.readUInt32BE(20), 300)
  t.ok(titled.length > png.length + 500, 'letters were drawn, so the font was found')
})

const LONG =
  'M 31 (lscnrs01-fl09-20180215-0024-e00, fibre 0): -301.2345 km/s +- 12.3 m/s, against MIMIMIMI MWMWMWMW WWWWWWWW MMMMMMMM'
t.test('titles of any length stay inside of their figure, above its frame', async (t) => {
  const blank = { x: { label: '' }, y: { label: '' }, series: [] }
  const axes = (title: string, width: number) => chart({ ...blank, title, width, height: 300 })
  for (const width of [300, 640, 1000]) {
    const bare = await pixelsOf(axes('', width))
    for (const title of [
      LONG.slice(0, 30),
      LONG.slice(0, 60),
      LONG,
      LONG.replaceAll(/[^a-z0-9]/gi, ''),
      `${LONG} ${LONG}`,
    ]) {
      const drawn = await pixelsOf(axes(title, width))
      const changed = Array.from(drawn, (value, k) => (value !== bare[k] ? k : -1)).filter((k) => k >= 0)
      const columns = changed.map((k) => k % width)
      t.ok(changed.length > 500, 'something is written')
      t.ok(Math.min(...columns) >= 4 && Math.max(...columns) < width - 4, `${width}: ${title}`)
      t.ok(Math.max(...changed) < 54 * width && Math.min(...changed) > 2 * width, `${width}: ${title}`)
    }
  }
  t.match(axes('short', 640).svg, /<text x="320" y="36" text-anchor="middle" font-weight="bold">short</)
})

/** One channel of a figure as it is rendered. */
async function pixelsOf(figure: Figure): Promise<Uint8Array> {
  const { pixels } = await render(figure)
  return Uint8Array.from({ length: pixels.length / 4 }, (_, k) => pixels[4 * k + 1]!)
}

t.test('a legend goes where it hides the fewest points', async (t) => {
  const at = (x: number[], y: number[]) => {
    const range = { label: '', range: [0, 1] as const }
    const { svg } = chart({ title: '', x: range, y: range, series: [{ kind: 'points', x, y, label: 'one' }] })
    const [, left, top] = /<rect x="([\d.]+)" y="([\d.]+)"[^>]*fill-opacity/.exec(svg)!
    return `${Number(top) < 200 ? 'upper' : Number(top) < 400 ? 'middle' : 'lower'} ${Number(left) < 500 ? 'left' : 'right'}`
  }
  t.equal(at([0.5], [0.5]), 'upper right')
  t.equal(at([0.95], [0.95]), 'upper left')
  t.equal(at([0.95, 0.05], [0.95, 0.95]), 'lower right')
  t.equal(at([0.95, 0.05, 0.95], [0.95, 0.95, 0.05]), 'lower left')
  t.equal(at([0.95, 0.05, 0.95, 0.05], [0.95, 0.95, 0.05, 0.05]), 'middle right')
})

t.test('the first row of an image is at the bottom of its picture', async (t) => {
  const pixels = Float32Array.from([1, 1, 1, 0, 0, 0])
  const { svg } = pictureFigure({ title: '', pixels, width: 3, height: 2, cuts: { low: 0, high: 1 }, unit: '' })
  const png = Buffer.from(/base64,([^"]+)/.exec(svg)?.[1] ?? '', 'base64')
  t.equal(png[25], 0, 'a picture without colour is written in grey')
  t.same([...rowsOf(png)], [0, 0, 0, 0, 0, 255, 255, 255])
})

t.test('a pixel without a value is red in a picture, the others stay grey', async (t) => {
  const pixels = Float32Array.from([1, Number.NaN, 0])
  const { svg } = pictureFigure({ title: '', pixels, width: 3, height: 1, cuts: { low: 0, high: 1 }, unit: '' })
  const png = Buffer.from(/base64,([^"]+)/.exec(svg)?.[1] ?? '', 'base64')
  t.equal(png[25], 2)
  t.same([...rowsOf(png)], [0, 255, 255, 255, 200, 0, 0, 0, 0, 0])
})

t.test('stretches rise from 0 to 1 between the cuts', async (t) => {
  for (const kind of ['linear', 'asinh', 'log'] as const) {
    const values = [-1, 0, 2, 5, 9, 10, 11].map((v) => stretched(v, { low: 0, high: 10 }, kind))
    t.equal(values[0], 0)
    t.ok(Math.abs(values[5] - 1) < 1e-12)
    t.ok(values.every((v, k) => k === 0 || v >= values[k - 1]))
  }
  t.same(percentileCuts([1, 1, 1]), { low: 0.5, high: 1.5 })
})

t.test('zscale agrees with astropy on a sky with stars', { skip: lackingPython('astropy') }, async (t) => {
  const side = 90
  const sky = Array.from({ length: side * side }, (_, k) => {
    const wave = Math.sin(k * 12.9898) * 43758.5453
    const star = k % 397 === 0 ? 5000 : 0
    return 100 + 10 * (wave - Math.floor(wave) - 0.5) + star
  })
  const script = `
import json, sys, numpy as np
from astropy.visualization import ZScaleInterval
print(json.dumps(ZScaleInterval(n_samples=10000, contrast=0.25).get_limits(np.array(json.load(sys.stdin)))))`
  const { stdout } = spawnSync(PYTHON, ['-c', script], { input: JSON.stringify(sky), encoding: 'utf8' })
  const [low, high] = JSON.parse(stdout)
  const cuts = zscale(sky)
  // The two clip with slightly different growth about rejected values: a tenth of the range is the same to the eye.
  t.ok(Math.abs(cuts.low - low) < 0.1 * (high - low), `${cuts.low} and ${low}`)
  t.ok(Math.abs(cuts.high - high) < 0.1 * (high - low), `${cuts.high} and ${high}`)
})
