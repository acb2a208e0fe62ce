import { allocate, kernels as compiled, scoped } from '@nightpipe/kernels'
import { type ComplexImage, fft, inverseFft, kernelComplexImage, power } from '@nightpipe/math'
import { type FilteredTile, rowOfTiles } from './finish-tile.js'
import { type KernelModel, kernelAt, kernelTerms } from './kernel-model.js'
import { isPlain, noiseSpectra } from './noise-spectrum.js'
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
  const filters = filtersFor(kernelAt(model, ...centre, terms), psf, noise, tile, input)
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
  tile: Tile,
  input: AlardRowInput,
) {
  const { width, height } = tile
  const grid = kernelComplexImage(width, height)
  embed(kernel, width, height, grid.re)
  embed(psf, width, height, grid.im)
  const { a: k, b: point } = transformPair(grid)
  const white = kernelComplexImage(width, height)
  const match = kernelComplexImage(width, height)
  white.im.fill(0)
  const n = white.re.length
  const way = isPlain(input.noise) ? undefined : wayOfNoise(k, noise, tile, input)
  const norm = way
    ? whiteFilters(way, point, noise, white.re, match)
    : compiled().whiteFilters(
        ...([k.re.byteOffset, k.im.byteOffset, point.re.byteOffset, point.im.byteOffset] as const),
        ...([noise.sharp, noise.broad] as const),
        ...([white.re.byteOffset, match.re.byteOffset, match.im.byteOffset, n] as const),
      )
  if (!input.decorrelate) white.re.fill(1)
  // the sharp image has gone through the kernel before
  const through = (filter: ComplexImage): Pair =>
    way ? { a: product(filter, way.broad), b: product(filter, way.sharp) } : { a: filter, b: product(filter, k) }
  const squaresOfMatch = swapped(squaredPair(through(match)))
  const squaresOfWhite = swapped(squaredPair(through(white)))
  const half = (Math.sqrt(psf.length) - 1) / 2
  const seen = kernelOf(product(point, white), half)
  return { white, match, squaresOfMatch, squaresOfWhite, norm: norm / n, psf: seen }
}

/** What becomes of white noise of either image on its way into the difference. */
interface WayOfNoise {
  broad: ComplexImage
  sharp: ComplexImage
}

/** Where pixels share noise, with their neighbours or with the other image; the kernel included. */
function wayOfNoise(
  kernel: ComplexImage,
  { sharp, broad }: { sharp: number; broad: number },
  { width, height }: Tile,
  { noise, convolved }: AlardRowInput,
): WayOfNoise {
  const referenceIsSharp = convolved === 'reference'
  const typical = referenceIsSharp ? { fresh: broad, reference: sharp } : { fresh: sharp, reference: broad }
  const { fresh, common, own } = noiseSpectra(noise, typical, width, height)
  const ofFresh = kernelComplexImage(width, height)
  const ofReference = kernelComplexImage(width, height)
  for (let p = 0; p < fresh.length; p++) {
    const [re, im] = [kernel.re[p], kernel.im[p]]
    const part = common[p]
    ofFresh.re[p] = fresh[p] * (referenceIsSharp ? 1 - part * re : part - re)
    ofFresh.im[p] = fresh[p] * (referenceIsSharp ? -part * im : -im)
    ofReference.re[p] = own[p] * (referenceIsSharp ? re : 1)
    ofReference.im[p] = own[p] * (referenceIsSharp ? im : 0)
  }
  return referenceIsSharp ? { broad: ofFresh, sharp: ofReference } : { broad: ofReference, sharp: ofFresh }
}

/** As the compiled filters, for any spectrum of the noise. */
function whiteFilters(
  { broad, sharp }: WayOfNoise,
  point: ComplexImage,
  noise: { sharp: number; broad: number },
  white: Float32Array,
  match: ComplexImage,
): number {
  const powerAt = (p: number) =>
    noise.broad * (broad.re[p] ** 2 + broad.im[p] ** 2) + noise.sharp * (sharp.re[p] ** 2 + sharp.im[p] ** 2)
  const top = powerAt(0)
  let norm = 0
  for (let p = 0; p < white.length; p++) {
    const flattening = top / powerAt(p)
    white[p] = Math.sqrt(flattening)
    match.re[p] = flattening * point.re[p]
    match.im[p] = -flattening * point.im[p]
    norm += flattening * (point.re[p] ** 2 + point.im[p] ** 2)
  }
  return norm
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
