import { power } from '@nightpipe/math'
import { keyOf, type Random, randomOf } from '../random.js'
import type { Camera } from './camera.js'
import { scatterDust, shadowInPlace } from './dust.js'
import { fillNormal, PURPOSE } from './rows.js'
import type { Settings } from './schema.js'

/** A pixel, or a column from a row on to the last, that does not work as the others; unbinned pixels, from 0. */
export interface Defect {
  kind: 'hot' | 'dead' | 'column'
  x: number
  y: number
  /** hot: electrons per second; dead and column: what is left of the response */
  value: number
}

/** What the defects of a detector depend on. */
export interface Wafer {
  random: Pick<Settings['random'], 'seed'>
  detector: Pick<Settings['detector'], 'width' | 'height' | 'hot pixels' | 'hot rate' | 'dead pixels' | 'bad columns'>
}

/** The defects of a detector: the same for every frame of a seed. */
export function defectsOf({ random: { seed }, detector }: Wafer): Defect[] {
  const { width, height } = detector
  const pixel = (random: Random) => ({ x: random.below(width), y: random.below(height) })
  const count = (part: number) => Math.round(part * width * height)
  const [low = 1, top = low] = detector['hot rate']
  const rate = (random: Random) => (low > 0 ? low * power(top / low, random.uniform()) : top * random.uniform())
  const hot = randomOf(seed, 'hot pixels')
  const dead = randomOf(seed, 'dead pixels')
  const columns = randomOf(seed, 'bad columns')
  return [
    ...Array.from({ length: count(detector['hot pixels']) }, () => {
      return { kind: 'hot' as const, ...pixel(hot), value: rate(hot) }
    }),
    ...Array.from({ length: count(detector['dead pixels']) }, () => {
      return { kind: 'dead' as const, ...pixel(dead), value: dead.between(0, 0.25) }
    }),
    ...Array.from({ length: detector['bad columns'] }, () => {
      return { kind: 'column' as const, ...pixel(columns), value: columns.between(0.1, 0.7) }
    }),
  ]
}

/** What the bias level does not tell: columns, a wave, and the ramp behind each amplifier; ADU, binned pixels. */
export function biasMap(settings: Settings, camera: Camera): Float32Array {
  const { seed } = settings.random
  const strength = settings.detector['bias structure']
  const { width, height, amplifiers } = camera
  const image = new Float32Array(width * height)
  fillNormal(image, width, PURPOSE.pattern, keyOf(seed, 'bias'))
  const random = randomOf(seed, 'bias columns')
  const columns = Float64Array.from({ length: width }, () => 0.6 * random.normal())
  const phase = random.between(0, 2 * Math.PI)
  for (const { place, mirrored } of amplifiers) {
    for (let y = place.y0; y < place.y1; y++) {
      const wave = 0.5 * Math.sin((7 * y) / height + phase)
      for (let x = place.x0; x < place.x1; x++) {
        const read = mirrored ? place.x1 - 1 - x : x - place.x0
        const ramp = 3 * Math.exp(-read / 25)
        const p = y * width + x
        image[p] = strength * (0.25 * image[p]! + columns[x]! + wave + ramp)
      }
    }
  }
  return image
}

/** Dark current in electrons per second, unbinned pixels. */
export function darkMap(settings: Settings, defects: readonly Defect[]): Float32Array {
  const { detector, random } = settings
  const { width, height } = detector
  const image = new Float32Array(width * height)
  fillNormal(image, width, PURPOSE.dark, keyOf(random.seed, 'dark'))
  // From pixel to pixel it varies by 12 %.
  for (let p = 0; p < image.length; p++) image[p] = detector.dark * Math.max(0.2, 1 + 0.12 * image[p]!)
  const reach = Math.ceil(15 * detector['glow size'])
  for (let y = 0; y < Math.min(reach, height); y++) {
    for (let x = 0; x < Math.min(reach, width); x++) {
      image[y * width + x]! += detector.glow * Math.exp(-Math.hypot(x, y) / detector['glow size'])
    }
  }
  for (const { kind, x, y, value } of defects) if (kind === 'hot') image[y * width + x]! += value
  return image
}

