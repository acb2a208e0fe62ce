import { random } from '@nightpipe/math'
import t from 'tap'
import { atCentreOfLight, buildTemplate, crossCorrelate, fitVelocity, type OrderSpectrum } from '../src/index.js'

// Orders by integration over pixels, without noise: the light of a star at stated factors of its wavelengths, times a blaze, blurred by a
// line of 3.6 columns of 7 km/s and by the pixel, beside a flat made in the same way.
const C = 299792458
const [WIDTH, FINE, MARGIN] = [384, 10, 14]
const SIGMA = 3.6 / 2.3548
/** As lines of a lamp are seen, the pixel included. */
const RESOLUTION = C / (7000 * Math.hypot(3.6, 2.3548 / Math.sqrt(12)))
const FIRST = 100

const draw = random(11)
const lines = Array.from({ length: 900 }, () => ({
  u: Math.log(4850) + 0.17 * draw.uniform(),
  depth: 0.7 * draw.uniform() ** 2,
  sigma: (2500 + 800 * draw.uniform()) / C,
})).sort((a, b) => a.u - b.u)

function starAt(u: number): number {
  let flux = 1
  let [low, high] = [0, lines.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (lines[middle]!.u < u - 7e-5) low = middle + 1
    else high = middle
  }
  for (let k = low; k < lines.length && lines[k]!.u < u + 7e-5; k++) {
    const { u: centre, depth, sigma } = lines[k]!
    flux *= 1 - depth * Math.exp(-0.5 * ((u - centre) / sigma) ** 2)
  }
  return flux
}

/** ln λ of a column. */
const placeOf = (m: number, x: number) => Math.log(532000 / m) + ((x - WIDTH / 2) * 7000) / C

const blazeAt = (m: number, u: number) => {
  const at = Math.PI * Math.expm1(u - Math.log(532000 / m)) * m
  return 0.03 + (at === 0 ? 1 : (Math.sin(at) / at) ** 2)
}

/** What each column collects of a spectrum. */
function collected(m: number, spectrum: (u: number) => number, blazed: boolean): Float64Array {
  const light = Float64Array.from({ length: (WIDTH + 2 * MARGIN) * FINE }, (_, k) => {
    const u = placeOf(m, k / FINE - MARGIN)
    return spectrum(u) * (blazed ? blazeAt(m, u) : 1)
  })
  return Float64Array.from({ length: WIDTH }, (_, x) => {
    let sum = 0
    for (let k = (x + 2) * FINE; k <= (x + 2 * MARGIN - 2) * FINE; k++) {
      const from = k / FINE - MARGIN - x
      // three points across the pixel (Gauss and Legendre)
      const seen = 5 * gauss(from - Math.sqrt(0.15)) + 8 * gauss(from) + 5 * gauss(from + Math.sqrt(0.15))
      sum += (light[k]! * seen) / 18 / FINE
    }
    return sum
  })
}

const gauss = (x: number) => Math.exp(-0.5 * (x / SIGMA) ** 2) / (SIGMA * Math.sqrt(2 * Math.PI))

/** Wavelengths of the star are multiplied by `factor`. */
function shoot(factor: number, blazed = true): OrderSpectrum[] {
  return Array.from({ length: 5 }, (_, index) => {
    const m = FIRST + index
    const blaze = collected(m, () => 1, blazed)
    const flux = collected(m, (u) => starAt(u - Math.log(factor)), blazed).map((one) => 4e4 * one)
    return {
      ...{ index, order: m, fibre: 0, flux, blaze, mask: new Int32Array(WIDTH) },
      uncertainty: flux.map((one) => Math.sqrt(one + 64)),
      wavelength: Float64Array.from({ length: WIDTH }, (_, x) => Math.exp(placeOf(m, x))),
    }
  })
}

const FAR = [-300, -150, -60, 60, 150, 300].map((v) => 1000 * v)

/** c z less the truth, m/s, against a template at rest. */
function errorsOf(seen: (orders: OrderSpectrum[]) => OrderSpectrum[], blazed = true): number[] {
  const template = buildTemplate(
    [0, 5300, -11100].map((v) => ({ orders: seen(shoot(1 + v / C, blazed)), z: 1 / (1 + v / C) - 1 })),
  )
  return FAR.map((v) => {
    const orders = seen(shoot(1 + v / C, blazed))
    return fitVelocity(orders, template, crossCorrelate(orders, template).z).velocity - v
  })
}

const told = (errors: readonly number[]) => errors.map((one) => one.toFixed(2)).join(' ')

t.test(
  'velocities are c z at 300 km/s as at rest: neither a sum nor that of special relativity, which is 150 m/s off',
  async (t) => {
    const errors = errorsOf((orders) => orders, false)
    t.comment(told(errors))
    for (const error of errors) t.ok(Math.abs(error) < 3, told(errors)) // interpolation of 3.6 columns a line
  },
)

t.test('a blaze draws lines that move along it; at the centre of light they are where they should be', async (t) => {
  const [drawn, right] = [
    errorsOf((orders) => orders),
    errorsOf((orders) => orders.map((one) => atCentreOfLight(one, RESOLUTION))),
  ]
  t.comment(`${told(drawn)}; ${told(right)}`)
  t.ok(drawn[0]! < -20 && drawn.at(-1)! > 20, told(drawn))
  for (const error of right) t.ok(Math.abs(error) < 3, told(right))
})

t.test('without a response or a resolution wavelengths stay as they are', async (t) => {
  const [one] = shoot(1)
  t.equal(atCentreOfLight(one!, 0), one)
  const { blaze, ...bare } = one!
  t.equal(atCentreOfLight(bare, RESOLUTION), bare)
})
