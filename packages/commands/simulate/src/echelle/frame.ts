import { type Drift, driftOf, type Motion, motionOf, type Series, seriesOf } from './conditions.js'
import { type Exposed, expose, type Maps } from './detector.js'
import type { Exposure } from './night.js'
import { type Canvas, fluxOf, optimalNoise, paintOrder } from './paint.js'
import { addMap, type CoarseMap, scatteredMap } from './scattered-light.js'
import { lampLevel, type OrderLight, orderLight } from './spectrum.js'
import type { Studio } from './studio.js'

/** What is true of one order and fibre of a frame, pixel by pixel along it. */
export interface OrderTruth {
  order: OrderLight
  /** electrons, without noise */
  flux: Float64Array
  /** of the best possible extraction, electrons */
  noise: Float64Array
}

/** A frame and its truth. */
export interface Made {
  exposed: Exposed
  orders: OrderTruth[]
  scattered?: CoarseMap
  conditions: Conditions
}

/** What is known of a frame before any pixel. */
export interface Conditions {
  drift: Drift
  series?: Series
  motion?: Motion
}

export function conditionsOf({ settings, frames }: Studio, frame: Exposure): Conditions {
  const drift = driftOf(settings, frame, frames[0]!.mjd)
  if (frame.star === undefined) return { drift }
  const series = seriesOf(settings, frame)
  const motion = motionOf(settings, frame, series)
  return { drift, series, ...(motion ? { motion } : {}) }
}

/** The pixels of one frame: the same for the same settings and name, in any thread. */
export function makeFrame(studio: Studio, maps: Maps, frame: Exposure): Made {
  const { settings, along, across } = studio
  const conditions = conditionsOf(studio, frame)
  const canvas: Canvas = { pixels: new Float32Array(along * across), along, across }
  const { drift, motion, series } = conditions
  const scene = {
    frame,
    drift,
    through: series?.mean ?? 1,
    lamp: lampLevel(studio, frame),
    ...(motion ? { motion } : {}),
  }
  const found: OrderLight[] = []
  for (let index = 0; index < settings.optics.orders; index++) {
    for (let fibre = 0; fibre < settings.fibres.count; fibre++) {
      const order = orderLight(studio, scene, index, fibre)
      if (!order) continue
      paintOrder(canvas, studio, order)
      found.push(order)
    }
  }
  const scattered = found.length > 0 ? scatteredMap(canvas, settings) : undefined
  if (scattered) addMap(canvas, scattered)
  const dark = settings.detector.dark * frame.seconds
  const orders = found.map((order) => ({
    order,
    flux: fluxOf(order, along),
    noise: optimalNoise(canvas, studio, order, dark),
  }))
  const light = settings.optics.dispersion === 'x' ? canvas.pixels : turned(canvas)
  return { exposed: expose(settings, maps, frame, light), orders, conditions, ...(scattered ? { scattered } : {}) }
}

/** Columns become rows: where the dispersion runs along y. */
function turned({ pixels, along, across }: Canvas): Float32Array {
  const out = new Float32Array(pixels.length)
  for (let y = 0; y < across; y++) for (let x = 0; x < along; x++) out[x * across + y] = pixels[y * along + x]!
  return out
}
