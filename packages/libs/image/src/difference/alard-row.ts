import { allocate, kernels as compiled, scoped } from '@nightpipe/kernels'
import { type ComplexImage, fft, inverseFft, kernelComplexImage } from '@nightpipe/math'
import { finishTile, rowOfTiles } from './finish-tile.js'
import { type KernelModel, kernelAt, kernelTerms } from './kernel-model.js'
import { scaled, spatialPowers } from './spatial.js'
import type { AlardRowInput, TileRowOutput } from './strips.js'
import {
  carriedVariance,
  cutTile,
  embed,
  kernelOf,
  limitVariance,
  type Pair,
  product,
  squaredPair,
  type Tile,
  transformPair,
  typicalVariance,
} from './tile.js'

/**
 * New minus reference by a matching kernel, for one row of tiles: the difference with its noise made white again
 * (Reiss & Lupton 2016, LSST DMTN-021), and what a matched filter with the point spread finds in it.
 */
export function alardRow(input: AlardRowInput): TileRowOutput {
  const terms = kernelTerms(input.model)
  const [first] = input.tiles
  return scoped(() => {
    const kernels = packedTransforms(terms, first.width, first.height)
    return rowOfTiles(input, (tile, k) => alardTile(input, tile, input.psfs[k].values, terms, kernels))
  })
}

/** Transforms of the kernels of the terms, two by two as real and imaginary part. */
function packedTransforms(terms: readonly Float64Array[], width: number, height: number): ComplexImage[] {
  return Array.from({ length: Math.ceil(terms.length / 2) }, (_, k) => {
    const grid = kernelComplexImage(width, height)
    embed(terms[2 * k], width, height, grid.re)
    embed(terms[2 * k + 1] ?? [0], width, height, grid.im)
    fft(grid)
    return grid
  })
}

function alardTile(
  input: AlardRowInput,
  tile: Tile,
  psf: Float64Array,
  terms: Float64Array[],
  kernels: readonly ComplexImage[],
) {
  const { model, convolved, firstRow } = input
  const { width, height } = tile
  const strip = (pixels: Float32Array) => ({ width: input.width, firstRow, pixels })
  const referenceIsSharp = convolved === 'reference'
  const images = kernelComplexImage(width, height)
  cutTile(tile, strip(referenceIsSharp ? input.reference : input.fresh), images.re)
  cutTile(tile, strip(referenceIsSharp ? input.fresh : input.reference), images.im)
  const broad = images.im.slice()
  const variances = kernelComplexImage(width, height)
  cutTile(tile, strip(referenceIsSharp ? input.referenceVariance : input.freshVariance), variances.re)
  cutTile(tile, strip(referenceIsSharp ? input.freshVariance : input.referenceVariance), variances.im)
  limitVariance(variances.re)
  limitVariance(variances.im)
  const noise = { sharp: typicalVariance(variances.re), broad: typicalVariance(variances.im) }

  const { a: sharp } = transformPair(images)
  const matched = applyKernel(sharp, kernels, model, tile)
  const residual = kernelComplexImage(width, height)
  const blank = new Uint8Array(width * height)
  cutBytes(tile, input, blank)
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      // beyond the edge of the image there is nothing, and it must stay so
      const outside = variances.im[p] === 0
      residual.re[p] = outside || blank[p] !== 0 ? 0 : broad[p] - matched[p]
      residual.im[p] = broad[p]
    }
  }
  takeSkyOff(residual.re, blank, variances.im, model, tile)
  const raw = residual.re.slice()
  fft(residual)

  const centre = [(tile.net.x0 + tile.net.x1 - 1) / 2, (tile.net.y0 + tile.net.y1 - 1) / 2] as const
  const filters = filtersFor(kernelAt(model, ...centre, terms), psf, noise, tile, input.decorrelate)
  const signals = product(residual, filters.match)
  inverseFft(signals)
  const white = input.decorrelate ? whitened(residual, filters.white) : raw
  const variance = carriedVariance(transformPair(variances), filters.squaresOfMatch, filters.squaresOfWhite)
  const scale = referenceIsSharp ? undefined : ratioAcross(terms, model)
  return finishTile(tile, { signals, white, variance, norm: filters.norm, scale, psf: filters.psf })
}

function cutBytes({ net, pad, width, height }: Tile, input: AlardRowInput, out: Uint8Array): void {
  const rows = input.blank.length / input.width
  for (let y = 0; y < height; y++) {
    const row = net.y0 - pad + y - input.firstRow
    if (row < 0 || row >= rows) continue
    for (let x = 0; x < width; x++) {
      const column = net.x0 - pad + x
      if (column >= 0 && column < input.width) out[y * width + x] = input.blank[row * input.width + column]
    }
  }
}