/**
 * Response to light in one filter, relative to the mean of the detector: vignetting and a slope, dust (half of it on the
 * filter), pixel response (a sixth of its variance changes with the filter), then what does not work. Unbinned pixels.
 */
export function flatMap(settings: Settings, filter: string, defects: readonly Defect[]): Float32Array {
  const { detector, telescope } = settings
  const { seed } = settings.random
  const { width, height } = detector
  const image = new Float32Array(width * height)
  fillNormal(image, width, PURPOSE.response, keyOf(seed, 'response'))
  const own = new Float32Array(width * height)
  fillNormal(own, width, PURPOSE.response, keyOf(seed, 'response', filter))
  const random = randomOf(seed, 'flat', filter)
  const [tilt, angle] = [0.015 * random.uniform(), random.between(0, 2 * Math.PI)]
  const [ax, ay] = [tilt * Math.cos(angle), tilt * Math.sin(angle)]
  const [common, changing] = [
    detector['pixel response'] * Math.sqrt(5 / 6),
    detector['pixel response'] * Math.sqrt(1 / 6),
  ]
  const corner = (width / 2) ** 2 + (height / 2) ** 2
  for (let y = 0; y < height; y++) {
    const v = y - (height - 1) / 2
    for (let x = 0; x < width; x++) {
      const u = x - (width - 1) / 2
      const r2 = (u * u + v * v) / corner
      const light = 1 - telescope.vignetting * r2 * (0.7 + 0.3 * r2) + (2 * (ax * u)) / width + (2 * (ay * v)) / height
      const p = y * width + x
      image[p] = light * (1 + common * image[p]! + changing * own[p]!)
    }
  }
  const half = Math.ceil(telescope.dust / 2)
  const depth = telescope['dust depth']
  shadowInPlace(image, width, scatterDust(randomOf(seed, 'dust'), half, depth, width, height))
  shadowInPlace(image, width, scatterDust(randomOf(seed, 'dust', filter), telescope.dust - half, depth, width, height))
  normaliseInPlace(image)
  spoilInPlace(image, width, defects)
  return image
}

function normaliseInPlace(image: Float32Array): void {
  let sum = 0
  for (let p = 0; p < image.length; p++) sum += image[p]!
  const scale = image.length / sum
  for (let p = 0; p < image.length; p++) image[p] = Math.max(0, image[p]! * scale)
}

function spoilInPlace(flat: Float32Array, width: number, defects: readonly Defect[]): void {
  for (const { kind, x, y, value } of defects) {
    if (kind === 'dead') flat[y * width + x]! *= value
    if (kind === 'column') for (let p = y * width + x; p < flat.length; p += width) flat[p]! *= value
  }
}

/** The image as binning makes it: sums, or means, of `binning` x `binning` pixels. */
export function binned(image: Float32Array, width: number, binning: number, mean: boolean): Float32Array {
  if (binning === 1) return image
  const [w, h] = [width / binning, image.length / width / binning]
  const out = new Float32Array(w * h)
  const share = mean ? 1 / binning ** 2 : 1
  for (let y = 0; y < h * binning; y++) {
    const row = Math.floor(y / binning) * w
    for (let x = 0; x < w; x++) {
      let sum = 0
      for (let k = 0; k < binning; k++) sum += image[y * width + x * binning + k]!
      out[row + x]! += sum * share
    }
  }
  return out
}

/** A mask as binning makes it: the bits of all its pixels. */
export function binnedBits(mask: Uint8Array, width: number, binning: number): Uint8Array {
  if (binning === 1) return mask
  const w = width / binning
  const out = new Uint8Array(mask.length / binning ** 2)
  for (let p = 0; p < mask.length; p++) {
    if (mask[p]) out[Math.floor(p / width / binning) * w + Math.floor((p % width) / binning)]! |= mask[p]!
  }
  return out
}
