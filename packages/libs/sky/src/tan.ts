import { wrapDegrees } from './angles.js'
import { type Direction, RADIANS } from './sphere.js'

/** Looks a keyword up in a header; `undefined` where the header has none. */
export type CardLookup = (keyword: string) => unknown

/** A gnomonic (TAN) plate solution. Pixels count from 0, (0, 0) being the centre of the first. */
export interface TanSolution {
  /** The pixel at which the plane touches the sky, and the sky there: right ascension and declination in degrees. */
  pixel: [x: number, y: number]
  sky: Direction
  /** Degrees of the tangent plane (towards east, towards north) for each pixel: CD1_1, CD1_2, CD2_1, CD2_2. */
  matrix: [number, number, number, number]
  /** Native longitude of the celestial pole, where it is not the default. */
  lonPole?: number
  radesys?: string
  equinox?: number
  /** Distortion in the header (SIP, TPV, TNX) that this linear solution leaves out. */
  distortion?: string
}

export interface TanWcs extends TanSolution {
  toSky(x: number, y: number): Direction
  /** Undefined on the far side of the sky, which a tangent plane cannot show. */
  toPixel(ra: number, dec: number): [x: number, y: number] | undefined
  /** Arcseconds for a pixel, the mean of both axes. */
  scaleArcsec: number
}

/** The plate solution of a header, or undefined where it has none that is a TAN projection of RA and Dec. */
export function tanWcs(card: CardLookup): TanWcs | undefined {
  const types = [1, 2].map((axis) =>
    String(card(`CTYPE${axis}`) ?? '')
      .trim()
      .toUpperCase(),
  )
  const forms = types.map((type) => /^(RA|DEC)-*(TAN|TPV|TNX)(?:-(\w+))?$/.exec(type))
  if (!forms[0] || !forms[1] || forms[0][1] === forms[1][1]) return undefined
  const reference = ['CRPIX1', 'CRPIX2', 'CRVAL1', 'CRVAL2'].map((keyword) => numberOfCard(card(keyword)))
  const matrix = readMatrix(card)
  if (reference.includes(undefined) || !matrix) return undefined
  const [p1, p2] = reference as number[]
  const [v1, v2] = [1, 2].map((axis) => reference[1 + axis]! * degreesIn(card(`CUNIT${axis}`)))
  const swapped = forms[0][1] === 'DEC'
  const [a, b, c, d] = matrix
  const radesys = card('RADESYS') ?? card('RADECSYS')
  const solution: TanSolution = {
    pixel: [p1 - 1, p2 - 1],
    sky: swapped ? [v2, v1] : [v1, v2],
    matrix: swapped ? [c, d, a, b] : [a, b, c, d],
    lonPole: numberOfCard(card('LONPOLE')),
    radesys: typeof radesys === 'string' ? radesys.trim() : undefined,
    equinox: numberOfCard(card('EQUINOX')) ?? numberOfCard(card('EPOCH')),
  }
  const distortion = forms[0][2] === 'TAN' ? forms[0][3] : forms[0][2]
  return makeTan(distortion ? { ...solution, distortion } : solution)
}

/** The number in a card, which may be written as text. */
export function numberOfCard(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || value.trim() === '') return undefined
  return Number.isFinite(Number(value)) ? Number(value) : undefined
}

/** CD as it stands, else CDELT times PC, else CDELT with the older CROTA2; degrees, whatever CUNIT says. */
export function readMatrix(card: CardLookup): [number, number, number, number] | undefined {
  const read = (prefix: string): (number | undefined)[] =>
    ['1_1', '1_2', '2_1', '2_2'].map((index) => numberOfCard(card(prefix + index)))
  const unit = [1, 2].map((axis) => degreesIn(card(`CUNIT${axis}`)))
  const cd = read('CD')
  const pc = read('PC')
  let rows: number[]
  if (cd.some((value) => value !== undefined)) rows = cd.map((value) => value ?? 0)
  else {
    const [d1, d2] = [numberOfCard(card('CDELT1')), numberOfCard(card('CDELT2'))]
    if (d1 === undefined || d2 === undefined) return undefined
    const turn = (numberOfCard(card('CROTA2')) ?? numberOfCard(card('CROTA1')) ?? 0) * RADIANS
    if (pc.some((value) => value !== undefined)) {
      const p = pc.map((value, k) => value ?? (k === 0 || k === 3 ? 1 : 0))
      rows = [d1 * p[0], d1 * p[1], d2 * p[2], d2 * p[3]]
    } else rows = [d1 * Math.cos(turn), -d2 * Math.sin(turn), d1 * Math.sin(turn), d2 * Math.cos(turn)]
  }
  const [a, b, c, d] = [rows[0] * unit[0], rows[1] * unit[0], rows[2] * unit[1], rows[3] * unit[1]]
  return a * d - b * c === 0 ? undefined : [a, b, c, d]
}

