import { medianOf } from '@nightpipe/math'
import { isGood } from './good-pixels.js'
import type { OrderSpectrum } from './spectrum.js'
import type { Window } from './tellurics.js'

/** The head of the A band of oxygen: under any air, at any hour, next to no light is left there. Vacuum, Angstrom. */
const HEAD: Window = { from: 7596, to: 7606 }
/** Light on both sides of the band, which it is compared with. */
const BESIDE: readonly Window[] = [
  { from: 7565, to: 7590 },
  { from: 7705, to: 7730 },
]
/** Air leaves a quarter of the light in the head on average; lines of stars, and bands of cool ones, may take some. */
const LEAST_LIGHT = 0.75
/** Both must be known so well, in sigma of their typical light. */
const CERTAIN = 20
/** Fewest columns in each. */
const FEWEST = 15

/**
 * Whether the light came through the air, or may have: false only where an order shows the A band of oxygen without a trace of
 * it, as light from above the air does, or that of a lamp or a simulation. Where the band is not covered, or too faint to tell,
 * the answer is that it may.
 */
export function airSeen(orders: readonly OrderSpectrum[]): boolean {
  const told = orders.flatMap((one) => lightInHead(one) ?? [])
  return told.length === 0 || told.some((part) => part < LEAST_LIGHT)
}

/** The light in the head over that beside it; undefined where the order does not tell. */
function lightInHead(one: OrderSpectrum): number | undefined {
  const head = lightWithin(one, [HEAD])
  const beside = head && lightWithin(one, BESIDE)
  if (!head || !beside || !(beside.light > CERTAIN * beside.error) || !(head.error < beside.light / CERTAIN))
    return undefined
  return head.light / beside.light
}

/** Median light of the good columns within windows, over the response of the flat, and its one sigma. */
function lightWithin(one: OrderSpectrum, windows: readonly Window[]): { light: number; error: number } | undefined {
  const { wavelength, flux, uncertainty, blaze } = one
  if (!wavelength) return undefined
  const inside = (lambda: number) => windows.some(({ from, to }) => lambda >= from && lambda <= to)
  const columns: number[] = []
  for (let x = 0; x < flux.length; x++) {
    if (inside(wavelength[x]!) && isGood(one, x) && (!blaze || blaze[x]! > 0.05)) columns.push(x)
  }
  if (columns.length < FEWEST) return undefined
  const light = medianOf(columns.map((x) => flux[x]! / (blaze?.[x] ?? 1)))
  const error = medianOf(columns.map((x) => uncertainty[x]! / (blaze?.[x] ?? 1)))
  return { light, error: (1.25 * error) / Math.sqrt(columns.length) }
}
