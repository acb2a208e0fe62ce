import { allocate, kernels as compiled, scoped } from '@nightpipe/kernels'
import { type ComplexImage, fft, inverseFft, kernelComplexImage, power } from '@nightpipe/math'
import { type FilteredTile, rowOfTiles } from './finish-tile.js'
import { type KernelModel, kernelAt, kernelTerms } from './kernel-model.js'
import { scaled, spatialPowers } from './spatial.js'
import type { AlardRowInput, TilePsfs } from './strips.js'
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
export function alardRow(input: AlardRowInput): TilePsfs {
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
): FilteredTile {
  const { model, convolved } = input
  const { width, height } = tile
  const cut = (pixels: Float32Array, out: Float32Array) => cutTile(tile, pixels, input.width, out)
  const referenceIsSharp = convolved === 'reference'
  const images = kernelComplexImage(width, height)
  cut(referenceIsSharp ? input.reference : input.fresh, images.re)
  cut(referenceIsSharp ? input.fresh : input.reference, images.im)
  const broad = copyOf(images.im)
  const variances = kernelComplexImage(width, height)
  cut(referenceIsSharp ? input.referenceVariance : input.freshVariance, variances.re)
  cut(referenceIsSharp ? input.freshVariance : input.referenceVariance, variances.im)
  limitVariance(variances.re)
  limitVariance(variances.im)
  const noise = { sharp: typicalVariance(variances.re), broad: typicalVariance(variances.im) }

  const { a: sharp } = transformPair(images)
  const matched = applyKernel(sharp, kernels, model, tile)
  const residual = kernelComplexImage(width, height)
  const blank = allocate(Uint8Array, width * height).fill(0)
  cutBytes(tile, input, blank)
  // beyond the edge of the image there is nothing, and it must stay so
  const [inside, seen] = [variances.im.byteOffset, blank.byteOffset]
  compiled().tileResidual(broad.byteOffset, matched.byteOffset, inside, seen, residual.re.byteOffset, broad.length)
  residual.im.set(broad)
  takeSkyOff(residual.re, blank, variances.im, model, tile)
  const raw = input.decorrelate ? undefined : copyOf(residual.re)
  fft(residual)

  const centre = [(tile.net.x0 + tile.net.x1 - 1) / 2, (tile.net.y0 + tile.net.y1 - 1) / 2] as const
  const filters = filtersFor(kernelAt(model, ...centre, terms), psf, noise, tile, input.decorrelate)
  const signals = product(residual, filters.match)
  inverseFft(signals)
  const white = raw ?? whitened(residual, filters.white)
  const variance = carriedVariance(transformPair(variances), filters.squaresOfMatch, filters.squaresOfWhite)
  const scale = referenceIsSharp ? undefined : ratioAcross(terms, model)
  return { signals, white, variance, norm: filters.norm, scale, psf: filters.psf }
}

function cutBytes({ net, pad, width, height }: Tile, input: AlardRowInput, out: Uint8Array): void {
  const rows = input.blank.length / input.width
  for (let y = 0; y < height; y++) {
    const row = net.y0 - pad + y
    if (row < 0 || row >= rows) continue
    const first = Math.max(0, net.x0 - pad)
    const end = Math.min(input.width, net.x0 - pad + width)
    out.set(input.blank.subarray(row * input.width + first, row * input.width + end), y * width + first - net.x0 + pad)
  }
}

/** In kernel memory too. */
function copyOf(values: Float32Array): Float32Array {
  const copy = allocate(Float32Array, values.length)
  copy.set(values)
  return copy
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
    for (const [image, degrees] of [
      [both.re, powers[2 * k]],
      [both.im, powers[2 * k + 1]],
    ] as const) {
      if (!degrees) continue
      for (let x = 0; x < width; x++) across[x] = power(scaled(net.x0 - pad + x, model.width), degrees[0])
      for (let y = 0; y < height; y++) up[y] = power(scaled(net.y0 - pad + y, model.height), degrees[1])
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
  const degree = model.backgroundOrder
  const along = allocate(Float64Array, degree + 1)
  const places = allocate(Float64Array, width)
  for (let x = 0; x < width; x++) places[x] = scaled(net.x0 - pad + x, model.width)
  for (let y = 0; y < height; y++) {
    const v = scaled(net.y0 - pad + y, model.height)
    along.fill(0)
    for (let j = 0; j < powers.length; j++) along[powers[j][0]] += model.background[j] * power(v, powers[j][1])
    const p = y * width
    compiled().subtractPolynomial(
      ...([pixels.byteOffset + 4 * p, variance.byteOffset + 4 * p, blank.byteOffset + p] as const),
      ...([places.byteOffset, along.byteOffset, degree, width] as const),
    )
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
  const n = white.re.length
  const transforms = [k.re.byteOffset, k.im.byteOffset, point.re.byteOffset, point.im.byteOffset] as const
  const made = [white.re.byteOffset, match.re.byteOffset, match.im.byteOffset] as const
  const norm = compiled().whiteFilters(...transforms, noise.sharp, noise.broad, ...made, n)
  if (!decorrelate) white.re.fill(1)
  // the sharp image has gone through the kernel before
  const squaresOfMatch = swapped(squaredPair({ a: match, b: product(match, k) }))
  const squaresOfWhite = swapped(squaredPair({ a: white, b: product(white, k) }))
  const half = (Math.sqrt(psf.length) - 1) / 2
  const seen = kernelOf(product(point, white), half)
  return { white, match, squaresOfMatch, squaresOfWhite, norm: norm / n, psf: seen }
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
    for (let j = 0; j < sums.length; j++) sum += sums[j] * power(u, powers[j][0]) * power(v, powers[j][1])
    return -1 / sum
  }
}
