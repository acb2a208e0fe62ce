import { random } from '@nightpipe/math'
import t from 'tap'
import {
  blockVelocities,
  buildTemplate,
  combineVelocities,
  crossCorrelate,
  fitVelocity,
  midExposure,
  type Velocity,
} from '../src/index.js'
import { type Exposure, expose, randomStar } from './star.js'

const C = 299792458
const LAYOUT = { width: 1024, orders: 12, first: 80 }
const star = randomStar(4950, 5900, 0.6, 3)
/** The Earth over a year, as a redshift. */
const barycentric = (k: number) => (27e3 * Math.sin(k * 0.9)) / C
const observed = (k: number, velocity: number) => (1 + velocity / C) / (1 + barycentric(k)) - 1
const V = -12345

const shoot = (k: number, more: Partial<Exposure> = {}) =>
  expose(star, LAYOUT, {
    z: observed(k, V),
    electrons: 1e4,
    seed: k + 1,
    tilt: (u) => 1 + 0.1 * Math.sin(k) * u,
    ...more,
  })

const corrected = (k: number, { z }: Pick<Velocity, 'z'>) => C * ((1 + z) * (1 + barycentric(k)) - 1) - V

const truth = buildTemplate([{ orders: shoot(0, { noise: false, tilt: () => 1 }), z: barycentric(0) }], { velocity: V })

t.test('without noise the velocity is right to 20 cm/s wherever the Earth is', async (t) => {
  for (const k of [1, 2, 3, 4, 5]) {
    const fit = fitVelocity(shoot(k, { noise: false }), truth, observed(k, V) + 1e-5)
    t.ok(Math.abs(corrected(k, fit)) < 0.2, String(corrected(k, fit)))
    t.equal(fit.converged, true)
  }
})

t.test('the scatter is that of the photons, and the errors say so: 30 exposures over a year', async (t) => {
  const template = buildTemplate(
    [0, 1, 2, 3, 4, 5].map((k) => ({ orders: shoot(k, { seed: 500 + k, electrons: 4e4 }), z: barycentric(k) })),
    { velocity: V },
  )
  const fits = Array.from({ length: 30 }, (_, k) => {
    const orders = shoot(k + 7)
    return { fit: fitVelocity(orders, template, crossCorrelate(orders, template).z), k: k + 7 }
  })
  const off = fits.map(({ fit, k }) => corrected(k, fit))
  const mean = off.reduce((a, b) => a + b) / off.length
  const scatter = Math.sqrt(off.reduce((a, b) => a + (b - mean) ** 2, 0) / (off.length - 1))
  const limit = fits.reduce((a, { fit }) => a + fit.limit, 0) / off.length
  const error = fits.reduce((a, { fit }) => a + fit.error, 0) / off.length
  t.comment(
    `mean ${mean.toFixed(2)}, scatter ${scatter.toFixed(2)}, limit ${limit.toFixed(2)}, error ${error.toFixed(2)} m/s`,
  )
  // 30 exposures tell a scatter to 13 %, and the template has an error of its own (a fifth of that of an exposure).
  t.ok(scatter < 1.3 * limit, 'scatter')
  t.ok(error < 1.25 * limit && error >= limit, 'error')
  t.ok(Math.abs(mean) < 3 * limit * Math.hypot(0.2, 1 / Math.sqrt(30)), 'mean')
})

t.test(
  'a year of 24 exposures: no bias from the motion of the Earth, the drift of the image, or the noise of the flat',
  async (t) => {
    const columns = random(21)
    const noise = Array.from({ length: LAYOUT.orders }, () =>
      Float64Array.from({ length: LAYOUT.width }, () => 1 + 0.003 * columns.normal()),
    )
    const flat = (index: number, x: number) => noise[index]![x]!
    const drift = (k: number) => 0.3 * Math.sin(2.3 * k)
    const shots = Array.from({ length: 24 }, (_, k) =>
      shoot(k, { noise: false, drift: drift(k), flat, flatError: 0.003 }),
    )
    const some = [0, 4, 8, 12, 16, 20]
    const template = buildTemplate(
      some.map((k) => ({ orders: shots[k]!, z: barycentric(k) })),
      { velocity: V },
    )
    const off = shots.map((orders, k) => corrected(k, fitVelocity(orders, template, observed(k, V) + 3e-6)))
    const mean = off.reduce((a, b) => a + b) / off.length
    const slope = (of: (k: number) => number) => {
      const at = off.map((_, k) => of(k))
      const middle = at.reduce((a, b) => a + b) / at.length
      const spread = at.reduce((sum, one) => sum + (one - middle) ** 2, 0)
      return at.reduce((sum, one, k) => sum + (one - middle) * off[k]!, 0) / spread
    }
    const [earth, image] = [slope((k) => (barycentric(k) * C) / 30e3), slope(drift)]
    t.comment(
      `mean ${mean.toFixed(2)} m/s, ${earth.toFixed(2)} m/s per 30 km/s, ${image.toFixed(2)} m/s a column of drift`,
    )
    t.ok(Math.abs(mean) < 1, 'mean')
    t.ok(Math.abs(earth) < 1, 'with the Earth')
    t.ok(Math.abs(image) < 3, 'with the drift: a third of a column moves it by 1 m/s at most')
  },
)

