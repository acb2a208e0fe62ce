import { backgroundMesh, type Frame } from '@nightpipe/image'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { fieldTerms, fitField, orderFor, termsOf } from './psf-field.js'
import { blankHidden } from './psf-hidden.js'
import { type Psf, type PsfParameters, psfOf, samplePsf } from './psf-model.js'
import { concentrationOf, fitMoffat, type Moffat, type MoffatFit, type StarStamp } from './psf-moffat.js'
import { type FittedStar, fitStars, improveTable } from './psf-residuals.js'
import { blankNeighbours, choosePsfStars, cutStar, neighboursOf, type PixelNoise } from './psf-stars.js'
import type { Stars } from './stars.js'

export interface PsfOptions extends Partial<PixelNoise> {
  /** Highest order of the variation over the field (2); fewer stars carry less. */
  order: number
  /** At most so many stars (200). */
  most: number
  /** Half side of the model, in widths at half maximum (4). */
  reach: number
  /** A pixel at or above this is saturated, in the unit of the frame. */
  saturation?: number
  /** Rounds of the table of residuals (2); 0: the Moffat profile alone. */
  rounds: number
  /** The pixels are above the background already (no). */
  net: boolean
}

export const PSF_DEFAULTS: PsfOptions = { order: 2, most: 200, reach: 4, rounds: 2, net: false }

/** Relative error of a profile that the weights allow for, so that the wings of bright stars count beside the cores. */
const SOFT = 0.005
const BETA_STARS = 25
/** Where more than this part of the stars have others in their wings that nobody found, these are taken out. */
const CROWDED = 0.1
/** Moffat's profile of this exponent stands for that of Gauss. */
const GAUSSIAN = 60

/**
 * The model of the profile of a frame from its own stars: bright, alone, spread over the field. Each is fitted by a
 * Moffat profile, the shapes by polynomials over the field, robustly; then what they all leave goes into a table.
 */
export function buildPsf(frame: Frame, stars: Stars, options: Partial<PsfOptions> = {}): Psf {
  const chosen = { ...PSF_DEFAULTS, ...options }
  const widths = Float64Array.from(stars.fwhm).filter((value) => value > 0)
  const noise = { skySigma: chosen.skySigma ?? skySigmaOf(frame), gain: chosen.gain }
  const rough = typicalWidth(stars) || medianOf(widths) || 3
  const half = Math.round(Math.min(40, Math.max(6, chosen.reach * rough)))
  const neighbours = neighboursOf(stars, Math.max(8, 2 * rough))
  const list = choosePsfStars(frame, stars, neighbours, rough, chosen.most, chosen.saturation)
  if (list.length === 0) throw new RangeError('no star is bright and alone enough for a model of the profile')
  const stamps = list.map((i) => {
    const stamp = cutStar(frame, noise, stars.x[i], stars.y[i], half, (!chosen.net && stars.background[i]) || 0)
    return softened(blankNeighbours(stamp, i, stars, neighbours, rough))
  })
  const ground = { frame, stars, list, stamps, rough, half, chosen }
  const model = modelOf(ground)
  // in a crowd the wings are made anew, of what is the stars' own
  const crowded = blankHidden(psfOf(model.parameters), model.own, rough) > CROWDED * model.own.length
  return psfOf((crowded ? modelOf(ground) : model).parameters)
}

/** What a model is made from. */
interface Ground {
  frame: Frame
  stars: Stars
  /** The stars that serve, and the pixels about them. */
  list: readonly number[]
  stamps: readonly StarStamp[]
  /** Their width, and half the side of the model, px. */
  rough: number
  half: number
  chosen: PsfOptions
}

function modelOf({ frame, stars, list, stamps, rough, half, chosen }: Ground) {
  const { width, height } = frame
  const { beta, fits } = fitShapes(list, stamps, stars, rough)
  const kept = typical(fits)
  if (kept.length === 0) throw new RangeError('no star has the shape of a star')
  const order = orderFor(kept.length, chosen.order)
  const terms = kept.map((k) => termsAt(frame, fits[k], order))
  // shapes of faint stars are noise, those of bright ones are as good as the model
  const weights = kept.map((k) => 1 / (0.02 ** 2 + ((2 * stars.fluxError[list[k]]) / stars.flux[list[k]]) ** 2))
  const shape = (['sxx', 'sxy', 'syy'] as const).map((axis) =>
    fitField(
      terms,
      kept.map((k) => squaredAxes(fits[k])[axis]),
      weights,
    ),
  ) as PsfParameters['shape']
  const step = Math.min(1, Math.max(0.3, rough / 5))
  const nodes = 2 * Math.ceil((Math.min(half, 2.5 * rough) + 1) / step) + 5
  const parameters: PsfParameters = {
    ...{
      width,
      height,
      half,
      beta,
      order,
      shape,
      step,
      nodes,
      table: new Float64Array(termsOf(order) * nodes * nodes),
    },
    ...{ norm: Float64Array.of(1), stars: kept.length, chi: Number.NaN },
  }
  normalise(parameters)
  const own: FittedStar[] = kept.map((k) => ({
    ...{ stamp: stamps[k], x: fits[k].x, y: fits[k].y, level: fits[k].level, flux: 0, chi: 0, good: true },
  }))
  for (let round = 0; round < chosen.rounds; round++) {
    parameters.chi = fitStars(psfOf(parameters), own, rough, round === 0 ? 2 : 1)
    improveTable(parameters, own, rough)
    normalise(parameters)
  }
  parameters.chi = fitStars(psfOf(parameters), own, rough, chosen.rounds === 0 ? 2 : 1)
  parameters.stars = own.filter(({ good }) => good).length
  return { parameters, own }
}

