import { type Context, type Parent, writeProduct } from '@nightpipe/command'
import { headerFor, type InstrumentProfile } from '@nightpipe/config'
import { createHeader, setCard } from '@nightpipe/fits'
import type { Camera } from './camera.js'
import type { Exposed, Maps } from './expose.js'
import { binned } from './maps.js'
import type { Exposure } from './night.js'
import { factsOf, solutionCards } from './raw-frame.js'
import type { Settings } from './schema.js'
import { TRUTH_BIT } from './truth-bits.js'

/** What products call these bits. */
const SATURATED = 2
const COSMIC_RAY = 4

/**
 * truth/calibrated: a science frame as a reduction without any error of its own would leave it, in electrons: the true
 * bias, dark and flat are taken away, the charge is made linear again. Noise and cosmic rays stay; the mask knows them.
 */
export function writeCalibrated(
  path: string,
  settings: Settings,
  camera: Camera,
  profile: InstrumentProfile,
  maps: Maps,
  frame: Exposure,
  exposed: Exposed,
  context: Context,
  parents: readonly Parent[],
): void {
  const { pixels, error } = undone(settings, camera, maps, frame, exposed)
  const { width, height } = camera
  const plain = { ...camera, amplifiers: camera.amplifiers.slice(0, 1), rawWidth: width }
  const header = createHeader([
    ...headerFor({ ...factsOf(settings, camera, frame), gain: 1, amplifiers: [], overscan: [] }, profile),
    ...solutionCards(
      settings,
      { ...plain, amplifiers: [{ ...plain.amplifiers[0]!, data: plain.amplifiers[0]!.place }] },
      frame,
    ),
  ])
  setCard(header, 'BUNIT', 'electron', 'unit of the pixels')
  const mask = Int16Array.from(
    exposed.mask,
    (bits) =>
      (bits & (TRUTH_BIT.saturated | TRUTH_BIT.bleed) ? SATURATED : 0) | (bits & TRUTH_BIT.cosmicRay ? COSMIC_RAY : 0),
  )
  const axes = [width, height]
  const unit = createHeader([['BUNIT', 'electron', 'unit of the pixels']])
  writeProduct(
    path,
    [
      { kind: 'image', header, bitpix: -32, axes, pixels },
      { kind: 'image', name: 'ERR', header: unit, bitpix: -32, axes, pixels: error },
      { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: mask },
    ],
    context,
    parents,
  )
}

function undone(settings: Settings, camera: Camera, maps: Maps, frame: Exposure, { raw, levels }: Exposed) {
  const { width, height, rawWidth, curve, amplifiers, binning } = camera
  const dark = binned(maps.dark, settings.detector.width, binning, false)
  const flat = binned(maps.flat!, settings.detector.width, binning, true)
  const [pixels, error] = [new Float32Array(width * height), new Float32Array(width * height)]
  for (const [k, { data, place, gain, readNoise }] of amplifiers.entries()) {
    for (let y = place.y0; y < place.y1; y++) {
      const level = levels[k]![y - place.y0]!
      for (let x = place.x0; x < place.x1; x++) {
        const p = y * width + x
        const seen = (raw[y * rawWidth + data.x0 + x - place.x0]! - level - maps.bias[p]!) * gain
        // The charge q is seen as q (1 - curve q).
        const charge = curve > 0 ? (1 - Math.sqrt(Math.max(0, 1 - 4 * curve * seen))) / (2 * curve) : seen
        pixels[p] = (charge - dark[p]! * frame.seconds) / flat[p]!
        error[p] = Math.sqrt(Math.max(0, charge) + readNoise ** 2) / flat[p]!
      }
    }
  }
  return { pixels, error }
}