t.test('the error of a template does not hang on rounding: a billionth of the wavelength changes none', async (t) => {
  const made = (factor: number) => {
    const some = [0, 1, 2].map((k) => {
      const orders = shoot(k).map((one) => ({ ...one, wavelength: one.wavelength!.map((w) => w * factor) }))
      return { orders, z: barycentric(k) }
    })
    return buildTemplate(some).orders
  }
  const [one, other] = [made(1), made(1 + 1e-9)]
  let worst = 0
  one.forEach(({ uncertainty }, o) => {
    uncertainty!.forEach((error, x) => {
      const change = Math.abs(other[o]!.uncertainty![x]! / error - 1)
      if (change > worst) worst = change
    })
  })
  t.ok(worst < 1e-4, `${worst}`)
})

t.test('a noisy template does not pull velocities to its own pixels', async (t) => {
  const faint = { electrons: 150 }
  const template = buildTemplate(
    [0, 1, 2, 3].map((k) => ({ orders: shoot(k, { ...faint, seed: 700 + k }), z: barycentric(k) })),
    { velocity: V },
  )
  const fits = [11, 12, 13, 14, 15, 16, 17, 18].map((k) => ({
    k,
    fit: fitVelocity(shoot(k, faint), template, observed(k, V)),
  }))
  const chi = fits.reduce((sum, { k, fit }) => sum + (corrected(k, fit) / fit.error) ** 2, 0) / fits.length
  t.ok(fits.every(({ fit }) => fit.converged))
  t.ok(chi < 3.5, `chi square ${chi}`) // 1 from the exposures, a quarter and its luck from the template
})

t.test(
  'cosmic rays are set aside after the velocity has converged, and change it by less than its error',
  async (t) => {
    const [clean, hit] = [shoot(3), shoot(3)]
    for (const [k, one] of hit.entries()) for (let x = 40 + k; x < 1000; x += 97) one.flux[x]! += 30000
    const [a, b] = [clean, hit].map((orders) => fitVelocity(orders, truth, observed(3, V)))
    t.ok(Math.abs(a!.velocity - b!.velocity) < 0.7 * a!.error, `${a!.velocity - b!.velocity} and ${a!.error}`)
    t.ok(b!.orders.every(({ clipped }) => clipped >= 9 && clipped < 60))
    // A first guess that is 5 km/s off makes every line an outlier, and must not.
    const far = fitVelocity(clean, truth, observed(3, V) + 5000 / C)
    t.ok(Math.abs(far.velocity - a!.velocity) < 5e-3, String(far.velocity - a!.velocity))
  },
)

t.test('the correlation finds any velocity of a star', async (t) => {
  for (const velocity of [-250e3, -40e3, 0, 3e3, 310e3]) {
    const orders = expose(star, LAYOUT, { z: velocity / C, electrons: 400, seed: 5 })
    const found = crossCorrelate(orders, truth)
    t.ok(Math.abs(found.peak - velocity - V * 0) < 400, `${found.peak} and ${velocity}`)
    t.ok(found.significance > 8, String(found.significance))
  }
})

t.test('one order that is wrong is set aside; a common scatter becomes part of the error', async (t) => {
  const values = [1, -2, 0.5, 1.5, -1, 0, 800, -0.3]
  const errors = values.map(() => 1)
  const combined = combineVelocities(values, errors)
  t.same([...combined.used], [1, 1, 1, 1, 1, 1, 0, 1])
  t.ok(Math.abs(combined.value) < 0.5)
  const wide = combineVelocities([10, -20, 5, 15, -10, 0, -3], errors.slice(1))
  t.ok(wide.error > 3 * wide.formal && wide.jitter > 8, String(wide.error))
  t.throws(() => combineVelocities([Number.NaN], [1]), /no order/)
})

t.test('parts that differ by the noise of the template have no scatter of their own', async (t) => {
  const values = [10, -20, 5, 15, -10, 0, -3]
  const errors = values.map(() => 1)
  const told = combineVelocities(
    values,
    errors,
    values.map(() => 12),
  )
  t.equal(told.jitter, 0)
  t.equal(told.error, told.formal)
  t.ok(Math.abs(told.template - 12 / Math.sqrt(7)) < 1e-9, String(told.template))
})

