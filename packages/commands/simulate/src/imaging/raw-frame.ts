import { gzipSync } from 'node:zlib'
import type { FrameFacts, InstrumentProfile } from '@nightpipe/config'
import { headerFor } from '@nightpipe/config'
import { writeAtomically } from '@nightpipe/files'
import { type Compression, createHeader, encodeFits, type NewHdu, writeFits } from '@nightpipe/fits'
import { type TanSolution, wcsCards } from '@nightpipe/sky'
import { type Camera, saturationOf } from './camera.js'
import type { Exposed } from './expose.js'
import type { Exposure } from './night.js'
import { headerErrors } from './optics.js'
import type { Settings } from './schema.js'
import { wcsOf } from './sources.js'

/** What the observatory knows of a frame: what its headers tell. */
export function factsOf(settings: Settings, camera: Camera, frame: Exposure): Partial<FrameFacts> {
  const { telescope } = settings
  const { amplifiers, binning } = camera
  const [first] = amplifiers
  const limits = amplifiers.flatMap((amplifier) => saturationOf(camera, amplifier) ?? [])
  const several = amplifiers.length > 1
  return {
    type: frame.type,
    object: frame.type === 'object' ? frame.field : frame.type,
    instrument: telescope.instrument,
    telescope: telescope.telescope,
    site: telescope.site,
    exposureSeconds: frame.seconds,
    filter: frame.filter,
    mjd: frame.mjd,
    binning: [binning, binning],
    pixelScaleArcsec: camera.pixelScale * (frame.conditions ? headerErrors(settings, frame.name).scale : 1),
    saturation: limits.length ? Math.min(...limits) : undefined,
    ...(several ? {} : { gain: first!.gain, readNoise: first!.readNoise || undefined }),
    ...(frame.conditions ? { raDeg: frame.conditions.headerRa, decDeg: frame.conditions.headerDec } : {}),
    ...sectionsOf(camera),
  }
}

const wide = ({ x0, x1 }: { x0: number; x1: number }) => x1 > x0

function sectionsOf({ amplifiers }: Camera): Pick<FrameFacts, 'data' | 'overscan' | 'amplifiers'> {
  const [first] = amplifiers
  const described = amplifiers.map(({ name, data, overscan, prescan, place, gain, readNoise }) => ({
    ...{ name, data, place, gain },
    overscan: wide(overscan) ? overscan : wide(prescan) ? prescan : undefined,
    readNoise: readNoise || undefined,
  }))
  return {
    data: first!.data,
    overscan: described.flatMap(({ overscan }) => (overscan ? [overscan] : [])),
    amplifiers: described,
  }
}

/** Writes the frame as the camera would, with nothing of ours in it. */
export function writeRawFrame(
  path: string,
  settings: Settings,
  camera: Camera,
  profile: InstrumentProfile,
  frame: Exposure,
  { raw }: Exposed,
  compress: Compression | undefined,
): void {
  const header = createHeader([
    ...headerFor(factsOf(settings, camera, frame), profile),
    ...solutionCards(settings, camera, frame),
  ])
  const axes = [camera.rawWidth, camera.height]
  const integers = { kind: 'image', header, bitpix: 16, axes } as const
  const hdu: NewHdu =
    raw instanceof Float32Array
      ? { kind: 'image', header, bitpix: -32, axes, pixels: raw, ...(compress ? { compress: { type: 'GZIP_2' } } : {}) }
      : {
          ...integers,
          unsigned: camera.maximum > 32767,
          pixels: raw,
          ...(compress ? { compress: { type: compress.type } } : {}),
        }
  if (settings.files.gzip) writeAtomically(path, gzipSync(encodeFits([hdu]), { level: 4 }))
  else writeFits(path, [hdu])
}

/** A plate solution in raw pixels: the true one, or what the telescope believes. */
export function solutionCards(settings: Settings, camera: Camera, frame: Exposure) {
  const { conditions } = frame
  if (settings.files.wcs === 'none' || !conditions) return []
  const wcs = wcsOf(settings, frame, camera.binning)
  const { data, place } = camera.amplifiers[0]!
  const { pixel, sky } = wcs.linear
  const linear: TanSolution = {
    ...wcs.linear,
    pixel: [pixel[0] + data.x0 - place.x0, pixel[1] + data.y0 - place.y0],
  }
  if (settings.files.wcs === 'exact') return wcsCards({ ...wcs, linear: { ...linear, sky } })
  // What the telescope believes knows nothing of its distortion.
  const { scale, rotation } = headerErrors(settings, frame.name)
  return wcsCards({
    linear: {
      ...linear,
      sky: [conditions.headerRa, conditions.headerDec],
      matrix: turned(linear.matrix, scale, rotation),
    },
  })
}

/** A matrix of degrees for each pixel, scaled and turned on the sky. */
function turned([a, b, c, d]: TanSolution['matrix'], scale: number, degrees: number): TanSolution['matrix'] {
  if (scale === 1 && degrees === 0) return [a, b, c, d]
  const angle = (degrees * Math.PI) / 180
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)]
  return [cos * a - sin * c, cos * b - sin * d, sin * a + cos * c, sin * b + cos * d]
}
