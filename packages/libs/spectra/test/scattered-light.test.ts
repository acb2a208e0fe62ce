import { random } from '@nightpipe/math'
import t from 'tap'
import {
  emptyTraces,
  scatteredLight,
  setColumnsOnDetector,
  subtractScatteredLightInPlace,
  type Traces,
  traceY,
} from '../src/index.js'
import { fitSurface, surfaceAt } from '../src/spline-surface.js'

const [WIDTH, HEIGHT, ORDERS] = [1024, 1024, 20]
const READ_NOISE = 6
const SIGMA = 1.7

/** Orders 48 px apart, three fibres 16 px apart, curved: as tight as the red end of NRES, almost. */
function makeTraces(): Traces {
  const traces = emptyTraces({ width: WIDTH, height: HEIGHT, orders: ORDERS, fibres: 3, terms: 3, rows: 11, blocks: 0 })
  for (let order = 0; order < ORDERS; order++) {
    for (let fibre = 0; fibre < 3; fibre++) {
      const at = 3 * (order * 3 + fibre)
      traces.coefficients.set([50 + 49 * order + 16 * (1 - fibre), -1, 12], at)
      setColumnsOnDetector(traces, order, fibre)
    }
  }
  return traces
}

const blaze = (x: number) => Math.sin((Math.PI * (x + 30)) / (WIDTH + 60)) ** 2
const scattered = (x: number, y: number) =>
  8 + 30 * Math.exp(-(((x - 600) / 350) ** 2) - ((y - 400) / 420) ** 2) + (6 * y) / HEIGHT + 0.01 * (x - 500)

/** Two fibres lit, `peak` electrons in their brightest row; scattered light; photon and read noise. */
function makeFrame(traces: Traces, peaks: readonly number[], seed: number, spikes = 0): Float32Array {
  const { normal, poisson, uniform } = random(seed)
  const light = new Float64Array(WIDTH * HEIGHT)
  for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) light[y * WIDTH + x] = scattered(x, y)
  for (let order = 0; order < ORDERS; order++) {
    for (let fibre = 0; fibre < 3; fibre++) {
      for (let x = 0; x < WIDTH; x++) {
        const centre = traceY(traces, order, fibre, x)
        const peak = peaks[fibre]! * blaze(x)
        for (let y = Math.max(0, Math.round(centre) - 9); y <= Math.min(HEIGHT - 1, Math.round(centre) + 9); y++) {
          light[y * WIDTH + x] += peak * Math.exp(-(((y - centre) / SIGMA) ** 2) / 2)
        }
      }
    }
  }
  const pixels = Float32Array.from(light, (value) => poisson(value) + READ_NOISE * normal())
  for (let k = 0; k < spikes; k++) pixels[Math.floor(uniform() * pixels.length)]! += 5000 * uniform()
  return pixels
}

/** Truth minus surface where the orders lie: mean and rms, electrons a pixel. */
function misfit(found: NonNullable<ReturnType<typeof scatteredLight>>, traces: Traces) {
  let [n, sum, squares, worst] = [0, 0, 0, 0]
  for (let order = 0; order < ORDERS; order++) {
    for (let x = 3; x < WIDTH; x += 7) {
      const y = traceY(traces, order, 0, x)
      if (y < 8 || y > HEIGHT - 8) continue
      const off = surfaceAt(found.surface, x, y) - scattered(x, y)
      n++
      sum += off
      squares += off * off
      worst = Math.max(worst, Math.abs(off))
    }
  }
  return { mean: sum / n, rms: Math.sqrt(squares / n), worst }
}

t.test('scattered light is found to a small part of the noise of a faint fibre', async (t) => {
  const traces = makeTraces()
  for (const [name, peaks, spikes] of [
    ['star and lamp', [400, 2000, 0], 0],
    ['a faint star', [20, 500, 0], 0],
    ['a thousand cosmic rays', [400, 2000, 0], 1000],
    ['a flat', [0, 20000, 20000], 0],
  ] as const) {
    const found = scatteredLight({ width: WIDTH, height: HEIGHT, pixels: makeFrame(traces, peaks, 5, spikes) }, traces)!
    const { mean, rms, worst } = misfit(found, traces)
    // noise of one column of a fibre without light of its own: 11 rows of read noise and scattered light
    const noise = Math.sqrt(11 * (READ_NOISE ** 2 + found.median))
    t.comment(`${name}: ${found.cells} cells, mean ${mean}, rms ${rms}, worst ${worst}; a column ${noise}`)
    // 7 px from the centre a Gaussian of 1.7 px still has 2e-4 of its peak: that much light of a bright order is taken
    const wings = 11 * 7e-5 * Math.max(...peaks)
    t.ok(Math.abs(11 * mean) < 0.03 * noise + wings, `${name}: mean ${mean}`)
    t.ok(11 * rms < 0.15 * noise + wings, `${name}: rms ${rms}`)
  }
})

