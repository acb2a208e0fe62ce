import { random } from '@nightpipe/math'
import t from 'tap'
import { findStars } from '../src/index.js'
import { radiusHolding, roughRadius, sumCircle } from './oracle/aperture.js'
import { windowedCentroid } from './oracle/centroid.js'
import { circleOverlap, pixelInCircle } from './oracle/circle.js'
import { kronRadius, sumEllipse, totalVariance } from './oracle/kron.js'
import { cutStamp, newStamp, type Scene } from './oracle/scene.js'
import { fullWidth } from './oracle/width.js'

/** Two stars that touch, one at the edge of the frame, and bad pixels beside one. */
function frame() {
  const [width, height] = [90, 70]
  const { normal } = random(11)
  const pixels = Float32Array.from({ length: width * height }, () => 50 + 4 * normal())
  for (const [x, y, flux] of [
    [30.3, 30.6, 9000],
    [38.1, 33.2, 4000],
    [88.2, 20.4, 7000],
    [60.7, 55.1, 20000],
  ] as const) {
    for (let p = 0; p < pixels.length; p++) {
      const [dx, dy] = [(p % width) - x, Math.floor(p / width) - y]
      pixels[p] += (flux / (2 * Math.PI * 2.9)) * Math.exp(-(dx * dx * 1.2 + dy * dy) / 5.8)
    }
  }
  const mask = new Int16Array(pixels.length)
  mask[54 * width + 62] = mask[54 * width + 63] = 1
  return { name: 'four', width, height, pixels, mask }
}

t.test('the kernel measures what the plain code measures', async (t) => {
  const field = frame()
  const apertures = [2.2, 6]
  const gain = 2
  const found = findStars(field, { gain, apertures, deblendContrast: 0.001 })
  const { stars } = found
  t.ok(stars.count >= 4)
  const owner = found.segmentation()
  const rms = found.background.rms
  t.ok(rms.length === 1, 'one mesh: the noise is the same everywhere')
  const scene: Scene = { ...field, net: found.net, sky: rms[0] ** 2, perUnit: 1 / gain, owner }
  const stamp = newStamp()
  const scratch = new Float64Array(4000)
  for (let i = 0; i < stars.count; i++) {
    const [x, y, a] = [stars.xIsophotal[i], stars.yIsophotal[i], stars.a[i]]
    const half = Math.ceil(Math.max(6 * a, 8)) + 2
    cutStamp(stamp, scene, i + 1, x, y, half)
    const shape = ellipse(a, stars.b[i], stars.theta[i])
    const near = (ours: number, plain: number, what: string, tolerance = 1e-4) =>
      t.ok(Math.abs(ours - plain) <= tolerance * Math.max(1, Math.abs(plain)), `${what} ${ours} ${plain}`)
    const kron = Math.min(Math.max(2.5 * kronRadius(stamp, x, y, shape), 3.5), (half - 1) / a)
    // the ellipse is known here to the seven digits that the table keeps of it
    near(stars.kronRadius[i], kron, 'kron')
    const sum = { flux: 0, variance: 0 }
    sumEllipse(stamp, x, y, shape, kron, sum)
    near(stars.flux[i], sum.flux, 'flux')
    // the light of the filtered isophote is not in the table: 2 % of a term that is small itself
    const isophote = { area: stars.area[i], light: stars.isophotalFlux[i], sky: scene.sky }
    const variance = totalVariance(stamp, x, y, { ...shape, a }, kron, isophote)
    near(stars.fluxError[i], Math.sqrt(variance), 'error', 2e-3)
    t.ok(variance >= sum.variance)
    const rough = roughRadius(stamp, x, y, sum.flux / 2, Math.min(half, kron * a + 1), scratch)
    const centre = windowedCentroid(stamp, x, y, Math.max(1, (2 * rough) / 2.3548200450309493), scratch)
    near(stars.x[i], centre.x, 'x')
    near(stars.y[i], centre.y, 'y')
    near(stars.xError[i], centre.xError, 'error of x')
    near(stars.halfLight[i], radiusHolding(stamp, centre.x, centre.y, sum.flux / 2, rough, half), 'half light', 1e-3)
    if (stars.flux[i] > 20 * stars.fluxError[i]) {
      near(stars.fwhm[i], fullWidth(stamp, centre.x, centre.y, Math.min(half, 3 * a + 2)), 'width', 1e-3)
    }
    apertures.forEach((radius, k) => {
      sumCircle(stamp, centre.x, centre.y, radius, sum)
      near(stars.apertures.flux[k][i], sum.flux, 'circle')
      near(stars.apertures.error[k][i], Math.sqrt(sum.variance), 'its error')
    })
  }
})

function ellipse(a: number, b: number, degrees: number) {
  const theta = (degrees * Math.PI) / 180
  const [c, s] = [Math.cos(theta), Math.sin(theta)]
  const [ia, ib] = [1 / (a * a), 1 / (b * b)]
  return { b, xx: c * c * ia + s * s * ib, yy: s * s * ia + c * c * ib, xy: 2 * c * s * (ia - ib) }
}

t.test('the part of a pixel within a circle is exact', async (t) => {
  const { uniform } = random(5)
  let worst = 0
  for (let i = 0; i < 20000; i++) {
    const radius = 0.3 + 12 * uniform() ** 2
    const [x, y] = [(2 * uniform() - 1) * (radius + 1), (2 * uniform() - 1) * (radius + 1)]
    const exact = circleOverlap(x - 0.5, y - 0.5, x + 0.5, y + 0.5, radius)
    worst = Math.max(worst, Math.abs(pixelInCircle(x, y, radius) - exact))
  }
  t.ok(worst < 4e-4, `worst ${worst}`)
  let area = 0
  for (let y = -6; y <= 6; y++) for (let x = -6; x <= 6; x++) area += pixelInCircle(x - 0.3, y + 0.2, 4.7)
  t.ok(Math.abs(area - Math.PI * 4.7 ** 2) < 1e-4, 'pixels add up to the area of the circle')
})