/** Degrees in the unit that a CUNIT card names. */
export function degreesIn(unit: unknown): number {
  const name = typeof unit === 'string' ? unit.trim().toLowerCase() : ''
  if (name.startsWith('arcsec')) return 1 / 3600
  if (name.startsWith('arcmin')) return 1 / 60
  return name.startsWith('rad') ? 1 / RADIANS : 1
}

/** The paper's default: 180 degrees, and 0 only where the reference is the celestial pole itself. */
export const defaultPole = ({ sky }: TanSolution): number => (sky[1] >= 90 ? 0 : 180)

/** Adds the two directions of the projection to a plate solution (Calabretta & Greisen 2002, A&A 395, 1077). */
export function makeTan(solution: TanSolution): TanWcs {
  const [a, b, c, d] = solution.matrix
  const determinant = a * d - b * c
  if (!(Math.abs(determinant) > 0)) throw new RangeError('the matrix of a plate solution must not be singular')
  const pole = (solution.lonPole ?? defaultPole(solution)) * RADIANS
  const [s0, c0] = [Math.sin(solution.sky[1] * RADIANS), Math.cos(solution.sky[1] * RADIANS)]
  // For 180 degrees these turn nothing: plane x points east and y north.
  const [sp, cp] = [Math.sin(pole), -Math.cos(pole)]

  function toSky(x: number, y: number): Direction {
    const [u, v] = [x - solution.pixel[0], y - solution.pixel[1]]
    const [p, q] = [(a * u + b * v) * RADIANS, (c * u + d * v) * RADIANS]
    const [east, north] = [p * cp - q * sp, p * sp + q * cp]
    const ra = Math.atan2(east, c0 - north * s0) / RADIANS + solution.sky[0]
    const dec = Math.atan2(s0 + north * c0, Math.hypot(east, c0 - north * s0)) / RADIANS
    return [wrapDegrees(ra), dec]
  }

  function toPixel(ra: number, dec: number): [number, number] | undefined {
    const [s, k] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)]
    const angle = (ra - solution.sky[0]) * RADIANS
    const depth = s * s0 + k * c0 * Math.cos(angle)
    if (!(depth > 0)) return undefined
    const [east, north] = [(k * Math.sin(angle)) / depth, (s * c0 - k * s0 * Math.cos(angle)) / depth]
    const [p, q] = [(east * cp + north * sp) / RADIANS, (north * cp - east * sp) / RADIANS]
    return [solution.pixel[0] + (d * p - b * q) / determinant, solution.pixel[1] + (a * q - c * p) / determinant]
  }

  const scaleArcsec = Math.sqrt(Math.abs(determinant)) * 3600
  return { ...solution, toSky, toPixel, scaleArcsec }
}

/** The header cards of a plate solution, ready to be written. */
export function tanHeaderCards(wcs: TanSolution): [keyword: string, value: string | number, comment: string][] {
  const cards: [string, string | number, string][] = [
    ['CTYPE1', 'RA---TAN', 'gnomonic projection'],
    ['CTYPE2', 'DEC--TAN', 'gnomonic projection'],
    ['CUNIT1', 'deg', 'unit of axis 1'],
    ['CUNIT2', 'deg', 'unit of axis 2'],
    ['CRPIX1', wcs.pixel[0] + 1, '[pixel] reference pixel along axis 1, from 1'],
    ['CRPIX2', wcs.pixel[1] + 1, '[pixel] reference pixel along axis 2, from 1'],
    ['CRVAL1', wcs.sky[0], '[deg] right ascension at the reference pixel'],
    ['CRVAL2', wcs.sky[1], '[deg] declination at the reference pixel'],
    ['CD1_1', wcs.matrix[0], '[deg/pixel] tangent plane per pixel'],
    ['CD1_2', wcs.matrix[1], '[deg/pixel] tangent plane per pixel'],
    ['CD2_1', wcs.matrix[2], '[deg/pixel] tangent plane per pixel'],
    ['CD2_2', wcs.matrix[3], '[deg/pixel] tangent plane per pixel'],
  ]
  cards.push(['LONPOLE', wcs.lonPole ?? defaultPole(wcs), '[deg] native longitude of the celestial pole'])
  cards.push(['RADESYS', wcs.radesys ?? 'ICRS', 'celestial reference system'])
  if (wcs.equinox !== undefined) cards.push(['EQUINOX', wcs.equinox, '[yr] equinox of the coordinates'])
  return cards
}
