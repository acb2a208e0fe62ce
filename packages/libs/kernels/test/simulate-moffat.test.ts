import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

const SIZE = 128

/** A normalised elliptical Moffat profile on an empty image. */
function render(
  cx: number,
  cy: number,
  ax: number,
  ay: number,
  angle: number,
  beta: number,
  size = SIZE,
): Float32Array {
  return scoped(() => {
    const image = allocate(Float32Array, size * size).fill(0)
    const [c, s] = [Math.cos(angle), Math.sin(angle)]
    const xx = (c / ax) ** 2 + (s / ay) ** 2
    const yy = (s / ax) ** 2 + (c / ay) ** 2
    const xy = 2 * c * s * (1 / ax ** 2 - 1 / ay ** 2)
    const peak = (beta - 1) / (Math.PI * ax * ay)
    const core = Math.min(ax, ay)
    kernels().simulateMoffat(image.byteOffset, size, 0, size, 0, size, cx, cy, 2 * size, xx, xy, yy, beta, peak, core)
    return image.slice()
  })
}

const sumOf = (image: Float32Array) => image.reduce((sum, value) => sum + value, 0)

t.test('the flux of a star is conserved to 1e-4 wherever its centre lies in the pixel', async (t) => {
  for (const [alpha, beta] of [
    [0.8, 3],
    [1.5, 2.5],
    [3, 4.765],
  ] as const) {
    for (const [fx, fy] of [
      [0, 0],
      [0.5, 0.5],
      [0.13, 0.71],
    ] as const) {
      const image = render(64 + fx, 64 + fy, alpha, alpha, 0, beta)
      // What falls beyond the square: less than beyond the largest circle in it.
      const outside = (1 + (63 / alpha) ** 2) ** (1 - beta)
      t.ok(Math.abs(sumOf(image) - 1) < 1e-5 + outside, `alpha ${alpha}: ${sumOf(image) - 1}, outside ${outside}`)
    }
  }
})

t.test('pixels hold the integral of an elliptical profile, as a fine midpoint sum gives it', async (t) => {
  const [cx, cy, ax, ay, angle, beta] = [20.3, 19.6, 1.4, 1.9, 0.6, 3.2]
  const image = render(cx, cy, ax, ay, angle, beta, 40)
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const fine = 400
  for (const [x, y] of [
    [20, 20],
    [21, 19],
    [23, 22],
    [28, 12],
    [39, 39],
    [0, 20],
  ] as const) {
    let sum = 0
    for (let j = 0; j < fine; j++) {
      for (let i = 0; i < fine; i++) {
        const dx = x - 0.5 + (i + 0.5) / fine - cx
        const dy = y - 0.5 + (j + 0.5) / fine - cy
        const q = ((c * dx + s * dy) / ax) ** 2 + ((c * dy - s * dx) / ay) ** 2
        sum += ((beta - 1) / (Math.PI * ax * ay)) * (1 + q) ** -beta
      }
    }
    sum /= fine ** 2
    const found = image[40 * y + x]!
    // float32 polynomials, and the quadrature of the kernel
    t.ok(Math.abs(found - sum) < 1e-5 * sum + 1e-6 * image[40 * 20 + 20]!, `${x},${y}: ${found} of ${sum}`)
  }
})

t.test('the light is centred where it was put, and a clipped window changes no pixel inside it', async (t) => {
  const image = render(60.25, 61.75, 1.7, 1.7, 0, 3.5)
  let [sx, sy] = [0, 0]
  for (let y = 30; y < 93; y++) {
    for (let x = 30; x < 92; x++) {
      sx += image[SIZE * y + x]! * (x - 60.25)
      sy += image[SIZE * y + x]! * (y - 61.75)
    }
  }
  t.ok(Math.hypot(sx, sy) < 1e-3, `centroid off by ${sx}, ${sy}`) // the window is not centred to the half pixel
  scoped(() => {
    const part = allocate(Float32Array, SIZE * SIZE).fill(0)
    const a = 1 / 1.7 ** 2
    const star = [60.25, 61.75, 100, a, 0, a, 3.5, 2.5 / (Math.PI * 1.7 ** 2), 1.7] as const
    kernels().simulateMoffat(part.byteOffset, SIZE, 50, 69, 58, 63, ...star)
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        const inside = x >= 50 && x < 69 && y >= 58 && y < 63
        const [found, whole] = [part[SIZE * y + x]!, image[SIZE * y + x]!]
        // How finely a pixel is integrated depends on its block of four, and blocks begin at the window.
        if (inside ? Math.abs(found - whole) > 1e-4 * whole + 1e-6 : found !== 0)
          t.fail(`pixel ${x},${y}: ${found}, ${whole}`)
      }
    }
  })
})
