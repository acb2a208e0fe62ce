import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { driftBetween, type LampLight } from './lamp-light.js'

/** Below this many times the noise of a pixel there is no light; with less than this part of the brightest, hardly any. */
const LAMP_ON = 10
const LEAST_LIGHT = 0.2
/** A flat with more of its light saturated than this is of no use. */
const MOST_SATURATED = 0.1
/** Orders that lie further from those of the others than this, px, and than this many times their scatter, have moved. */
const MOST_DRIFT = 0.1
const DRIFTED = 6

/** Why flats of the same fibres must not be combined with the others: undefined for the good ones. */
export function judgeLamps(
  lamps: readonly { lamp: LampLight; noise: number }[],
  width: number,
): (string | undefined)[] {
  const brightest = Math.max(...lamps.map(({ lamp }) => lamp.light))
  const reasons = lamps.map(({ lamp: { light, saturated }, noise }) => {
    if (saturated > MOST_SATURATED) return `saturated: ${(100 * saturated).toFixed(0)} % of the pixels with light`
    if (!(light > LAMP_ON * noise)) return `${light.toFixed(0)} adu of light: was the lamp off?`
    if (light < LEAST_LIGHT * brightest) return 'has less than a fifth of the light of the others of these fibres'
    return undefined
  })
  const good = lamps.filter((_, k) => reasons[k] === undefined)
  if (good.length < 3) return reasons
  const middle = medianOf(good.map(({ lamp }) => lamp.light))
  const far = (light: number) => Math.abs(light - middle)
  const [typical] = [...good].sort((a, b) => far(a.lamp.light) - far(b.lamp.light))
  const drifts = lamps.map(({ lamp }) => driftBetween(lamp, typical!.lamp, width))
  const kept = drifts.filter((_, k) => reasons[k] === undefined)
  const centre = medianOf(kept)
  const scatter = MAD_TO_SIGMA * medianOf(kept.map((drift) => Math.abs(drift - centre)))
  const limit = Math.max(MOST_DRIFT, DRIFTED * scatter)
  return reasons.map((reason, k) => {
    const off = drifts[k]! - centre
    return reason ?? (Math.abs(off) > limit ? `its orders lie ${off.toFixed(2)} px off those of the others` : undefined)
  })
}
