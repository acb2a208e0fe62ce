import { power } from '@nightpipe/math'
import { legendre } from './legendre.js'
import type { Settings } from './schema.js'

/** Sellmeier coefficients: n² = 1 + Σ B λ² / (λ² - C), λ in micrometres. */
const GLASSES = {
  PBM2: [1.39446503, 0.159230985, 0.245470216, 0.0110571872, 0.0507194882, 31.4440142],
  BK7: [1.03961212, 0.231792344, 1.01046945, 0.00600069867, 0.0200179144, 103.560653],
  SiO2: [0.6961663, 0.4079426, 0.8974794, 0.00467914826, 0.0135120631, 97.9340025],
} as const

export function refractiveIndex(glass: keyof typeof GLASSES, um: number): number {
  const [b1, b2, b3, c1, c2, c3] = GLASSES[glass]
  const s = um * um
  return Math.sqrt(1 + (b1 * s) / (s - c1) + (b2 * s) / (s - c2) + (b3 * s) / (s - c3))
}

const radians = (degrees: number) => (degrees * Math.PI) / 180

/** Pixels along the dispersion and across it. */
export const sizeOf = ({ optics, detector }: Settings) =>
  optics.dispersion === 'x'
    ? { along: detector.width, across: detector.height }
    : { along: detector.height, across: detector.width }

/** The diffraction order of an index. */
export const orderOf = ({ optics }: Settings, index: number) => optics['first order'] + optics['order step'] * index

/**
 * The wavelength (vacuum, Angstrom) that the middle of a fibre's trace sees at a pixel along the dispersion, before any
 * drift. The grating equation in quasi-Littrow mounting behind a prism that is passed twice; what the model misses is a
 * Legendre polynomial in pixel and order, and fibres beside that of the lamp are displaced along the dispersion.
 */
export function wavelengthOf(settings: Settings, index: number, fibre: number): (pixel: number) => number {
  const { optics } = settings
  const size = sizeOf(settings).along
  const half = optics.orders / 2
  const jo = index - half
  const centre = centreOf(settings, index)
  const missed = residualAlong(optics.residual, jo / half)
  const falls = optics.wavelength === 'falls'
  const side = settings.fibres.arc - fibre
  return (pixel) => {
    const jx = falls ? size - 1 - pixel - size / 2 : pixel - size / 2
    const moved = side === 0 ? jx : jx - side * displacement(optics.displacement, jo, jx)
    return 10 * (centre(moved) + legendre(missed, (2 * moved) / size))
  }
}

/** The physical part, in nm, of pixels counted from the middle. */
function centreOf(settings: Settings, index: number): (jx: number) => number {
  const { optics, detector } = settings
  const { factor, height } = beamOf(settings, index)
  const focal = optics['focal length']
  const alpha = radians(optics.incidence)
  const shift = height * Math.sin(radians(optics.rotation))
  return (jx) => {
    const beta = -alpha - Math.atan((jx * detector['pixel size'] * 1e-3 + shift) / focal)
    return factor * (Math.sin(alpha) - Math.sin(beta))
  }
}

/** How high the prism lifts an order (mm), and what the sum of the sines is to be multiplied with to be nm. */
function beamOf({ optics }: Settings, index: number): { factor: number; height: number } {
  const spacing = optics['groove spacing']
  const focal = optics['focal length']
  const order = optics['first order'] + optics['order step'] * index
  const n = (um: number) => refractiveIndex(optics.glass, um)
  const middle = n(optics['central wavelength'])
  const a = radians(optics.apex) / 2
  const delta = Math.asin(middle * Math.sin(a)) - a
  const blaze = (2 * spacing * Math.sin(radians(optics.incidence))) / order
  const height = 4 * focal * delta * (n(blaze) - middle)
  const gamma = Math.asin((height - optics['cross offset']) / focal)
  return { factor: (1000 * (spacing / order) * Math.cos(gamma)) / (1 + optics.air), height }
}

/** Powers of Legendre polynomials (order, pixel) of the terms of the NRES tables. */
const TERMS = [
  ...[
    [0, 0],
    [1, 0],
    [2, 0],
    [3, 0],
    [0, 1],
    [1, 1],
    [2, 1],
    [0, 2],
    [1, 2],
    [0, 3],
    [4, 0],
    [3, 1],
    [2, 2],
    [1, 3],
  ],
  [0, 4],
] as const

/** The residuals of one order, as Legendre terms along it. */
function residualAlong(coefficients: readonly number[], lo: number): number[] {
  const along = [0, 0, 0, 0, 0]
  for (let k = 0; k < Math.min(coefficients.length, TERMS.length); k++) {
    const [o, x] = TERMS[k]!
    along[x] += coefficients[k]! * legendre([...Array(o).fill(0), 1], lo)
  }
  return along
}

/** The displacement of a fibre from that of the lamp, in pixels. */
function displacement(f: readonly number[], o: number, x: number): number {
  const terms = [1, o, x, x * o, o * o, x * o * o, x * x, o * x * x, power(x, 3), power(o, 3)]
  return terms.reduce((sum, term, k) => sum + (f[k] ?? 0) * term, 0)
}

/** Relative response of the echelle in an order: the diffraction of one groove facet. */
export function blazeOf(settings: Settings, index: number): (angstrom: number) => number {
  const { optics } = settings
  const order = orderOf(settings, index)
  const centre = 20 * beamOf(settings, index).factor * Math.sin(radians(optics.incidence))
  const range = (centre / order) * optics['blaze width']
  const floor = optics['blaze floor']
  return (angstrom) => {
    const x = (Math.PI * (angstrom - centre)) / range
    const sinc = Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x
    return floor + (1 - floor) * sinc * sinc
  }
}

/** Where the trace of an order and fibre lies across the dispersion. */
export function traceOf(settings: Settings, index: number, fibre: number): (pixel: number) => number {
  const { trace, fibres, optics } = settings
  const size = sizeOf(settings).along
  const t = optics.orders > 1 ? (2 * index) / (optics.orders - 1) - 1 : 0
  const along = [trace.centre, trace.slope, trace.bow, trace.third, trace.fourth].map((terms) => legendre(terms, t))
  const side = (fibres.direction === 'falls' ? 1 : -1) * (fibres.arc - fibre)
  const shift = side * legendre(fibres.separation, t)
  return (pixel) => legendre(along, (2 * pixel) / size - 1) + shift
}
