import type { CardLookup } from '../tan.js'
import { numberOfCard } from '../tan.js'
import { type PlaneMap, type PlanePolynomial, planeMap } from './plane-polynomial.js'

/**
 * The Simple Imaging Polynomial (Shupe et al. 2005, ASPC 347, 491): pixels from the reference pixel, u and v, become
 * u + A(u, v) and v + B(u, v) before the matrix. `a[p][q]` belongs to u^p v^q. `ap` and `bp` are the fitted inverse that
 * other tools want; here they are a first guess at most.
 */
export interface SipDistortion {
  kind: 'SIP'
  a: number[][]
  b: number[][]
  ap?: number[][]
  bp?: number[][]
}

/**
 * The TPV polynomial of SCAMP and SWarp on the plane, in degrees, after the matrix: up to 40 coefficients for each axis,
 * as PV1_0 … PV1_39 of the registry of FITS conventions; `second` counts its terms with the axes swapped.
 */
export interface TpvDistortion {
  kind: 'TPV'
  first: number[]
  second: number[]
}

/** The corrections of IRAF's TNX in degrees on the plane, added to each axis, as power series. */
export interface TnxDistortion {
  kind: 'TNX'
  first: number[][]
  second: number[][]
  /** The header's own WAT text of both axes, so that it can be written again. */
  source: [string, string]
}

export type Distortion = SipDistortion | TpvDistortion | TnxDistortion

/** The map that a distortion is: of pixels from the reference pixel (SIP), or of the plane in degrees (TPV, TNX). */
export function distortionMap(distortion: Distortion): PlaneMap {
  if (distortion.kind === 'TPV')
    return planeMap(tpvPolynomial(distortion.first), swap(tpvPolynomial(distortion.second)))
  const [first, second] =
    distortion.kind === 'SIP' ? [distortion.a, distortion.b] : [distortion.first, distortion.second]
  return planeMap({ terms: plus(first, 1, 0) }, { terms: plus(second, 0, 1) })
}

/** The series with one more u^p v^q: the identity on top of the corrections. */
function plus(series: number[][], p: number, q: number): number[][] {
  const rows = Math.max(series.length, p + 1)
  const terms = Array.from({ length: rows }, (_, k) => [...(series[k] ?? [])])
  while (terms[p].length <= q) terms[p].push(0)
  terms[p][q] += 1
  return terms
}

/** The powers of x and y of the 40 terms of TPV; the four powers of the radius have none. */
const TPV_TERMS: readonly (readonly [number, number] | undefined)[] = tpvTerms()
const TPV_RADIAL = [3, 11, 23, 39]

function tpvTerms(): ([number, number] | undefined)[] {
  const terms: ([number, number] | undefined)[] = [[0, 0]]
  for (let order = 1; order <= 7; order++) {
    for (let q = 0; q <= order; q++) terms.push([order - q, q])
    if (order % 2 === 1) terms.push(undefined)
  }
  return terms
}

function tpvPolynomial(coefficients: readonly number[]): PlanePolynomial {
  const terms: number[][] = []
  for (const [k, value] of coefficients.entries()) {
    const powers = TPV_TERMS[k]
    if (!powers || !value) continue
    const [p, q] = powers
    while (terms.length <= p) terms.push([])
    while (terms[p].length <= q) terms[p].push(0)
    terms[p][q] = value
  }
  return { terms, radial: TPV_RADIAL.map((k) => coefficients[k] ?? 0) }
}

function swap({ terms, radial }: PlanePolynomial): PlanePolynomial {
  const swapped: number[][] = []
  for (const [p, row] of terms.entries()) {
    for (const [q, value] of row.entries()) {
      while (swapped.length <= q) swapped.push([])
      while (swapped[q].length <= p) swapped[q].push(0)
      swapped[q][p] = value
    }
  }
  return { terms: swapped, radial }
}

/** Longer polynomials than this are no real frame's, and no reader's memory is the header's to fill. */
const HIGHEST_ORDER = 12

/** A_p_q, B_p_q and their inverse AP, BP; undefined where the header has none, or nothing but zeros. */
export function readSip(card: CardLookup): SipDistortion | undefined {
  const [a, b] = [readSeries(card, 'A'), readSeries(card, 'B')]
  if (!a || !b) return undefined
  const [ap, bp] = [readSeries(card, 'AP'), readSeries(card, 'BP')]
  return ap && bp ? { kind: 'SIP', a, b, ap, bp } : { kind: 'SIP', a, b }
}

function readSeries(card: CardLookup, name: string): number[][] | undefined {
  const order = numberOfCard(card(`${name}_ORDER`))
  if (order === undefined || !(order >= 0 && order <= HIGHEST_ORDER)) return undefined
  const series: number[][] = []
  for (let p = 0; p <= order; p++) {
    series.push([])
    for (let q = 0; q <= order - p; q++) series[p].push(numberOfCard(card(`${name}_${p}_${q}`)) ?? 0)
  }
  return series
}

/** PVi_0 … PVi_39 of both axes (right ascension first), or undefined where the header has none. */
export function readTpv(card: CardLookup, axes: readonly [number, number]): TpvDistortion | undefined {
  const [first, second] = axes.map((axis) => {
    const values = TPV_TERMS.map((_, k) => numberOfCard(card(`PV${axis}_${k}`)))
    if (values.every((value) => value === undefined)) return undefined
    return values.map((value, k) => value ?? (k === 1 ? 1 : 0))
  })
  if (!first && !second) return undefined
  const identity = [0, 1]
  return { kind: 'TPV', first: first ?? identity, second: second ?? identity }
}
