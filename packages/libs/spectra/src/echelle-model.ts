import { legendre } from '@nightpipe/math'
import { type Glass, refractiveIndex } from './glass.js'

/** The terms of the residual polynomial, [degree in x, degree in order], in the order of C00 … C14. */
export const MODEL_TERMS: readonly (readonly [number, number])[] = [
  ...([
    [0, 0],
    [0, 1],
    [0, 2],
    [0, 3],
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 0],
    [2, 1],
    [3, 0],
  ] as const),
  ...([
    [0, 4],
    [1, 3],
    [2, 2],
    [3, 1],
    [4, 0],
  ] as const),
]

/** A grating cross-dispersed by a prism, as the tables of NRES describe it (one row of spectrographs.csv). Wavelengths in vacuum. */
export interface EchelleModel {
  /** columns, orders, and the diffraction order of index 0 */
  nx: number
  orders: number
  firstOrder: number
  /** groove spacing, µm */
  grooveSpacing: number
  /** sine of the angle of incidence */
  sinAlpha: number
  /** of the camera, mm */
  focalLength: number
  /** where the cross-dispersion angle γ is zero, mm */
  y0: number
  /** n − 1 of the air in the spectrograph */
  z0: number
  glass: Glass
  /** of the prism, degrees */
  apex: number
  /** wavelength for which the prism stands at minimum deviation, µm */
  centralWavelength: number
  /** of the detector, degrees */
  rotation: number
  /** mm */
  pixelSize: number
  /** C00 … C14, nm: what is left when the optics are said, for the reference fibre */
  residual: Float64Array
}

/**
 * The wavelength (nm, vacuum) at pixel `x` (from 0; fractions too) of the order of index `index`, of the reference fibre: the grating
 * equation m λ = d (sin α − sin β) cos γ in a spectrograph filled with air, and a polynomial for what optics leave.
 */
export function modelWavelength(model: EchelleModel, index: number, x: number): number {
  return opticsWavelength(model, index, x) + residualWavelength(model, index, x)
}

/** The part of the wavelength (nm) that the optics alone explain. */
export function opticsWavelength(model: EchelleModel, index: number, x: number): number {
  const { grooveSpacing: d, sinAlpha, focalLength, glass } = model
  const order = model.firstOrder + index
  const halfApex = (model.apex / 2) * DEGREE
  const middle = refractiveIndex(glass, model.centralWavelength)
  const deviation = Math.asin(middle * Math.sin(halfApex)) - halfApex
  const orderCentre = (2 * d * sinAlpha) / order
  const y = 4 * focalLength * deviation * (refractiveIndex(glass, orderCentre) - middle)
  const gamma = Math.asin((y - model.y0) / focalLength)
  const along = model.pixelSize * (x - model.nx / 2) + y * Math.sin(model.rotation * DEGREE)
  const beta = -Math.asin(sinAlpha) - Math.atan(along / focalLength)
  return (1000 * (d / order) * (sinAlpha - Math.sin(beta)) * Math.cos(gamma)) / (1 + model.z0)
}

/** The polynomial part of the wavelength (nm). */
export function residualWavelength(model: EchelleModel, index: number, x: number): number {
  const terms = modelTerms(model, index, x)
  let sum = 0
  for (let k = 0; k < terms.length; k++) sum += model.residual[k]! * terms[k]!
  return sum
}

/** The values of the 15 residual terms at a pixel of an order. */
export function modelTerms(model: Pick<EchelleModel, 'nx' | 'orders'>, index: number, x: number): Float64Array {
  const alongX = legendre((2 * (x - model.nx / 2)) / model.nx, new Float64Array(5))
  const acrossOrders = legendre((2 * (index - model.orders / 2)) / model.orders, new Float64Array(5))
  return Float64Array.from(MODEL_TERMS, ([i, j]) => alongX[i]! * acrossOrders[j]!)
}

const DEGREE = Math.PI / 180