t.test('the noise of a template is what velocities against many templates scatter by, and is told apart', async (t) => {
  const bright = shoot(3, { electrons: 4e6 })
  const fits = Array.from({ length: 32 }, (_, k) => {
    const one = { orders: shoot(k, { electrons: 1500, seed: 900 + k }), z: barycentric(k) }
    return fitVelocity(bright, buildTemplate([one], { velocity: V }), observed(3, V))
  })
  const off = fits.map((fit) => corrected(3, fit))
  const mean = off.reduce((a, b) => a + b) / off.length
  const scatter = Math.sqrt(off.reduce((a, b) => a + (b - mean) ** 2, 0) / (off.length - 1))
  const told = fits.reduce((sum, { combined }) => sum + combined.template, 0) / fits.length
  const error = fits.reduce((sum, fit) => sum + fit.error, 0) / fits.length
  t.comment(`scatter ${scatter.toFixed(2)}, told ${told.toFixed(2)}, of an exposure ${error.toFixed(2)} m/s`)
  t.ok(Math.abs(scatter / told - 1) < 0.35, 'told') // 32 tell a scatter to 12 %
  t.ok(error < 0.1 * told, 'and the error of the exposure knows nothing of it')
})

t.test(
  'the instants of an exposure stand for all of its light: powers of time to the third, whatever the clouds',
  async (t) => {
    const draw = random(5)
    const light = Array.from({ length: 40 }, (_, k) => (k < 25 ? 1 : 0.1) * draw.uniform())
    const readings = light.map((counts, k) => ({ mjd: 58000 + (90 * k) / 86400, seconds: 90, counts }))
    const zero = 58000 + 1800 / 86400
    // ten points in each reading
    const fine = light.flatMap((one, k) =>
      Array.from({ length: 10 }, (_, j) => [one, 90 * (k + (j + 0.5) / 10) - 1800] as const),
    )
    const total = fine.reduce((sum, [one]) => sum + one, 0)
    const { instants } = midExposure(58000, 3600, readings)
    t.ok(Math.abs(instants.reduce((sum, { part }) => sum + part, 0) - 1) < 1e-12)
    for (const power of [1, 2, 3]) {
      const mean = fine.reduce((sum, [one, at]) => sum + one * (at / 1800) ** power, 0) / total
      const told = instants.reduce((sum, { mjd, part }) => sum + part * (((mjd - zero) * 86400) / 1800) ** power, 0)
      t.ok(Math.abs(told - mean) < 1e-5, `${power}: ${told}, ${mean}`) // the points in a reading leave 1 % of its variance
    }
    t.same(midExposure(58000, 0).instants, [{ mjd: 58000, part: 1 }])
  },
)

t.test('the middle of an exposure is that of its light: background, clouds, readings across the end', async (t) => {
  const start = 58000
  const second = 1 / 86400
  const reading = (at: number, counts: number, seconds = 10) => ({ mjd: start + at * second, seconds, counts })
  const even = Array.from({ length: 60 }, (_, k) => reading(10 * k - 50, k < 5 || k >= 55 ? 30 : 1030))
  const flat = midExposure(start, 500, even)
  t.ok(Math.abs((flat.mjd - start) / second - 250) < 0.01, String((flat.mjd - start) / second))
  // Clouds over the second half: all light in the first.
  const clouded = even.map((one, k) => (k >= 30 ? { ...one, counts: 30 } : one))
  t.ok(Math.abs((midExposure(start, 500, clouded).mjd - start) / second - 125) < 0.01)
  // Light that rises linearly: two thirds of the exposure, from readings of any length.
  const rising = Array.from({ length: 20 }, (_, k) => reading(25 * k, k + 0.5, 25))
  t.ok(Math.abs((midExposure(start, 500, rising).mjd - start) / second - 333.2) < 0.2)
  t.equal(midExposure(start, 500).note, 'no exposure meter')
  t.equal(midExposure(start, 500).mjd, start + 250 * second)
  t.match(midExposure(start, 500, [reading(0, 0)]).note!, /no light/)
  t.match(midExposure(start, 500, [reading(9000, 10)]).note!, /falls into/)
})

