import { type CardLookup, degreesIn, numberOfCard, readMatrix, type TanSolution } from '../tan.js'
import { type Distortion, readSip, readTpv } from './distortion.js'
import { makeWcs, type Wcs, type WcsSolution } from './make-wcs.js'
import type { ProjectionCode } from './projections.js'
import { systemOf, systemToIcrs } from './system.js'
import { readTnx } from './tnx.js'

/** How the axes are named, and the projections that are a TAN with a distortion. */
const CTYPE = /^(RA|DEC|GLON|GLAT)-*(TAN|TPV|TNX|SIN|NCP|ARC|ZEA|STG|ZPN|CAR)(?:-(SIP))?$/
const LONGITUDES = ['RA', 'GLON']

/**
 * The plate solution of a header: TAN with SIP, TPV or TNX distortion, and SIN, NCP, ARC, ZEA, STG, ZPN, CAR. Undefined
 * where it has none that is complete. Directions are ICRS: older equinoxes are precessed (FK5 J2000 is taken as ICRS,
 * from which it differs by 0.02"); `asHeader` leaves them in the header's own system.
 */
export function readWcs(card: CardLookup, { asHeader = false } = {}): Wcs | undefined {
  const forms = [1, 2].map((axis) => {
    const text = String(card(`CTYPE${axis}`) ?? '')
    return CTYPE.exec(text.trim().toUpperCase())
  })
  if (!forms[0] || !forms[1] || forms[0][2] !== forms[1][2]) return undefined
  const swapped = !LONGITUDES.includes(forms[0][1])
  const [longitude, latitude] = swapped ? [forms[1][1], forms[0][1]] : [forms[0][1], forms[1][1]]
  if (`${longitude} ${latitude}` !== 'RA DEC' && `${longitude} ${latitude}` !== 'GLON GLAT') return undefined
  const axes: [number, number] = swapped ? [2, 1] : [1, 2]
  const linear = readLinear(card, axes)
  if (!linear) return undefined
  const galactic = longitude === 'GLON'
  const system = systemOf(card, galactic)
  // Said by the equinox alone, the system must be written out, or our own cards would say another.
  if (!galactic) linear.radesys ??= system.name
  const solution = { linear, ...readShape(card, axes, forms[0][2], linear), ...(galactic && { galactic }) }
  try {
    return makeWcs(asHeader ? solution : { ...solution, toIcrs: systemToIcrs(system) })
  } catch (error) {
    if (error instanceof RangeError) return undefined // singular, or with poles that do not fit
    throw error
  }
}

function readLinear(card: CardLookup, axes: readonly [number, number]): TanSolution | undefined {
  const pixel = [1, 2].map((axis) => numberOfCard(card(`CRPIX${axis}`)))
  const sky = axes.map((axis) => {
    const value = numberOfCard(card(`CRVAL${axis}`))
    return value === undefined ? undefined : value * degreesIn(card(`CUNIT${axis}`))
  })
  const matrix = readMatrix(card)
  if (pixel.includes(undefined) || sky.includes(undefined) || !matrix) return undefined
  const [a, b, c, d] = matrix
  const radesys = card('RADESYS') ?? card('RADECSYS')
  return {
    pixel: [pixel[0]! - 1, pixel[1]! - 1],
    sky: [sky[0]!, sky[1]!],
    matrix: axes[0] === 2 ? [c, d, a, b] : [a, b, c, d],
    lonPole: numberOfCard(card('LONPOLE')) ?? numberOfCard(card(`PV${axes[0]}_3`)),
    radesys: typeof radesys === 'string' ? radesys.trim() : undefined,
    equinox: numberOfCard(card('EQUINOX')) ?? numberOfCard(card('EPOCH')),
  }
}

type Shape = Pick<WcsSolution, 'projection' | 'parameters' | 'latPole' | 'distortion'>

function readShape(card: CardLookup, axes: readonly [number, number], code: string, linear: TanSolution): Shape {
  const latPole = numberOfCard(card('LATPOLE'))
  const parameters = Array.from({ length: 31 }, (_, k) => numberOfCard(card(`PV${axes[1]}_${k}`)) ?? 0)
  if (code === 'TPV' || code === 'TNX' || code === 'TAN') {
    const distortion = tangentDistortion(card, axes, code)
    // Where PV1_3 is a coefficient of TPV, it is no pole.
    if (distortion?.kind === 'TPV') linear.lonPole = numberOfCard(card('LONPOLE'))
    return { projection: 'TAN', latPole, distortion }
  }
  const sip = readSip(card)
  if (code === 'NCP') {
    const eta = 1 / Math.tan((linear.sky[1] * Math.PI) / 180)
    return { projection: 'NCP', parameters: [0, 0, eta], latPole, distortion: sip }
  }
  const last = parameters.findLastIndex((value) => value !== 0)
  return { projection: code as ProjectionCode, parameters: parameters.slice(0, last + 1), latPole, distortion: sip }
}

function tangentDistortion(card: CardLookup, axes: readonly [number, number], code: string): Distortion | undefined {
  if (code === 'TNX') return readTnx(card, axes)
  if (code === 'TPV') return readTpv(card, axes)
  const sip = readSip(card)
  if (sip) return sip
  // SCAMP before 2.0 wrote the coefficients of TPV into headers that it called TAN.
  const beyond = Array.from({ length: 35 }, (_, k) => k + 5)
  return beyond.some((k) => card(`PV${axes[0]}_${k}`) !== undefined) ? readTpv(card, axes) : undefined
}
