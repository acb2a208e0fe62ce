// How well any estimate could know the traces of a night's flats: the Cramer-Rao bound of polynomials through what its columns tell.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { solve } from '@nightpipe/math'

/** Rows on either side of a centre that tell of it, in sigma of the profile. */
const FAR = 4

/**
 * For each trace that is asked for, the root mean square over its columns (px) of what photons, read-out and the response of
 * pixels leave unknown. The profile is taken as known, and as a Gaussian of the simulated width.
 */
export function traceBounds(night, traces, terms) {
  const { profile, detector } = JSON.parse(readFileSync(join(night.folder, 'truth/parameters.json'), 'utf8'))
  const lights = night.flat.map((frame) => night.spectra(frame).flux)
  return traces.map(({ order, fibre, first, last }) => {
    const from = night.along * (order + night.orders * fibre)
    const matrix = new Float64Array(terms * terms)
    const bases = []
    for (let x = first; x <= last; x++) {
      const light = lights.map((flux) => flux[from + x]).filter((one) => one > 0)
      const basis = legendre((2 * x) / (night.along - 1) - 1, terms)
      const told = informationOf(light, profile.sigma, detector)
      for (let k = 0; k < terms; k++)
        for (let j = 0; j < terms; j++) matrix[k * terms + j] += told * basis[k] * basis[j]
      bases.push(basis)
    }
    const squares = bases.map((basis) => {
      const solved = solve(Float64Array.from(matrix), Float64Array.from(basis))
      return basis.reduce((sum, one, k) => sum + one * solved[k], 0)
    })
    return Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length)
  })
}

/** What a column says of its centre, px⁻²: pixels answer alike in all flats, photons and read-out do not. */
function informationOf(light, sigma, detector) {
  const n = light.length
  const mean = light.reduce((sum, one) => sum + one, 0) / n
  const far = Math.ceil(FAR * sigma)
  let sum = 0
  for (let u = -far; u <= far; u++) {
    const share = Math.exp(-0.5 * (u / sigma) ** 2) / (Math.sqrt(2 * Math.PI) * sigma)
    const noise = (mean * share + detector['read noise'] ** 2) / n + (detector['pixel response'] * mean * share) ** 2
    sum += (mean * share * (u / sigma ** 2)) ** 2 / noise
  }
  return sum
}

function legendre(u, terms) {
  const all = [1, u]
  for (let k = 1; k + 1 < terms; k++) all.push(((2 * k + 1) * u * all[k] - k * all[k - 1]) / (k + 1))
  return all.slice(0, terms)
}
