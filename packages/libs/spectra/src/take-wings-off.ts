import { fitWings } from './fit-wings.js'
import type { FittedTrace, FlatImage } from './light-of-trace.js'
import { scatteredLight, subtractScatteredLightInPlace } from './scattered-light.js'
import type { Traces } from './traces.js'
import { subtractWings, wingMoments } from './wings.js'

/** Light is between the orders, and not of them, further off than this, widths of an order. */
export const NEAREST = 1.2
/** Rows beyond the profile that wings must be seen in, at least; and how far they are looked for, in widths of the order. */
const SEEN = 3
const FAR = 3.8

export interface WingLimits {
  /** the profiles reach so far from the centre, rows; how wide they are, and the two closest traces apart */
  half: number
  fwhm: number
  apart: number
  /** one column in `step` has fluxes */
  step: number
  /** take off the light between the orders, too */
  scattered: boolean
}

/**
 * Takes the wings of all orders off the flats, and then what else lies between the orders: wings taken for such light, or a
 * neighbour's in the profile of an order, draw its centre. What they add to the light and to its first moments is noted with the
 * traces.
 */
export function takeWingsOff(
  fitted: readonly FittedTrace[],
  images: readonly FlatImage[],
  traces: Traces,
  { half, fwhm, apart, step, scattered }: WingLimits,
): void {
  // further than the next order but one is not seen
  const to = Math.min(Math.max(FAR * fwhm, half + SEEN), apart + half)
  if (to < half + SEEN) return
  const { orders, fibres, width, blocks } = traces
  const wings = fitWings(fitted, images, { from: half, to, open: apart, orders, fibres, width, step })
  if (!wings) return
  for (const trace of fitted) {
    subtractWings(wings, trace)
    trace.wings = trace.wings.map((_, b) => wingMoments(wings, trace, ((b + 0.5) * width) / blocks - 0.5))
  }
  if (!scattered) return
  for (const { width, height, all, rest, bad } of images) {
    const light = scatteredLight({ width, height, pixels: all, mask: new Int16Array(bad) }, traces, {
      nearest: NEAREST * fwhm,
      fine: false,
    })
    if (!light) continue
    subtractScatteredLightInPlace(light, all)
    subtractScatteredLightInPlace(light, rest)
  }
}
