import { LIGHT_SPEED, MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { type CombinedVelocity, combineVelocities } from './combine-velocities.js'
import { fittedOrder, matchOrder, type OrderData, type OrderMatch, packOrder, scratchFor } from './order-match.js'
import type { OrderSpectrum } from './spectrum.js'
import { type ShiftNoise, shiftNoise } from './template-noise.js'
import { curveFor, templateCurves, type VelocityTemplate } from './velocity-template.js'

export interface VelocityOptions {
  /** degree of the polynomial by which the continuum may differ, order by order */
  degree?: number
  /** pixels further than this from the fit are set aside, once the velocity has converged; sigma */
  clip?: number
  /** fewest good pixels of an order */
  least?: number
  /** the velocity stands still when a step is smaller than this, m/s */
  still?: number
}

/** The velocity of one order against the template. */
export interface OrderVelocity {
  index: number
  order: number
  /** m/s, as a redshift times c: not that of special relativity, which is v²/2c less at either sign */
  velocity: number
  /** one sigma from the errors of its pixels, and of their response */
  error: number
  /** one sigma from the noise of the template */
  noise: number
  /** the photon limit of the order (Bouchy et al. 2001): its continuum taken as known */
  limit: number
  /** chi square over degrees of freedom */
  reducedChiSquare: number
  pixels: number
  clipped: number
  used: boolean
}

/** The shift of a spectrum against a template. */
export interface Velocity {
  /** measured redshift of the star against the template at rest */
  z: number
  /** c z, m/s: not yet barycentric */
  velocity: number
  /** one sigma, m/s */
  error: number
  /** what the photons would allow (m/s) */
  limit: number
  combined: CombinedVelocity
  orders: OrderVelocity[]
  /** rounds of the fit until the velocity stood still */
  rounds: number
  converged: boolean
  /** 1; less where the lines of the star are wider than those of the template, which is then not of such a star */
  response: number
  /** a continuum was added to the template as well, not only multiplied */
  added: boolean
  /** the data and the fit, order by order: for blocks and figures */
  data: OrderData[]
  models: Float64Array[]
}

const DEFAULTS = { degree: 4, clip: 5, least: 100, still: 1e-3 }

/**
 * The redshift at which a template fits the orders of one fibre best: least squares over all pixels, with a polynomial for
 * the continuum of each order, from a first guess `z` (of `crossCorrelate`). Pixels are set aside only after the velocity
 * has converged, and it converges again without them. Every order is then linearised at the common velocity.
 */
export function fitVelocity(
  spectrum: readonly OrderSpectrum[],
  template: VelocityTemplate,
  z: number,
  options: VelocityOptions = {},
): Velocity {
  const { degree, clip, least, still } = { ...DEFAULTS, ...options }
  const added = template.subtracted ?? false
  const data = pairOrders(spectrum, template, { degree, least })
  if (data.length === 0) throw new RangeError('no order of the spectrum is covered by the template')
  let state = converge(data, added, Math.log1p(z), still)
  let rounds = state.rounds
  for (let pass = 0; pass < 5 && clipPixels(state.data, modelsOf(state, added), clip) > 0; pass++) {
    state = converge(data, added, state.shift, still)
    rounds += state.rounds
  }
  return conclude(state, added, rounds)
}

/** The orders of a spectrum with the template that serves them; the response of the flat is used where all have it. */
export function pairOrders(
  spectrum: readonly OrderSpectrum[],
  template: VelocityTemplate,
  { degree, least }: { degree: number; least: number },
): OrderData[] {
  const curves = templateCurves(template)
  const blazed = spectrum.length > 0 && spectrum.every(({ blaze }) => blaze?.some((one) => one > 0.02))
  return spectrum.flatMap((one) => {
    const curve = one.wavelength && curveFor(curves, one.index, one.wavelength)
    return (curve && packOrder(one, curve, { blazed, least, degree })) ?? []
  })
}

interface State {
  shift: number
  /** orders that could be matched, and how */
  data: OrderData[]
  matches: OrderMatch[]
  /** what the noise of the template and the flat bring into each, as a logarithm of wavelength */
  noise: ShiftNoise[]
  combined: CombinedVelocity
  rounds: number
  converged: boolean
  /** by how much of a shift the step towards the best one changes: 1, and less where the lines of the star are wider than the template's */
  response: number
}

/** A step that tells less than this part of what is missing is made as long as it should be: the template is not of such a star. */
const HALTING = 0.8
/** Nor is it believed to tell less than this. */
const LEAST_RESPONSE = 0.02
/**
 * What such a template leaves of the star draws the shift as noise does, but most of it lies evenly about lines: it makes the error so many
 * times larger at most.
 */
const MOST_UNLIKE = 3
/** Shifts that are closer than this do not tell how the step changes between them, m/s. */
const TELLING = 1

/**
 * A pixel at the end of the template may come and go with the shift that it makes: after so many rounds a velocity stands still when it
 * moves by less than so much of its error.
 */
const [PATIENCE, COMES_AND_GOES] = [8, 0.1]

/**
 * Gauss-Newton on the common shift, until it stands still. Where the slopes of the template are steeper than those of the star its steps
 * are too short, and would stand still before the star is reached: how they change tells how long they should be.
 */
function converge(all: readonly OrderData[], added: boolean, from: number, still: number, known = 1): State {
  let [shift, response] = [from, known]
  let last: { shift: number; step: number } | undefined
  const before: (Float64Array | undefined)[] = all.map(() => undefined)
  const scratch = scratchFor(Math.max(...all.map(({ u }) => u.length)))
  const noiseOf = new Map<OrderData, ShiftNoise>()
  for (let rounds = 1; ; rounds++) {
    const pairs = all.flatMap((data, k) => {
      const match = matchOrder(data, shift, added, before[k], 0, data.u.length, scratch)
      before[k] = match?.solution
      return match ? [{ data, match }] : []
    })
    if (pairs.length === 0) throw new RangeError('no order has enough good pixels under the template')
    const matches = pairs.map(({ match }) => match)
    const noise = pairs.map(({ data, match }) => {
      const known = noiseOf.get(data) ?? shiftNoise(data, shift, match, scratch)
      noiseOf.set(data, known)
      return known
    })
    const combined = combineVelocities(
      matches.map((match) => match.shift * LIGHT_SPEED),
      matches.map(({ error }, k) => Math.hypot(error, noise[k]!.flat) * LIGHT_SPEED),
      noise.map(({ template }) => template * LIGHT_SPEED),
    )
    const told = combined.value / LIGHT_SPEED
    if (last && Math.abs(shift - last.shift) * LIGHT_SPEED > TELLING) {
      const change = (last.step - told) / (shift - last.shift)
      response = change < HALTING ? Math.max(LEAST_RESPONSE, change) : 1
    }
    last = { shift, step: told }
    const step = told / response
    const near = rounds > PATIENCE ? Math.max(still, COMES_AND_GOES * combined.error) : still
    const converged = Math.abs(step) * LIGHT_SPEED < near
    const data = pairs.map((pair) => pair.data)
    if (converged || rounds >= 25) return { shift, data, matches, noise, combined, rounds, converged, response }
    shift += Math.max(-1e-4, Math.min(1e-4, step)) // never further than 30 km/s at once
  }
}

/** The fitted spectra of all orders. */
const modelsOf = ({ data, matches, shift }: State, added: boolean) =>
  data.map((one, k) => fittedOrder(one, shift, added, matches[k]!).model)

/** Sets pixels aside that the converged fit cannot explain, with their neighbours; says how many. */
function clipPixels(data: readonly OrderData[], models: readonly Float64Array[], clip: number): number {
  let count = 0
  data.forEach((order, k) => {
    const model = models[k]!
    // NaN where a pixel is not used, or the template tells nothing of it
    const pulls = new Float64Array(model.length).fill(Number.NaN)
    for (let i = 0; i < model.length; i++) {
      if (order.used[i] === 1) pulls[i] = Math.abs(order.flux[i]! - model[i]!) * Math.sqrt(order.weight[i]!)
    }
    const limit = clip * Math.max(1, MAD_TO_SIGMA * medianOf(pulls))
    for (let i = 0; i < pulls.length; i++) {
      if (!(pulls[i]! > limit)) continue
      for (const p of [i - 1, i, i + 1]) {
        if (order.used[p] !== 1) continue
        order.used[p] = 0
        count++
      }
    }
  })
  return count
}

function conclude(
  { shift, data, matches, noise, combined, converged, response }: State,
  added: boolean,
  rounds: number,
): Velocity {
  const z = Math.expm1(shift)
  const fitted = data.map((one, k) => fittedOrder(one, shift, added, matches[k]!))
  const orders = matches.map((match, k): OrderVelocity => {
    const { index, order, used } = data[k]!
    return {
      ...{ index, order, pixels: match.pixels, used: combined.used[k] === 1 },
      velocity: LIGHT_SPEED * Math.expm1(shift + match.shift),
      error: Math.hypot(match.error, noise[k]!.flat) * LIGHT_SPEED * (1 + z),
      noise: noise[k]!.template * LIGHT_SPEED * (1 + z),
      limit: match.limit * LIGHT_SPEED,
      reducedChiSquare: fitted[k]!.chiSquare / Math.max(1, match.pixels - match.solution.length),
      clipped: used.length - used.reduce((n, one) => n + one, 0),
    }
  })
  const typical = Math.sqrt(medianOf(orders.map((one) => one.reducedChiSquare)))
  const unlike = response < 1 ? Math.min(MOST_UNLIKE, Math.max(1, typical)) : 1
  const information = matches.reduce((sum, { limit }) => sum + 1 / limit ** 2, 0)
  return {
    ...{
      z,
      velocity: LIGHT_SPEED * z,
      error: (combined.error * unlike) / response,
      limit: LIGHT_SPEED / Math.sqrt(information),
    },
    ...{ combined, orders, rounds, converged, response, added, data, models: fitted.map(({ model }) => model) },
  }
}