t.test(
  'a template whose continuum was taken off, as the old ones had, gives the same velocity, and so do its blocks',
  async (t) => {
    const orders = shoot(3)
    const bare = truth.orders.map((one) => {
      const flux = one.flux.map((value, x) => (value - 1e4) * (1 - 0.85 * ((2 * x) / 1023 - 1) ** 2))
      return { ...one, flux }
    })
    const [now, old] = [truth, { orders: bare, subtracted: true }].map((template) => {
      const fit = fitVelocity(orders, template, crossCorrelate(orders, template).z)
      return { fit, blocks: blockVelocities(fit, LAYOUT.width, 12) }
    })
    t.ok(Math.abs(now!.fit.velocity - old!.fit.velocity) < now!.fit.error)
    for (const { fit, blocks } of [now!, old!]) {
      t.ok(blocks.blocks.length > 100)
      t.ok(blocks.combined!.error * C < 3 * fit.error, 'their error is one of redshift, not of level') // four more unknowns a block
      t.ok(Math.abs(blocks.combined!.value * C - fit.velocity) < fit.error, 'and their sign that of the velocity')
    }
  },
)

t.test('orders whose light falls to a fiftieth at their ends are found like others', async (t) => {
  // Counts of a steep blaze against a template without one: the dark ends must not outweigh the middle.
  const steep = (x: number) => 0.02 + 0.98 * (1 - ((2 * x) / 1023 - 1) ** 2) ** 2
  for (const velocity of [-40e3, 12e3]) {
    const orders = expose(star, LAYOUT, { z: velocity / C, electrons: 2e4, seed: 8 }).map((one) => ({
      ...one,
      flux: one.flux.map((value, x) => value * steep(x)),
      uncertainty: one.uncertainty.map((value, x) => value * steep(x)),
    }))
    const found = crossCorrelate(orders, truth)
    t.ok(Math.abs(found.z * C - velocity) < 1500, `${found.z * C} for ${velocity}`)
    t.ok(found.height > 0.9, String(found.height))
  }
})

t.test('a spectrum that the template does not cover is refused', async (t) => {
  const elsewhere = expose(star, { ...LAYOUT, first: 200 }, { z: 0, electrons: 1e4, seed: 1 })
  t.throws(() => fitVelocity(elsewhere, truth, 0), /covered/)
  t.throws(() => crossCorrelate(elsewhere, truth), /covered/)
  t.throws(() => buildTemplate([]), /needs an exposure/)
})

t.test(
  'a pixel at the end of the template that comes and goes with the shift does not keep the velocity moving',
  async (t) => {
    const z = observed(3, V)
    const orders = shoot(3).map((one) => ({ ...one, mask: one.mask.slice(), wavelength: one.wavelength!.slice() }))
    for (const [k, one] of orders.slice(0, 5).entries()) {
      const end = Math.log(truth.orders.find(({ index }) => index === one.index)!.wavelength.at(-1)!)
      const before = one.mask.slice()
      const last = one.wavelength.findLastIndex((lambda) => Math.log(lambda) - Math.log1p(z) < end)
      one.mask.fill(8, last)
      const without = fitVelocity(orders, truth, z)
      one.mask[last] = 0
      const [lambda, flux] = [one.wavelength[last]!, one.flux[last]!]
      for (const sign of [-1, 1]) {
        one.flux[last] = flux + 4 * sign * one.uncertainty[last]!
        one.wavelength[last] = lambda * (1 - 1e-6)
        const within = fitVelocity(orders, truth, z)
        const middle = (Math.log1p(without.z) + Math.log1p(within.z)) / 2
        one.wavelength[last] = Math.exp(end + middle)
        const fit = fitVelocity(orders, truth, z)
        t.ok(fit.converged, `order ${k}, ${sign}: ${fit.rounds} rounds`)
        t.ok(Math.abs(fit.velocity - without.velocity) < 0.15 * fit.error, `${fit.velocity - without.velocity}`)
      }
      one.flux[last] = flux
      one.wavelength[last] = lambda
      one.mask.set(before)
    }
  },
)

t.test(
  'a star that turns, against a template of sharp lines, is reached, and its error says that the template is not of it',
  async (t) => {
    const wide = { ...star, width: star.width.map((one) => 7 * one) }
    const pulls = [1, 2, 3, 4, 5, 6].map((k) => {
      const shot = { z: observed(k, V), electrons: 3e3, seed: 70 + k }
      const fit = fitVelocity(expose(wide, LAYOUT, shot), truth, observed(k, V) + 3e-6)
      t.equal(fit.converged, true)
      t.ok(fit.response < 0.8, `steps tell ${fit.response.toFixed(2)} of what is missing`)
      t.comment(`${corrected(k, fit).toFixed(0)} +- ${fit.error.toFixed(0)} m/s, photons ${fit.limit.toFixed(0)}`)
      return corrected(k, fit) / fit.error
    })
    const rms = Math.sqrt(pulls.reduce((sum, one) => sum + one * one, 0) / pulls.length)
    t.ok(rms < 2, `off by ${rms.toFixed(2)} of its error`)
    t.equal(fitVelocity(shoot(1), truth, observed(1, V) + 1e-6).response, 1)
  },
)
