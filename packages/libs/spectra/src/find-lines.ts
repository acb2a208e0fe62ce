import { scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { lineBackground } from './line-background.js'
import { fitLines, GAUSSIAN_FWHM, lineBench, MOST_TOGETHER } from './line-profile.js'
import { type OrderSpectrum, SpectrumBit } from './spectrum.js'

/** Why a line is not to be trusted for the wavelength solution; 0 is good. */
export const LineFlag = {
  /** a pixel of it is saturated */
  saturated: 1,
  /** a neighbour is nearer than twice the width: one disturbs the other */
  blended: 2,
  /** much wider than other lines: two in one, or bloomed */
  wide: 4,
  /** much narrower than light through the slit can be: a cosmic ray */
  narrow: 8,
  /** at an end of the order, or beside bad pixels */
  cut: 16,
} as const

/** An emission line of an extracted order. */
export interface SpectralLine {
  /** index of the order, and the fibre, as in the spectrum */
  index: number
  fibre: number
  /** centre and its one sigma, px from 0 */
  x: number
  error: number
  /** light in the line and its one sigma, in the unit of the spectrum */
  flux: number
  fluxError: number
  /** full width at half maximum, px */
  fwhm: number
  /** of the fit, per degree of freedom */
  chiSquare: number
  /** bits of LineFlag */
  flags: number
}

/**
 * One sigma of the place of a line against that in another exposure, px: that of its light. What makes a fit poor (an image that is no
 * Gaussian, a neighbour) is the same in both, and draws both alike.
 */
export const repeatError = ({ error, chiSquare }: Pick<SpectralLine, 'error' | 'chiSquare'>): number =>
  error / Math.sqrt(Math.max(1, chiSquare))

export interface LineOptions {
  /** expected full width at half maximum, px; measured where it is not given, from this guess */
  fwhm?: number
  guess?: number
  /** how far a line stands above the noise, sigma (default 5) */
  threshold?: number
}

/** Bits of pixels that say nothing of the light that fell there. */
const UNUSABLE = SpectrumBit.bad | SpectrumBit.cosmicRay | SpectrumBit.noData | SpectrumBit.interpolated

/** The light of an order above its background, and its one sigma: infinite where nothing is known. */
export interface LineLight {
  light: Float64Array
  sigma: Float64Array
}

/** The lines of all orders, in their order and then by x, the width that was expected of them, and the light they were found in. */
export function findLines(
  orders: readonly OrderSpectrum[],
  options: LineOptions = {},
): { lines: SpectralLine[]; fwhm: number; light: LineLight[] } {
  const fwhm = options.fwhm ?? measuredWidth(orders, options.guess ?? 3)
  const light = orders.map((order) => lightAboveBackground(order, fwhm))
  const lines = orders.flatMap((order, k) => linesIn(order, light[k]!, fwhm, options.threshold ?? 5))
  flagOddWidths(lines)
  return { lines, fwhm, light }
}

/**
 * The lines of one order, by x. Peaks of the spectrum convolved with the line profile that stand out of the noise are fitted with
 * Gaussians integrated over the pixels, neighbours together; errors are those of the fit, larger where it is a poor one.
 */
function linesIn(order: OrderSpectrum, { light, sigma }: LineLight, fwhm: number, threshold: number): SpectralLine[] {
  const peaks = findPeaks(light, sigma, 0.5 * fwhm, threshold)
  const lines = scoped(() => fittedAt(peaks, order, { light, sigma }, fwhm, threshold))
  lines.sort((a, b) => a.x - b.x)
  flagBlends(lines, fwhm)
  return lines
}

/** Lines at some peaks, those together that lie together. */
function fittedAt(
  peaks: readonly number[],
  order: OrderSpectrum,
  { light, sigma }: LineLight,
  fwhm: number,
  threshold: number,
): SpectralLine[] {
  const bench = lineBench(light, sigma)
  const lines: SpectralLine[] = []
  let from = 0
  for (let k = 1; k <= peaks.length; k++) {
    if (k < peaks.length && peaks[k] - peaks[k - 1] < 2.5 * fwhm && k - from < MOST_TOGETHER) continue
    const group = peaks.slice(from, k)
    from = k
    for (const fit of fitLines(bench, group, fwhm)) {
      const { x, error, flux, fluxError, chiSquare } = fit
      if (!(flux > threshold * 0.6 * fluxError && error < fwhm / 2)) continue
      const flags = pixelFlags(order, sigma, x, fwhm)
      lines.push({
        ...{ index: order.index, fibre: order.fibre, x, error, flux, fluxError },
        fwhm: fit.sigma * GAUSSIAN_FWHM,
        chiSquare,
        flags,
      })
    }
  }
  return lines
}

function lightAboveBackground(order: OrderSpectrum, fwhm: number): LineLight {
  const { flux, uncertainty, mask } = order
  const usable = (x: number) => Number.isFinite(flux[x]) && !(mask[x] & UNUSABLE)
  const { level, noise } = lineBackground(flux, usable, 30 * fwhm)
  const light = new Float64Array(flux.length)
  const sigma = new Float64Array(flux.length).fill(Number.POSITIVE_INFINITY)
  for (let x = 0; x < flux.length; x++) {
    if (!usable(x)) continue
    light[x] = flux[x] - level[x]
    // Errors that come with the spectrum may miss what the background really scatters by (faint lines, fringes).
    sigma[x] = uncertainty[x] > noise[x] ? uncertainty[x] : noise[x]
    if (!(sigma[x] > 0)) sigma[x] = 1e-9
  }
  return { light, sigma }
}

/** Pixels where the smoothed spectrum is highest, and significant; smoothed by less than a line, so that neighbours stay apart. */
function findPeaks(light: Float64Array, sigma: Float64Array, fwhm: number, threshold: number): number[] {
  const n = light.length
  const reach = Math.ceil(1.5 * fwhm)
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, k) => {
    return Math.exp(-0.5 * (((k - reach) * GAUSSIAN_FWHM) / fwhm) ** 2)
  })
  const smooth = new Float64Array(n)
  const noise = new Float64Array(n)
  for (let x = 0; x < n; x++) {
    let sum = 0
    let variance = 0
    let norm = 0
    for (let k = Math.max(0, reach - x); k <= 2 * reach && x + k - reach < n; k++) {
      const at = x + k - reach
      if (sigma[at] === Number.POSITIVE_INFINITY) continue
      sum += kernel[k] * light[at]
      variance += (kernel[k] * sigma[at]) ** 2
      norm += kernel[k] * kernel[k]
    }
    smooth[x] = norm > 0 ? sum / norm : 0
    noise[x] = norm > 0 ? Math.sqrt(variance) / norm : Number.POSITIVE_INFINITY
  }
  const peaks: number[] = []
  for (let x = 1; x < n - 1; x++) {
    if (smooth[x] > threshold * noise[x] && smooth[x] > smooth[x - 1] && smooth[x] >= smooth[x + 1]) peaks.push(x)
  }
  return peaks
}

