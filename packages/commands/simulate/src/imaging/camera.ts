import { ConfigError } from '@nightpipe/command'
import type { InstrumentProfile } from '@nightpipe/config'
import { nth, type Settings } from './schema.js'

/** A rectangle of pixels: 0-based, x1 and y1 just outside. */
export interface Section {
  x0: number
  y0: number
  x1: number
  y1: number
}

export interface Amplifier {
  /** as the header calls it */
  name: string
  /** where its pixels stand in the raw frame */
  data: Section
  /** the columns of the raw frame that it reads after them, and before */
  overscan: Section
  prescan: Section
  /** where its pixels stand in the image without prescan and overscan */
  place: Section
  /** it reads towards larger x: its register ends at the right */
  mirrored: boolean
  gain: number
  readNoise: number
  level: number
}

/** The geometry of a camera. `width` and `height` count binned pixels that see light. */
export interface Camera {
  width: number
  height: number
  rawWidth: number
  binning: number
  amplifiers: Amplifier[]
  /** ADU of the converter's last step; 0 where nothing is rounded */
  maximum: number
  fullWell: number
  /** the charge q is seen as q (1 - curve q); per electron */
  curve: number
  /** arcsec for a binned pixel */
  pixelScale: number
}

const COLUMNS = [1, 2, 3, 2]
const ROWS = [1, 1, 1, 2]

export function cameraOf(settings: Settings, profile: InstrumentProfile): Camera {
  const { detector, noise, telescope } = settings
  const { binning, amplifiers: count } = detector
  const [columns, rows] = [COLUMNS[count - 1]!, ROWS[count - 1]!]
  const [width, height] = [detector.width / binning, detector.height / binning]
  if (!Number.isInteger(width / columns) || !Number.isInteger(height / rows)) {
    throw new ConfigError(
      `[detector] ${detector.width}x${detector.height} px cannot be shared by ${count} amplifiers at binning ${binning}`,
      `take a width that divides by ${columns * binning} and a height that divides by ${rows * binning}`,
    )
  }
  const names = profile.values.amplifiers.names
  const amplifiers = Array.from({ length: count }, (_, k) => {
    const name = count === 1 ? '' : (names[k] ?? String(k + 1))
    return amplifierOf(settings, k, name, width / columns, height / rows)
  })
  const ideal = noise.noiseless
  return {
    ...{ width, height, binning, amplifiers },
    rawWidth: width + columns * (detector.prescan + detector.overscan),
    maximum: ideal || !noise.digitise ? 0 : 2 ** detector.bits - 1,
    fullWell: ideal ? Number.POSITIVE_INFINITY : detector['full well'],
    curve: ideal ? 0 : detector['non-linearity'] / detector['full well'],
    pixelScale: telescope['pixel scale'] * binning,
  }
}

/** Two amplifiers read a row to its two ends, so that their overscans meet in the middle. */
function amplifierOf(settings: Settings, k: number, name: string, width: number, height: number): Amplifier {
  const { prescan, overscan, amplifiers: count, ...detector } = settings.detector
  const [column, row] = [k % COLUMNS[count - 1]!, Math.floor(k / COLUMNS[count - 1]!)]
  const mirrored = count !== 3 && column === 1
  const start = column * (prescan + width + overscan)
  const rows = { y0: row * height, y1: (row + 1) * height }
  const cut = (from: number, to: number): Section => ({ x0: start + from, x1: start + to, ...rows })
  const [before, after] = mirrored ? [overscan, prescan] : [prescan, overscan]
  const [first, last] = [cut(0, before), cut(before + width, before + width + after)]
  return {
    ...{ name, mirrored, data: cut(before, before + width) },
    overscan: mirrored ? first : last,
    prescan: mirrored ? last : first,
    place: { x0: column * width, x1: (column + 1) * width, ...rows },
    gain: nth(detector.gain, k),
    readNoise: settings.noise.noiseless ? 0 : nth(detector['read noise'], k),
    level: nth(detector['bias level'], k),
  }
}

/** The amplifier that reads a pixel of the image. */
export function amplifierAt({ amplifiers }: Camera, x: number, y: number): Amplifier {
  const inside = ({ place }: Amplifier) => x >= place.x0 && x < place.x1 && y >= place.y0 && y < place.y1
  return amplifiers.find(inside) ?? amplifiers[0]!
}

/** Where a point of the image stands in the raw frame; both count from 0. */
export function rawPosition(camera: Camera, x: number, y: number): [number, number] {
  const clamp = (value: number, size: number) => Math.min(size - 1, Math.max(0, Math.round(value)))
  const { data, place } = amplifierAt(camera, clamp(x, camera.width), clamp(y, camera.height))
  return [x + data.x0 - place.x0, y + data.y0 - place.y0]
}

/**
 * What the header calls saturation: 2 % below full well, for pixels at full well scatter by their noise, or the end of the
 * converter, whichever comes first. ADU.
 */
export function saturationOf({ maximum, fullWell, curve }: Camera, { gain, level }: Amplifier): number | undefined {
  const well = level + (0.98 * fullWell * (1 - curve * fullWell)) / gain
  const limit = Math.min(maximum || Number.POSITIVE_INFINITY, well)
  return Number.isFinite(limit) ? Math.floor(limit) : undefined
}
