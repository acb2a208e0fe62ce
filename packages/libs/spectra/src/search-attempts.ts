import { LIGHT_SPEED_KM } from '@nightpipe/math'
import type { RoughSpectrograph } from './identify.js'
import type { LineList } from './line-list.js'
import type { DispersionShape } from './line-votes.js'
import type { Numbering, SearchRange } from './search-shapes.js'

/** One way to look for a solution. */
export interface SearchAttempt {
  way: string
  /** strongest lines of each order that vote */
  linesPerOrder: number
  /** share of the list, its brightest lines */
  share: number
  range: SearchRange
}

/** Steps of the grid of shapes: relative in s, absolute in q. */
const STEP = { s: 0.005, q: 0.018 }
/** q of gratings: the dispersion falls along the direction of rising wavelength, by up to half from the middle to the end. */
const Q_RANGE = { from: -0.42, to: 0.14 }

/** Of what is known, from well to badly; where something is not known, blind. */
export function searchAttempts(
  rough: RoughSpectrograph,
  indices: readonly number[],
  list: LineList,
  width: number,
): SearchAttempt[] {
  const { firstOrder, orderConstant, pixelVelocity } = rough
  const s = ((pixelVelocity / LIGHT_SPEED_KM) * width) / 2
  const numbering = { firstOrder, orderStep: rough.orderStep || 1 }
  const numberings = [0, 1, -1, 2, -2, 3, -3].map((offset) => ({ ...numbering, firstOrder: firstOrder + offset }))
  const attempts: SearchAttempt[] = []
  const near = (constant: number, offset: number) => (index: number) => {
    const order = numbering.firstOrder + numbering.orderStep * index
    const middle = Math.log(orderConstant / order)
    const reach = constant + offset / order
    return { from: middle - reach, to: middle + reach }
  }
  if (firstOrder > 0 && orderConstant > 0 && s !== 0) {
    const close = {
      shapes: shapes([s], 0.03),
      step: stepFor(s),
      centre: near(0.015, 2.5),
      numberings: numberings.filter(({ firstOrder: first }) => first > 3),
      orders: 16,
    }
    // a spectrograph that its profile knows well: a tenth of the work
    const known = {
      ...{ ...close, shapes: shapes([s], 0.011), centre: near(0.006, 0.7), orders: 8 },
      numberings: close.numberings.slice(0, 1),
    }
    attempts.push({ way: 'known numbers, bright lines', linesPerOrder: 20, share: 0.5, range: known })
    attempts.push({ way: 'rough numbers, bright lines', linesPerOrder: 20, share: 0.5, range: close })
    attempts.push({ way: 'rough numbers, all lines', linesPerOrder: 40, share: 1, range: { ...close, orders: 1000 } })
    const wide = { ...close, shapes: shapes([s, -s], 0.06), centre: near(0.06, 5), orders: 12 }
    attempts.push({ way: 'doubtful numbers, bright lines', linesPerOrder: 25, share: 0.5, range: wide })
    const all = { ...wide, shapes: shapes([s], 0.06), orders: 10 }
    attempts.push({ way: 'doubtful numbers, all lines', linesPerOrder: 25, share: 1, range: all })
    return attempts
  }
  const blind = {
    ...{ step: { s: 2 * STEP.s * 0.01, q: 2 * STEP.q }, numberings: anyNumbering(indices) },
    centre: () => ({ from: Math.log(list.wavelength[0]), to: Math.log(list.wavelength[list.wavelength.length - 1]) }),
    orders: 9,
    shapes: anyShapes(),
  }
  attempts.push({ way: 'blind, bright lines', linesPerOrder: 20, share: 0.3, range: blind })
  attempts.push({ way: 'blind, all lines', linesPerOrder: 25, share: 1, range: { ...blind, orders: 7 } })
  return attempts
}

const stepFor = (s: number) => ({ s: Math.abs(s) * STEP.s, q: STEP.q })

/** A grid of shapes around each s, `reach` of it to both sides. q has the sign that makes the dispersion fall with the wavelength. */
function shapes(around: readonly number[], reach: number): DispersionShape[] {
  const out: DispersionShape[] = []
  for (const s of around) {
    for (let ds = -reach; ds <= reach + 1e-9; ds += STEP.s) {
      for (let q = Q_RANGE.from; q <= Q_RANGE.to + 1e-9; q += STEP.q) out.push({ s: s * (1 + ds), q: s > 0 ? q : -q })
    }
  }
  return out
}

/** Orders from a 125th to a 12th of the wavelength long, in both directions. */
function anyShapes(): DispersionShape[] {
  const out: DispersionShape[] = []
  for (let s = 0.004; s < 0.042; s *= 1 + 2 * STEP.s) {
    for (let q = -0.34; q <= 0.06; q += 2 * STEP.q) out.push({ s, q }, { s: -s, q: -q })
  }
  return out
}

/** Orders 15 to 200, in steps that one path can bridge. */
function anyNumbering(indices: readonly number[]): Numbering[] {
  const out: Numbering[] = []
  const middle = indices[indices.length >> 1]
  for (let order = 15; order < 200; order = Math.max(order + 1, Math.round(order * 1.03))) {
    for (const orderStep of [1, -1]) {
      const firstOrder = order - orderStep * middle
      if (indices.every((index) => firstOrder + orderStep * index > 3)) out.push({ firstOrder, orderStep })
    }
  }
  return out
}