function pixelFlags(order: OrderSpectrum, sigma: Float64Array, x: number, fwhm: number): number {
  const from = Math.round(x - fwhm)
  const to = Math.round(x + fwhm)
  let flags = from < 0 || to >= sigma.length ? LineFlag.cut : 0
  for (let at = Math.max(0, from); at <= Math.min(sigma.length - 1, to); at++) {
    if (sigma[at] === Number.POSITIVE_INFINITY) flags |= LineFlag.cut
    if (order.mask[at] & SpectrumBit.saturated) flags |= LineFlag.saturated
  }
  return flags
}

/** A neighbour of a hundredth of the light moves nothing beyond the wings. */
function flagBlends(lines: SpectralLine[], fwhm: number): void {
  for (let k = 1; k < lines.length; k++) {
    const [left, right] = [lines[k - 1], lines[k]]
    if (right.x - left.x > 2 * fwhm) continue
    if (right.flux > 0.01 * left.flux) left.flags |= LineFlag.blended
    if (left.flux > 0.01 * right.flux) right.flags |= LineFlag.blended
  }
}

/** Widths change slowly over the detector: a line is compared with those of its order and the orders beside it. */
function flagOddWidths(lines: SpectralLine[]): void {
  const clean = lines.filter((line) => !line.flags && line.flux > 10 * line.fluxError)
  if (clean.length < 10) return
  const width = medianOf(clean.map((line) => line.fwhm))
  const scatter = Math.max(0.08 * width, MAD_TO_SIGMA * mad(clean.map((line) => line.fwhm)))
  for (const line of lines) {
    const error = (line.fwhm * line.fluxError) / line.flux
    if (line.fwhm - width > 3.5 * Math.hypot(scatter, error)) line.flags |= LineFlag.wide
    if (width - line.fwhm > 3.5 * Math.hypot(scatter, error)) line.flags |= LineFlag.narrow
  }
}

/** The median width of bright lines in some of the orders, from a guess. */
function measuredWidth(orders: readonly OrderSpectrum[], guess: number): number {
  const every = Math.max(1, Math.floor(orders.length / 8))
  const some = orders.filter((_, k) => k % every === 0)
  let fwhm = guess
  for (let round = 0; round < 5; round++) {
    const clean = some
      .flatMap((order) => linesIn(order, lightAboveBackground(order, fwhm), fwhm, 10))
      .filter((line) => !line.flags)
    if (clean.length < 5) break
    const next = Math.min(40, Math.max(1.2, medianOf(clean.map((line) => line.fwhm))))
    const settled = Math.abs(next - fwhm) < 0.03 * fwhm
    fwhm = next
    if (settled) break
  }
  return fwhm
}