t.test('no light of the orders is taken: what is found in a frame without scattered light is nothing', async (t) => {
  const traces = makeTraces()
  const peaks = [0, 20000, 20000] as const
  const pixels = makeFrame(traces, peaks, 7)
  for (let p = 0; p < pixels.length; p++) pixels[p] -= scattered(p % WIDTH, Math.floor(p / WIDTH))
  const found = scatteredLight({ width: WIDTH, height: HEIGHT, pixels }, traces)!
  const inOrder = 20000 * SIGMA * Math.sqrt(2 * Math.PI)
  t.ok(Math.abs(11 * found.median) < 2e-4 * inOrder, `${11 * found.median} of ${inOrder} electrons`)
  t.ok(11 * Math.max(found.highest, -found.lowest) < 4e-4 * inOrder, `${found.lowest} to ${found.highest}`)
})

t.test('subtracting it in place leaves the ground of a frame at zero, and masked pixels do not count', async (t) => {
  const traces = makeTraces()
  const pixels = makeFrame(traces, [400, 2000, 0], 9)
  const mask = new Int16Array(pixels.length)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 300; x < 340; x++) {
      pixels[y * WIDTH + x] = 1e5
      mask[y * WIDTH + x] = 2
    }
  }
  const found = scatteredLight({ width: WIDTH, height: HEIGHT, pixels, mask }, traces)!
  subtractScatteredLightInPlace(found, pixels)
  let [sum, n] = [0, 0]
  for (let order = 0; order < ORDERS; order++) {
    for (let x = 0; x < WIDTH; x++) {
      const y = Math.round(traceY(traces, order, 2, x))
      if (mask[y * WIDTH + x] !== 0 || y < 0) continue
      sum += pixels[y * WIDTH + x]!
      n++
    }
  }
  t.ok(Math.abs(sum / n) < 0.25, `${sum / n} electrons in the dark fibre`)
})

/** Bumps of light about saturated lines, 40 px wide: where they are, and how high. */
const BUMPS = [
  [300, 310, 60],
  [520, 700, 120],
  [850, 450, 90],
] as const
const bumps = (x: number, y: number) =>
  BUMPS.reduce((sum, [bx, by, peak]) => sum + peak * Math.exp(-((x - bx) ** 2 + (y - by) ** 2) / 2 / 40 ** 2), 0)

t.test('light scattered about bright lines is followed, and a surface without it is no finer for it', async (t) => {
  const traces = makeTraces()
  const smooth = makeFrame(traces, [400, 2000, 0], 13)
  const bumpy = smooth.map((value, p) => value + bumps(p % WIDTH, Math.floor(p / WIDTH)))
  const [plain, found] = [smooth, bumpy].map(
    (pixels) => scatteredLight({ width: WIDTH, height: HEIGHT, pixels }, traces)!,
  )
  t.ok(plain!.surface.x.pieces <= 8 && found!.surface.x.pieces >= 14, 'pieces of 130 px at least, and of 73 at most')
  let worst = 0
  for (const [bx, by] of BUMPS)
    for (let x = bx - 80; x <= bx + 80; x += 10)
      for (let y = by - 80; y <= by + 80; y += 10)
        worst = Math.max(worst, Math.abs(surfaceAt(found!.surface, x, y) - scattered(x, y) - bumps(x, y)))
  // an even surface is off by nearly all of the highest
  t.ok(worst < 20, `${worst} of 120 electrons`)
})

t.test('orders without room between them tell nothing', async (t) => {
  const traces = { ...makeTraces(), rows: 30 }
  t.equal(scatteredLight({ width: WIDTH, height: HEIGHT, pixels: new Float32Array(WIDTH * HEIGHT) }, traces), undefined)
})

t.test('a plane goes through a surface unchanged, also where there are no points', async (t) => {
  const places = Array.from({ length: 400 }, (_, k) => [(k % 20) * 5, Math.floor(k / 20) * 5] as const)
  const kept = places.filter(([x, y]) => !(x > 30 && x < 60 && y > 20 && y < 70))
  const column = (of: (place: readonly [number, number]) => number) => Float64Array.from(kept, of)
  const points = { x: column(([x]) => x), y: column(([, y]) => y), value: column(([x, y]) => 3 + 0.2 * x - 0.1 * y) }
  const axis = { low: 0, high: 95, pieces: 8 }
  const surface = fitSurface({ ...points, weight: column(() => 1) }, axis, axis)
  for (const [x, y] of places) t.ok(Math.abs(surfaceAt(surface, x, y) - (3 + 0.2 * x - 0.1 * y)) < 1e-6)
})