function skySigmaOf({ pixels, width, height, mask }: Frame): number {
  return medianOf(backgroundMesh(pixels, width, height, { mask }).rms)
}

/** Width of most of the bright stars. */
function typicalWidth(stars: Stars): number {
  const bright: number[] = []
  for (let i = 0; i < stars.count; i++) {
    if (stars.flags[i] === 0 && stars.flux[i] > 30 * stars.fluxError[i] && stars.fwhm[i] > 0.5)
      bright.push(stars.fwhm[i])
  }
  return bright.length > 0 ? medianOf(bright) : 0
}

function softened(stamp: StarStamp): StarStamp {
  const { value, variance } = stamp
  for (let k = 0; k < value.length; k++) if (variance[k] > 0) variance[k] += (SOFT * value[k]) ** 2
  return stamp
}

/** Fits of all stars with the exponent that most of the brightest have. */
function fitShapes(list: readonly number[], stamps: readonly StarStamp[], stars: Stars, rough: number) {
  const start = (k: number, beta: number) => {
    const q = concentrationOf(rough, beta)
    const [x, y] = [stars.x[list[k]], stars.y[list[k]]]
    return { amplitude: stars.peak[list[k]], x, y, qxx: q, qxy: 0, qyy: q, level: 0, beta }
  }
  const brightest = list
    .map((_, k) => k)
    .sort((a, b) => stars.flux[list[b]] - stars.flux[list[a]] || a - b)
    .slice(0, BETA_STARS)
  const betas = brightest.map((k) => ownBeta(stamps[k], (beta) => start(k, beta))).filter((beta) => beta > 0)
  const beta = betas.length > 0 ? Math.min(GAUSSIAN, Math.max(1.6, medianOf(betas))) : 3
  return { beta, fits: stamps.map((stamp, k) => fitMoffat(stamp, start(k, beta), 'shape')) }
}

/** The exponent of a star; 0 where no fit ends. A fit creeps from small exponents to large ones: those begin there. */
function ownBeta(stamp: StarStamp, start: (beta: number) => Moffat): number {
  const fit = fitMoffat(stamp, start(3), 'shape and beta')
  if (fit.good) return fit.beta
  const steep = fitMoffat(stamp, start(GAUSSIAN), 'shape')
  if (!(steep.chiSquare < fit.chiSquare)) return 0
  const between = fitMoffat(stamp, start(8), 'shape and beta')
  return between.good && between.chiSquare < steep.chiSquare ? between.beta : GAUSSIAN
}

/** Indices of the fits whose width is that of the others. */
function typical(fits: readonly MoffatFit[]): number[] {
  const good = fits.map((_, k) => k).filter((k) => fits[k].good)
  const area = (k: number) => 0.5 * Math.log(fits[k].qxx * fits[k].qyy - fits[k].qxy ** 2)
  const areas = good.map(area)
  if (good.length < 3) return good
  const centre = medianOf(areas)
  const spread = Math.max(0.03, MAD_TO_SIGMA * mad(areas, centre))
  return good.filter((k) => Math.abs(area(k) - centre) < 4 * spread)
}

const squaredAxes = ({ qxx, qxy, qyy }: MoffatFit) => {
  const determinant = qxx * qyy - qxy * qxy
  return { sxx: qyy / determinant, sxy: -qxy / determinant, syy: qxx / determinant }
}

function termsAt(frame: Frame, { x, y }: { x: number; y: number }, order: number): Float64Array {
  const out = new Float64Array(termsOf(order))
  fieldTerms(frame, x, y, order, out)
  return out
}

/** Makes the model sum to 1 over its stamp everywhere: the sum is a polynomial over the field. */
function normalise(parameters: PsfParameters): void {
  const { width, height, half, order } = parameters
  parameters.norm = Float64Array.from({ length: termsOf(order) }, (_, k) => (k === 0 ? 1 : 0))
  const psf = psfOf(parameters)
  const size = 2 * half + 1
  const out = new Float64Array(size * size)
  const grid = order === 0 ? [0.5] : [0, 0.25, 0.5, 0.75, 1]
  const places = grid.flatMap((v) => grid.map((u) => [u * (width - 1), v * (height - 1)] as const))
  const sums = places.map(([x, y]) => {
    samplePsf(psf.at(x, y), 0.25, 0.25, -half, -half, size, size, out)
    let sum = 0
    for (const value of out) sum += value
    return sum
  })
  const terms = places.map(([x, y]) => termsAt({ width, height } as Frame, { x, y }, order))
  parameters.norm = fitField(terms, sums, new Float64Array(sums.length).fill(1))
}
