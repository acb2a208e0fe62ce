import { allocate, scoped } from '@nightpipe/kernels'
import t from 'tap'
import {
  addStar,
  addTrailedStar,
  type Canvas,
  drawingRadius,
  fluxBeyond,
  pointSpread,
} from '../src/imaging/point-spread.js'
import { addTrail, crossSection } from '../src/imaging/satellite.js'

const SIZE = 160

function painted(paint: (canvas: Canvas) => void): Float32Array {
  return scoped(() => {
    const canvas = { pixels: allocate(Float32Array, SIZE * SIZE).fill(0), width: SIZE, height: SIZE }
    paint(canvas)
    return canvas.pixels.slice()
  })
}

/** Sum, centre and second moments. */
function moments(image: Float32Array) {
  const sums = { flux: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0 }
  image.forEach((value, p) => {
    const [x, y] = [p % SIZE, Math.floor(p / SIZE)]
    sums.flux += value
    sums.x += value * x
    sums.y += value * y
    sums.xx += value * x * x
    sums.yy += value * y * y
    sums.xy += value * x * y
  })
  const [x, y] = [sums.x / sums.flux, sums.y / sums.flux]
  const second = (value: number, a: number, b: number) => value / sums.flux - a * b
  return { flux: sums.flux, x, y, xx: second(sums.xx, x, x), yy: second(sums.yy, y, y), xy: second(sums.xy, x, y) }
}

t.test('a star has its flux to 1e-4 within the radius to which it is drawn', async (t) => {
  for (const [fwhm, beta, ellipticity] of [
    [1.6, 3, 0],
    [3.2, 3.2, 0.2],
    [5, 4.7, 0.5],
  ] as const) {
    const spread = pointSpread(fwhm, beta, ellipticity, 0.7)
    const radius = drawingRadius(spread, 1e4, 1e9)
    const { flux, x, y } = moments(painted((canvas) => addStar(canvas, 80.37, 79.81, 1e4, radius, spread)))
    t.ok(fluxBeyond(spread, radius) < 1e-4)
    t.ok(Math.abs(flux / 1e4 - 1) < 1.5e-4, `fwhm ${fwhm}: ${flux}`) // 1e-4 is left out on purpose
    t.ok(Math.hypot(x - 80.37, y - 79.81) < 2e-3, `centre ${x}, ${y}`)
  }
})

t.test('a bright star is drawn as far as anybody sees it', async (t) => {
  const spread = pointSpread(3, 3, 0, 0)
  const radius = drawingRadius(spread, 1e9, 1)
  t.ok(1e9 * spread.peak * (1 + (radius / spread.wide) ** 2) ** -3 < 1)
  t.ok(radius > drawingRadius(spread, 1e4, 1))
})

t.test('the width at half maximum and the axis ratio are those asked for', async (t) => {
  const spread = pointSpread(8, 3.5, 0.4, 0.5)
  const value = (u: number, v: number) => (1 + spread.xx * u * u + spread.xy * u * v + spread.yy * v * v) ** -3.5
  const [c, s] = [Math.cos(0.5), Math.sin(0.5)]
  const half = (major: boolean) => {
    let r = 0
    while ((major ? value(r * c, r * s) : value(-r * s, r * c)) > 0.5) r += 1e-4
    return r
  }
  t.ok(Math.abs(half(false) / half(true) - 0.6) < 1e-3)
  t.ok(Math.abs(2 * Math.sqrt(half(false) * half(true)) - 8) < 1e-3)
})

t.test('a trailed star keeps its flux and centre, and is longer by the variance of its way', async (t) => {
  const spread = pointSpread(3, 6, 0, 0)
  const radius = 60
  const still = moments(painted((canvas) => addStar(canvas, 80, 80, 1e5, radius, spread)))
  for (const length of [0.4, 3, 12]) {
    const [dx, dy] = [length * Math.cos(0.3), length * Math.sin(0.3)]
    const moved = moments(painted((canvas) => addTrailedStar(canvas, 80, 80, dx, dy, 1e5, radius, spread)))
    t.ok(Math.abs(moved.flux / still.flux - 1) < 1e-5)
    t.ok(Math.hypot(moved.x - 80, moved.y - 80) < 1e-3)
    t.ok(Math.abs(moved.xx - still.xx - dx ** 2 / 12) < 2e-3 * (1 + length ** 2 / 12))
    t.ok(Math.abs(moved.xy - still.xy - (dx * dy) / 12) < 2e-3 * (1 + length ** 2 / 12))
  }
})

t.test('stars at the edge, in a corner and far outside change only pixels of the frame', async (t) => {
  const spread = pointSpread(3, 3, 0, 0)
  for (const [x, y, part] of [
    [-0.5, 80, 0.5],
    [-0.5, -0.5, 0.25],
    [159.5, 159.5, 0.25],
    [-500, 20, 0],
  ] as const) {
    const { flux } = moments(painted((canvas) => addStar(canvas, x, y, 1, 60, spread)))
    t.ok(Math.abs((flux || 0) - part) < 2e-3, `${x}, ${y}: ${flux}`)
  }
})

t.test('a satellite leaves the same light on every pixel of its way, at any angle', async (t) => {
  const spread = pointSpread(3, 3.2, 0, 0)
  const profile = crossSection(spread)
  let area = 0
  for (let d = -200; d < 200; d += 0.01) area += profile(d) * 0.01
  t.ok(Math.abs(area - 1) < 1e-3)
  for (const angle of [0, 0.4, Math.PI / 4, 1.3, Math.PI / 2, 2.8]) {
    const image = painted((canvas) => addTrail(canvas, { x: 80, y: 80, angle, light: 100 }, spread, 0.1))
    // Along a row (or column) the light is spread over 1 / |cos| pixels of way.
    const steep = Math.abs(Math.sin(angle)) > Math.abs(Math.cos(angle))
    let sum = 0
    for (let k = 0; k < SIZE; k++) sum += steep ? image[80 * SIZE + k]! : image[k * SIZE + 80]!
    const way = 1 / Math.max(Math.abs(Math.sin(angle)), Math.abs(Math.cos(angle)))
    t.ok(Math.abs(sum / (100 * way) - 1) < 5e-3, `angle ${angle}: ${sum / (100 * way)}`) // wings beyond its reach
  }
})