/** The sharp image convolved with the kernel of each place: each term's kernel, weighed by its polynomial. */
function applyKernel(sharp: ComplexImage, kernels: readonly ComplexImage[], model: KernelModel, tile: Tile) {
  const { width, height, net, pad } = tile
  const powers = spatialPowers(model.order)
  const matched = allocate(Float32Array, width * height).fill(0)
  const [across, up] = [allocate(Float32Array, width), allocate(Float32Array, height)]
  kernels.forEach((kernel, k) => {
    const both = product(sharp, kernel)
    inverseFft(both)
    for (const [image, power] of [
      [both.re, powers[2 * k]],
      [both.im, powers[2 * k + 1]],
    ] as const) {
      if (!power) continue
      for (let x = 0; x < width; x++) across[x] = scaled(net.x0 - pad + x, model.width) ** power[0]
      for (let y = 0; y < height; y++) up[y] = scaled(net.y0 - pad + y, model.height) ** power[1]
      const places = [across.byteOffset, up.byteOffset, matched.byteOffset] as const
      compiled().addWeighed(image.byteOffset, width, height, ...places)
    }
  })
  return matched
}

/** The difference of the skies, a polynomial in x whose coefficients are polynomials in y. */
function takeSkyOff(pixels: Float32Array, blank: Uint8Array, variance: Float32Array, model: KernelModel, tile: Tile) {
  const { width, height, net, pad } = tile
  const powers = spatialPowers(model.backgroundOrder)
  const along = new Float64Array(model.backgroundOrder + 1)
  for (let y = 0, p = 0; y < height; y++) {
    const v = scaled(net.y0 - pad + y, model.height)
    along.fill(0)
    for (let j = 0; j < powers.length; j++) along[powers[j][0]] += model.background[j] * v ** powers[j][1]
    for (let x = 0; x < width; x++, p++) {
      if (blank[p] !== 0 || variance[p] === 0) continue
      const u = scaled(net.x0 - pad + x, model.width)
      let sky = 0
      for (let i = along.length - 1; i >= 0; i--) sky = sky * u + along[i]
      pixels[p] -= sky
    }
  }
}

function whitened(residual: ComplexImage, white: ComplexImage): Float32Array {
  const image = product(residual, white)
  inverseFft(image)
  return image.re
}

/**
 * The filters of a tile. With noise of variance b² in the broad image and a² in the sharp one, the difference has the
 * power spectrum b² + a² |K|²: dividing by its square root makes it white, and the point spread goes along.
 */
function filtersFor(
  kernel: Float64Array,
  psf: Float64Array,
  noise: { sharp: number; broad: number },
  { width, height }: Tile,
  decorrelate: boolean,
) {
  const grid = kernelComplexImage(width, height)
  embed(kernel, width, height, grid.re)
  embed(psf, width, height, grid.im)
  const { a: k, b: point } = transformPair(grid)
  const white = kernelComplexImage(width, height)
  const match = kernelComplexImage(width, height)
  white.im.fill(0)
  const atZero = noise.broad + noise.sharp * k.re[0] ** 2
  let norm = 0
  for (let p = 0; p < white.re.length; p++) {
    const power = noise.broad + noise.sharp * (k.re[p] ** 2 + k.im[p] ** 2)
    const flattening = atZero / power
    white.re[p] = decorrelate ? Math.sqrt(flattening) : 1
    match.re[p] = flattening * point.re[p]
    match.im[p] = -flattening * point.im[p]
    norm += flattening * (point.re[p] ** 2 + point.im[p] ** 2)
  }
  // the sharp image has gone through the kernel before
  const squaresOfMatch = swapped(squaredPair({ a: match, b: product(match, k) }))
  const squaresOfWhite = swapped(squaredPair({ a: white, b: product(white, k) }))
  const half = (Math.sqrt(psf.length) - 1) / 2
  const seen = kernelOf(product(point, white), half)
  return { white, match, squaresOfMatch, squaresOfWhite, norm: norm / white.re.length, psf: seen }
}

/** Variances come as sharp, broad. */
const swapped = ({ a, b }: Pair): Pair => ({ a: b, b: a })

/** The ratio of fluxes over the image, as a function of the place. */
function ratioAcross(terms: readonly Float64Array[], model: KernelModel) {
  const sums = terms.map((term) => term.reduce((a, b) => a + b, 0))
  const powers = spatialPowers(model.order)
  return (x: number, y: number) => {
    const [u, v] = [scaled(x, model.width), scaled(y, model.height)]
    let sum = 0
    for (let j = 0; j < sums.length; j++) sum += sums[j] * u ** powers[j][0] * v ** powers[j][1]
    return -1 / sum
  }
}
