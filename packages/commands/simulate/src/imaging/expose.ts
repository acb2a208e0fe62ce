import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { keyOf, randomOf, smoothOf } from '../random.js'
import { bleedInPlace } from './bleed.js'
import type { Amplifier, Camera } from './camera.js'
import { cosmicsOf, type Hit } from './cosmics.js'
import { binned, binnedBits } from './maps.js'
import type { Exposure } from './night.js'
import type { Canvas } from './point-spread.js'
import { PURPOSE } from './rows.js'
import { addSatellites, addSources, paintSky, type Seen } from './scene.js'
import type { Settings } from './schema.js'
import { TRUTH_BIT } from './truth-bits.js'

/** The calibrations of a detector as they are, without noise. */
export interface Maps {
  /** ADU, binned */
  bias: Float32Array
  /** electrons per second, unbinned */
  dark: Float32Array
  /** unbinned; undefined for frames behind the closed shutter */
  flat?: Float32Array
}

export interface Exposed {
  /** as the camera gives it: prescan, data and overscan of every amplifier; whole numbers unless nothing is rounded */
  raw: Float32Array | Uint16Array
  /** of the image, binned */
  mask: Uint8Array
  hits: Hit[]
  /** bias level of each row, for each amplifier; ADU */
  levels: Float64Array[]
  /** electrons that bled out at the ends of columns */
  lost: number
  /** electrons per second in each binned pixel, before the flat; only when it was asked for */
  light?: Float32Array
}

/** The pixels of one frame: light, photons, charge, readout. The same for the same settings and name, in any thread. */
export function expose(
  settings: Settings,
  camera: Camera,
  maps: Maps,
  frame: Exposure,
  seen: readonly Seen[],
  zeroMjd: number,
): Exposed {
  const { width, height } = settings.detector
  return scoped(() => {
    const canvas: Canvas = { pixels: allocate(Float32Array, width * height), width, height }
    const fine = new Uint8Array(width * height)
    for (const p of light(canvas, settings, frame, seen)) fine[p] = TRUTH_BIT.satellite
    const keepLight = settings.files.light && frame.type === 'object'
    const kept = keepLight ? Float32Array.from(binned(canvas.pixels, width, camera.binning, false)) : undefined
    collect(canvas, settings, maps, frame)
    const ideal = settings.noise.noiseless
    const random = randomOf(settings.random.seed, 'cosmic rays', frame.name)
    const hits = ideal ? [] : cosmicsOf(random, settings, frame.seconds)
    for (const { pixels } of hits) {
      for (const [p, electrons] of pixels) {
        canvas.pixels[p]! += electrons
        fine[p]! |= TRUTH_BIT.cosmicRay
      }
    }
    const lost = bleedInPlace(canvas.pixels, width, camera.fullWell, fine)
    const mask = binnedBits(fine, width, camera.binning)
    const levels = camera.amplifiers.map((amplifier, k) => levelsOf(settings, amplifier, k, frame, zeroMjd))
    const charge = binned(canvas.pixels, width, camera.binning, false)
    const raw = readOut(charge, settings, camera, maps.bias, levels, frame)
    flagClipped(mask, raw, camera)
    return { raw, mask, hits, levels, lost, ...(kept ? { light: kept } : {}) }
  })
}

/** Electrons per second in every pixel; nothing behind a closed shutter. Returns the pixels of satellite trails. */
function light(canvas: Canvas, settings: Settings, frame: Exposure, seen: readonly Seen[]): number[] {
  canvas.pixels.fill(0)
  if (!frame.conditions) return []
  paintSky(canvas, frame.conditions, settings.random.seed, frame.filter ?? '')
  addSources(canvas, settings, frame, seen)
  return addSatellites(canvas, settings, frame)
}

/** Light and dark current become electrons. */
function collect({ pixels, width, height }: Canvas, settings: Settings, { dark, flat }: Maps, frame: Exposure): void {
  const noise = settings.noise.photon && !settings.noise.noiseless ? 1 : 0
  const key = keyOf(settings.random.seed, 'photons', frame.name)
  scoped(() => {
    const [darkRow, flatRow] = [allocate(Float32Array, width), allocate(Float32Array, width)]
    for (let y = 0; y < height; y++) {
      const row = pixels.byteOffset + 4 * y * width
      darkRow.set(dark.subarray(y * width, (y + 1) * width))
      if (flat) flatRow.set(flat.subarray(y * width, (y + 1) * width))
      const rows = [flat ? row : 0, darkRow.byteOffset, flatRow.byteOffset] as const
      kernels().simulateCharge(...rows, width, frame.seconds, noise, y, PURPOSE.photons, ...key, row)
    }
  })
}

/** The bias level of each row: it wanders through the night, and a little while a frame is read. */
function levelsOf(
  { random, detector }: Settings,
  { level, place }: Amplifier,
  k: number,
  frame: Exposure,
  zeroMjd: number,
) {
  const night = smoothOf(random.seed, 'bias drift', k)((frame.mjd - zeroMjd) * 16)
  const within = smoothOf(random.seed, 'row drift', k, frame.name)
  return Float64Array.from(
    { length: place.y1 - place.y0 },
    (_, y) => level + detector['bias drift'] * night + detector['row drift'] * within(y / 160),
  )
}

function readOut(
  charge: Float32Array,
  settings: Settings,
  camera: Camera,
  bias: Float32Array,
  levels: readonly Float64Array[],
  frame: Exposure,
): Float32Array | Uint16Array {
  const { width, height, rawWidth, maximum, curve, amplifiers } = camera
  const raw = new (maximum > 0 ? Uint16Array : Float32Array)(rawWidth * height)
  amplifiers.forEach(({ data, place, prescan, overscan, gain, readNoise }, k) => {
    const key = keyOf(settings.random.seed, 'read noise', frame.name, k)
    const [x0, x1] = [Math.min(prescan.x0, overscan.x0, data.x0), Math.max(prescan.x1, overscan.x1, data.x1)]
    scoped(() => {
      // Prescan and overscan hold no charge and have no structure.
      const [chargeRow, biasRow, out] = [0, 1, 2].map(() => allocate(Float32Array, x1 - x0).fill(0)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ]
      for (let y = place.y0; y < place.y1; y++) {
        chargeRow.set(charge.subarray(y * width + place.x0, y * width + place.x1), data.x0 - x0)
        biasRow.set(bias.subarray(y * width + place.x0, y * width + place.x1), data.x0 - x0)
        const level = levels[k]![y - place.y0]!
        const rows = [chargeRow.byteOffset, biasRow.byteOffset] as const
        const amplifier = [x1 - x0, level, gain, curve, readNoise / gain, maximum] as const
        kernels().simulateReadout(...rows, ...amplifier, y, PURPOSE.readout, ...key, out.byteOffset)
        raw.set(out, y * rawWidth + x0)
      }
    })
  })
  return raw
}

/** Pixels at the end of the converter. */
function flagClipped(mask: Uint8Array, raw: Float32Array | Uint16Array, camera: Camera): void {
  const { width, rawWidth, maximum, amplifiers } = camera
  if (maximum === 0) return
  for (const { data, place } of amplifiers) {
    for (let y = place.y0; y < place.y1; y++) {
      const from = y * rawWidth + data.x0
      const to = y * width + place.x0
      for (let x = 0; x < place.x1 - place.x0; x++) {
        if (raw[from + x]! >= maximum) mask[to + x]! |= TRUTH_BIT.saturated
      }
    }
  }
}
