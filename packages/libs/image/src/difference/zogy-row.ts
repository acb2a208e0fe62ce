import { allocate } from '@nightpipe/kernels'
import { type ComplexImage, kernelComplexImage } from '@nightpipe/math'
import { type FilteredTile, rowOfTiles } from './finish-tile.js'
import { isPlain, noiseSpectra } from './noise-spectrum.js'
import type { TilePsfs, ZogyRowInput, ZogySpreads } from './strips.js'
import {
  backTogether,
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
 * Proper subtraction of one row of tiles (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27): the difference of equations 13 to
 * 17, in units of the flux of the new image, and the score of equations 12 and 25 to 29 with the noise of stars and of
 * their positions.
 */
export function zogyRow(input: ZogyRowInput): TilePsfs {
  return rowOfTiles(input, (tile, k) => zogyTile(input, tile, input.psfs[k]))
}

function zogyTile(input: ZogyRowInput, tile: Tile, psf: ZogySpreads): FilteredTile {
  const { width, height } = tile
  const cut = (pixels: Float32Array, out: Float32Array) => cutTile(tile, pixels, input.width, out)
  const images = kernelComplexImage(width, height)
  cut(input.fresh, images.re)
  cut(input.reference, images.im)
  const variances = kernelComplexImage(width, height)
  cut(input.freshVariance, variances.re)
  cut(input.referenceVariance, variances.im)
  limitVariance(variances.re)
  limitVariance(variances.im)
  const noise = { fresh: typicalVariance(variances.re), reference: typicalVariance(variances.im) }
  const { signal, difference, norm, seen } = filtersFor(psf, noise, tile)
  const both = transformPair(images)
  const filtered = backTogether(applied(both, signal))
  const stars = kernelComplexImage(width, height)
  for (let p = 0; p < filtered.re.length; p++) {
    // what the stars of the new image are after the filter: that of the reference is the same light
    stars.re[p] = filtered.re[p] - filtered.im[p]
    stars.im[p] = filtered.re[p]
  }
  const parts = backTogether(applied(both, difference))
  const white = allocate(Float32Array, width * height)
  for (let p = 0; p < white.length; p++) white[p] = parts.re[p] - parts.im[p]
  const through = isPlain(input.noise) ? (filters: Pair) => filters : wayOfNoise(input, noise, tile)
  const squares = [squaredPair(through(signal)), squaredPair(through(difference))] as const
  const variance = carriedVariance(transformPair(variances), ...squares)
  return { signals: stars, white, variance, norm, psf: seen }
}

function applied({ a, b }: Pair, filters: Pair): Pair {
  return { a: product(a, filters.a), b: product(b, filters.b) }
}

/** What filters do to noise that pixels share, with their neighbours or with the other image. */
function wayOfNoise(
  input: ZogyRowInput,
  typical: { fresh: number; reference: number },
  { width, height }: Tile,
): (filters: Pair) => Pair {
  const { fresh, common, own } = noiseSpectra(input.noise, typical, width, height)
  return ({ a, b }) => {
    const [ofFresh, ofReference] = [kernelComplexImage(width, height), kernelComplexImage(width, height)]
    for (let p = 0; p < fresh.length; p++) {
      ofFresh.re[p] = fresh[p] * (a.re[p] - common[p] * b.re[p])
      ofFresh.im[p] = fresh[p] * (a.im[p] - common[p] * b.im[p])
      ofReference.re[p] = own[p] * b.re[p]
      ofReference.im[p] = own[p] * b.im[p]
    }
    return { a: ofFresh, b: ofReference }
  }
}

/** Filters of the new image (a) and of the reference (b), for the score and for the difference. Fn = 1. */
function filtersFor(psf: ZogySpreads, noise: { fresh: number; reference: number }, { width, height }: Tile) {
  const { ratio } = psf
  const grid = kernelComplexImage(width, height)
  embed(psf.fresh, width, height, grid.re)
  embed(psf.reference, width, height, grid.im)
  const { a: pn, b: pr } = transformPair(grid)
  const make = () => ({ a: kernelComplexImage(width, height), b: kernelComplexImage(width, height) })
  const signal = make()
  const difference = make()
  for (const { a, b } of [signal, difference]) for (const part of [a.re, a.im, b.re, b.im]) part.fill(0)
  const atZero = Math.sqrt(noise.fresh * ratio ** 2 + noise.reference) / ratio
  let norm = 0
  for (let p = 0; p < pn.re.length; p++) {
    const n2 = pn.re[p] ** 2 + pn.im[p] ** 2
    const r2 = pr.re[p] ** 2 + pr.im[p] ** 2
    const power = noise.fresh * ratio ** 2 * r2 + noise.reference * n2
    // where neither point spread has light there is nothing to learn
    if (!(power > 1e-14 * (noise.fresh * ratio ** 2 + noise.reference))) continue
    // times the square of the noise, so that the variances of score and difference, transformed together, are alike
    const kn = (atZero ** 2 * ratio ** 2 * r2) / power
    const kr = (atZero ** 2 * ratio * n2) / power
    signal.a.re[p] = kn * pn.re[p]
    signal.a.im[p] = -kn * pn.im[p]
    signal.b.re[p] = kr * pr.re[p]
    signal.b.im[p] = -kr * pr.im[p]
    const root = atZero / Math.sqrt(power)
    difference.a.re[p] = root * ratio * pr.re[p]
    difference.a.im[p] = root * ratio * pr.im[p]
    difference.b.re[p] = root * pn.re[p]
    difference.b.im[p] = root * pn.im[p]
    norm += (atZero ** 2 * ratio ** 2 * n2 * r2) / power
  }
  if (psf.sharper) withoutPhase(difference, psf.sharper === 'reference' ? pr : pn)
  const half = (Math.sqrt(Math.min(psf.fresh.length, psf.reference.length)) - 1) / 2
  return { signal, difference, norm: norm / pn.re.length, seen: kernelOf(product(difference.a, pn), half) }
}

/**
 * The filters without the phase of the sharper point spread. Any phase leaves the noise white and the score as it is, but
 * at frequencies of which the stars show little it is the noise of the point spread, and strews what is sharp, the middle
 * of a saturated star, all about.
 */
function withoutPhase({ a, b }: Pair, sharp: ComplexImage): void {
  for (let p = 0; p < sharp.re.length; p++) {
    const size = Math.sqrt(sharp.re[p] ** 2 + sharp.im[p] ** 2)
    if (size === 0) continue
    const [cos, sin] = [sharp.re[p] / size, sharp.im[p] / size]
    for (const { re, im } of [a, b]) {
      const [u, v] = [re[p], im[p]]
      re[p] = u * cos + v * sin
      im[p] = v * cos - u * sin
    }
  }
}
