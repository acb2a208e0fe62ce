import { linearityOf } from '@nightpipe/config'
import type { Hdu, Onlooker } from '@nightpipe/fits'
import { byTable, type Calibration, calibratePixels, type Linearity } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import type { DarkSource } from './dark.js'
import { darkRowsOf } from './dark-rows.js'
import type { Detector, Reading } from './detector.js'
import type { Open } from './opened.js'
import type { ReductionJob } from './plan.js'
import { alignedReader, type Planes, stripRows, strips } from './planes.js'
import type { ReductionConfig } from './schema.js'
import { storedRaws, storedRows } from './stored-rows.js'

/** What a frame is calibrated with. */
export interface Masters {
  bias?: Open
  flat?: Open
  darkRows?: DarkSource
  /** The pixels are still raw: what `takeBiasOff` would have done is to be done too. */
  raws?: { bias?: Open; saturation: number; stored?: { image: Hdu; see?: Onlooker; isFresh: boolean } }
  /** The dark as it lies in its file. */
  dark?: Open
}

/** Linearity, dark, flat, unit and error: net pixels and expected signals become the reduced frame, in place. */
export function finish(
  planes: Planes & { hasError: boolean },
  detector: Detector,
  job: ReductionJob,
  config: ReductionConfig,
  masters: Masters,
  scale: number,
): void {
  const { width, height, pixels, error, mask } = planes
  const { frame } = job
  const whole = detector.readings.length === 1
  scoped(() => {
    const size = stripRows(width, height) * width
    const { raws } = masters
    const rowsOf = (image: Hdu | undefined, see?: Onlooker) => {
      if (!image) return undefined
      if (raws?.stored) return storedRows(image, width, size, see)
      const into = allocate(Float32Array, size)
      const read = alignedReader(image, frame, width, see)
      return (y: number, rows: number) => read(y, rows, into)
    }
    const errorOf = (master: Open | undefined) => (planes.hasError ? master?.error : undefined)
    const biasError = quietError(masters.bias, size) ?? rowsOf(errorOf(masters.bias))
    const flat = rowsOf(masters.flat?.image, masters.flat?.see)
    const flatError = rowsOf(errorOf(masters.flat))
    const dark = darkOf(masters, rowsOf, frame, width, size)
    const bias = rowsOf(raws?.bias?.image, raws?.bias?.see)
    const rawRows = raws?.stored && storedRaws(raws.stored.image, width, size, raws.stored.see)
    for (const { y, rows } of strips(0, height, width)) {
      const strip: Calibration = {
        ...{ biasError: biasError?.(y, rows), flat: flat?.(y, rows), flatError: flatError?.(y, rows) },
        ...{ ...dark?.(y, rows), minimumFlat: config.calibration['minimum flat'], scale, width },
      }
      for (const reading of detector.readings) {
        const { place } = reading.amplifier
        const [from, to] = [Math.max(y, place.y0), Math.min(y + rows, place.y1)]
        if (from >= to) continue
        const own = { gain: reading.gain, readNoise: noiseWithOverscan(reading) }
        // without a flat nothing else evens out what the gains of amplifiers differ by
        const even = masters.flat || config.frame.unit === 'adu' ? 1 : reading.gain / detector.gain
        const part = { ...strip, ...own, scale: scale * even }
        const linearity = linearityOf(reading.amplifier.name, config.linearity)
        if (whole && !linearity?.table) {
          const range = (plane: Float32Array) => plane.subarray(from * width, to * width)
          const bits = mask.subarray(from * width, to * width)
          const sigma = planes.hasError ? range(error) : undefined
          const before = raws && {
            ...{ overscan: levelsOf(reading, from, to), bias: bias?.(from, to - from), saturation: raws.saturation },
          }
          const stored = rawRows !== undefined
          const known = raws?.stored?.isFresh ? undefined : bits
          const now = { ...part, ...before, stored, linearity: linearity?.coefficients, signal: sigma, mask: known }
          const raw = rawRows?.(from, to - from) ?? range(pixels)
          calibratePixels(raw, now, { pixels: range(pixels), error: sigma, mask: bits })
          continue
        }
        for (let row = from; row < to; row++) {
          calibrateRow(planes, row, place.x0, place.x1, part, (row - y) * width, linearity)
        }
      }
    }
  })
}

/** The rows of the error of a bias that is not taken pixel by pixel. */
function quietError(bias: Open | undefined, size: number): ((y: number, rows: number) => Float32Array) | undefined {
  const read = bias?.quiet?.error
  if (!read) return undefined
  const into = allocate(Float32Array, size)
  return (y, rows) => read(y, rows, into)
}

/** The level of the overscan for each of some rows. */
function levelsOf({ overscan, amplifier: { place } }: Reading, from: number, to: number): Float32Array {
  const rows = overscan?.rows
  return Float32Array.from({ length: to - from }, (_, k) => (rows ? rows[from - place.y0 + k] : (overscan?.level ?? 0)))
}

/** The error of the overscan level is shared by many pixels; it counts all the same. */
function noiseWithOverscan({ readNoise, gain, overscan }: Reading): number {
  if (!overscan) return readNoise
  return Math.hypot(readNoise, gain * (overscan.lineError ?? overscan.error))
}

/** Rows of the dark: as they are stored, where the others are. */
function darkOf(
  { dark, darkRows, raws, bias }: Masters,
  rowsOf: (image: Hdu | undefined, see?: Onlooker) => ((y: number, rows: number) => Float32Array) | undefined,
  frame: ReductionJob['frame'],
  width: number,
  size: number,
) {
  if (!dark || !darkRows) return undefined
  if (!raws?.stored) return darkRowsOf(darkRows, bias?.image, frame, width, size)
  const read = rowsOf(dark.image, dark.see)!
  return (y: number, rows: number) => ({ dark: read(y, rows), darkScale: darkRows.scale })
}

/** Columns x0 … x1 of one row, for amplifiers side by side and for tables of linearity. */
function calibrateRow(
  { width, pixels, error, mask }: Planes,
  row: number,
  x0: number,
  x1: number,
  strip: Calibration,
  offset: number,
  linearity: Linearity | undefined,
): void {
  const here = <T extends Float32Array | Int16Array>(plane: T) =>
    plane.subarray(row * width + x0, row * width + x1) as T
  const there = (plane: Float32Array | undefined) => plane?.subarray(offset + x0, offset + x1)
  const part: Calibration = { ...strip, signal: here(error), mask: here(mask), width: x1 - x0 }
  for (const key of ['biasError', 'dark', 'darkError', 'flat', 'flatError'] as const) part[key] = there(strip[key])
  if (linearity?.table) {
    // The noise of net counts, times the slope of the table, enters as an error that nothing more is added to.
    const sigma = here(error)
    const net = here(pixels)
    for (let p = 0; p < net.length; p++) {
      const { slope } = byTable(linearity.table, sigma[p])
      const photons = Math.max(0, sigma[p]) / part.gain!
      const bias = part.biasError ? part.biasError[p] : 0
      const variance = (part.readNoise! / part.gain!) ** 2 + photons + (part.biasWeight ?? 1) * bias * bias
      sigma[p] = slope * Math.sqrt(Math.max(0, variance))
      net[p] = byTable(linearity.table, net[p]).value
    }
    Object.assign(part, { biasError: sigma, biasWeight: 1, signal: undefined, readNoise: 0, gain: Number.MAX_VALUE })
  } else part.linearity = linearity?.coefficients
  calibratePixels(here(pixels), part, { pixels: here(pixels), error: here(error), mask: here(mask) })
}
