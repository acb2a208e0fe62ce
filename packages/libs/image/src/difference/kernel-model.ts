import { basisImages, type KernelBasis } from './basis.js'
import { type Field, spatialPowers, spatialTerms } from './spatial.js'

/** The kernel that turns one image into another, as it changes over the field, and the difference of their skies. */
export interface KernelModel extends Field {
  basis: KernelBasis
  /** Degree of the change over the field, of the kernel and of the sky. */
  order: number
  backgroundOrder: number
  /** Shape by shape, the coefficients of the terms of the polynomial. */
  coefficients: Float64Array
  background: Float64Array
}

/** For each term of the polynomial the kernel that goes with it, (2 half + 1)² values row by row. */
export function kernelTerms({ basis, order, coefficients }: KernelModel): Float64Array[] {
  const images = basisImages(basis)
  const terms = spatialPowers(order).length
  return Array.from({ length: terms }, (_, j) => {
    const kernel = new Float64Array(images[0].length)
    images.forEach((image, n) => {
      const c = coefficients[n * terms + j]
      if (c !== 0) for (let p = 0; p < kernel.length; p++) kernel[p] += c * image[p]
    })
    return kernel
  })
}

/** The kernel at a pixel; `terms` are those of `kernelTerms`. */
export function kernelAt(model: KernelModel, x: number, y: number, terms = kernelTerms(model)): Float64Array {
  const factors = spatialTerms(spatialPowers(model.order), x, y, model)
  const kernel = new Float64Array(terms[0].length)
  terms.forEach((term, j) => {
    for (let p = 0; p < kernel.length; p++) kernel[p] += factors[j] * term[p]
  })
  return kernel
}

/** Sum of the kernel at a pixel: the ratio of fluxes. */
export const kernelSum = (model: KernelModel, x: number, y: number, terms = kernelTerms(model)): number =>
  kernelAt(model, x, y, terms).reduce((a, b) => a + b, 0)

/** What the sky of the second image has more than that of the convolved first one. */
export function backgroundAt(model: KernelModel, x: number, y: number): number {
  const terms = spatialTerms(spatialPowers(model.backgroundOrder), x, y, model)
  return terms.reduce((sum, term, j) => sum + term * model.background[j], 0)
}
