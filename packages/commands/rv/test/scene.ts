import { join } from 'node:path'
import { createHeader, type NewHdu, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { barycentricCorrection, formatMjd, formatSexagesimal } from '@nightpipe/sky'
import type { OrderSpectrum } from '@nightpipe/spectra'
import { spectraHdus, waveArcsHdus } from '@nightpipe/spectrographs'

const C = 299792458
export const WIDTH = 1024
const ORDERS = 14
export const SITE = { latitude: -32.38, longitude: 20.81, height: 1760 }
export const STAR = { ra: 344.36658, dec: 20.76883, pmRa: 207.25, pmDec: 60.34, parallax: 64.07 }

const draw = random(41)
/** Lines of a star: at random, and those of the mask that ships. */
const LINES = Array.from({ length: 1500 }, () => ({
  centre: 4950 + 1100 * draw.uniform(),
  depth: 0.6 * draw.uniform() ** 2 + 0.03,
  width: 3500 * (0.9 + 0.5 * draw.uniform()),
})).sort((a, b) => a.centre - b.centre)

function starAt(lambda: number): number {
  let [low, high] = [0, LINES.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (LINES[middle]!.centre < lambda * (1 - 1.2e-4)) low = middle + 1
    else high = middle
  }
  let flux = 1
  for (let k = low; k < LINES.length && LINES[k]!.centre < lambda * (1 + 1.2e-4); k++) {
    const { centre, depth, width } = LINES[k]!
    flux *= 1 - depth * Math.exp(-0.5 * (((lambda / centre - 1) * C) / width) ** 2)
  }
  return flux
}

export interface Scene {
  name: string
  /** m/s, barycentric */
  velocity: number
  mjd: number
  seconds?: number
  electrons?: number
  /** a companion: how much faster it goes (m/s), and its part of the light */
  companion?: { faster: number; part: number }
  seed?: number
  /** brightness of the star over the exposure, 0..1 in time, for the exposure meter; undefined: no meter */
  light?: (t: number) => number
  objects?: string
  site?: boolean
  wavelengths?: boolean
  /** days of the arcs that its wavelengths are the mean of, each with an error of 6 m/s; with them WAVERR stands in the header */
  arcs?: readonly number[]
  /** that the lines of its lamp show; not told where left out */
  resolution?: number
}

/** Writes the -1d file of an exposure of one star in fibre 0 with the lamp in fibre 1; says where the light's middle was, and the mean correction of its light. */
export function writeScene(folder: string, scene: Scene): { middle: number; z: number } {
  const { mjd, seconds = 900, light, objects = '51PEG&thar&none', site = true } = scene
  const weights = Array.from({ length: 60 }, (_, k) => (light ? light((k + 0.5) / 60) : 1))
  const total = weights.reduce((a, b) => a + b)
  const middle = mjd + (seconds / 86400) * (weights.reduce((a, w, k) => a + w * (k + 0.5), 0) / 60 / total)
  const at = (k: number) => mjd + ((seconds / 86400) * (k + 0.5)) / 60
  const z =
    weights.reduce((sum, w, k) => sum + w * barycentricCorrection({ mjdUtc: at(k), site: SITE, ...STAR }).z, 0) / total
  const orders = [0, 1].flatMap((fibre) =>
    Array.from({ length: ORDERS }, (_, k) => order(fibre, k, (1 + scene.velocity / C) / (1 + z), scene)),
  )
  const header = createHeader([
    ['OBSTYPE', 'TARGET', ''],
    ['OBJECTS', objects, ''],
    ['OBJECT', '51Peg', ''],
    ['SITEID', 'cpt', ''],
    ['TELESCOP', 'nres03', ''],
    ['INSTRUME', 'fa13', ''],
    ['DATE-OBS', formatMjd(mjd), ''],
    ['MJD-OBS', mjd, ''],
    ['EXPTIME', seconds, ''],
    // as wavelength tells them of the lamp beside the star
    ['NMATCH', 221, ''],
    ['AMOERR', 0.0036, ''],
    ['RMSGOOD', 0.0006, ''],
    ...(scene.resolution ? [['RESOLUT', scene.resolution, ''] as const] : []),
    ...(scene.arcs ? [['WAVERR', ARC_ERROR / Math.sqrt(scene.arcs.length), ''] as const] : []),
  ])
  const sides: NewHdu[] = site ? [meter(mjd, seconds, light && weights), telescope()] : []
  writeFits(join(folder, scene.name), [...spectraHdus({ width: WIDTH, orders }, header), ...arcsOf(scene), ...sides])
  return { middle, z }
}

/** m/s */
export const ARC_ERROR = 6

const arcsOf = ({ arcs = [] }: Scene) =>
  waveArcsHdus(arcs.map((mjd) => ({ fibre: 0, mjd, what: 'fit' as const, share: 1 / arcs.length, error: ARC_ERROR })))

function order(
  fibre: number,
  index: number,
  stretch: number,
  { electrons = 4e4, seed = 1, wavelengths = true, companion = { faster: 0, part: 0 } }: Scene,
): OrderSpectrum {
  const noise = random(seed, fibre, index)
  const array = () => new Float64Array(WIDTH)
  const [flux, uncertainty, blaze, wavelength] = [array(), array(), array(), array()]
  const centre = 466950 / (79 + index)
  for (let x = 0; x < WIDTH; x++) {
    const u = (2 * x) / (WIDTH - 1) - 1
    wavelength[x] = wavelengths ? centre * (1 + ((x - WIDTH / 2 + 0.3 * fibre) * 3000) / C) : Number.NaN
    blaze[x] = 1 - 0.7 * u * u
    const rest = wavelength[x]! / stretch
    const light = starAt(rest) * (1 - companion.part) + starAt(rest / (1 + companion.faster / C)) * companion.part
    const level = fibre === 0 ? electrons * blaze[x]! * light : 200
    uncertainty[x] = Math.sqrt(Math.max(level, 0) + 64) || 8
    flux[x] = wavelengths || fibre > 0 ? level + uncertainty[x]! * noise.normal() : 1000
  }
  return { index, order: 79 + index, fibre, flux, uncertainty, blaze, mask: new Int32Array(WIDTH), wavelength }
}

function meter(mjd: number, seconds: number, weights?: readonly number[]): NewHdu {
  const rows = weights?.length ?? 0
  const each = (of: (k: number) => number) => Float64Array.from({ length: rows }, (_, k) => of(k))
  return {
    ...{ kind: 'table', name: 'EXPOSURE_METER', rows },
    columns: [
      { name: 'MJD_START', values: each((k) => mjd + (k * seconds) / rows / 86400) },
      { name: 'EXP_TIME', values: each(() => seconds / rows) },
      { name: 'FIB0COUNTS', values: each((k) => 1e5 * weights![k]!) },
      { name: 'FIB1COUNTS', values: each(() => 100) },
      { name: 'FIB2COUNTS', values: each(() => 0) },
      { name: 'EMFLAGS', values: new Int32Array(rows) },
    ],
  }
}

function telescope(): NewHdu {
  const { ra, dec, pmRa, pmDec, parallax } = STAR
  return {
    ...{ kind: 'empty', name: 'TELESCOPE_1' },
    header: createHeader([
      ['LONGITUD', SITE.longitude, ''],
      ['LATITUDE', SITE.latitude, ''],
      ['HEIGHT', SITE.height, ''],
      ['OBJECT', '51Peg', ''],
      ['RA', formatSexagesimal(ra, 'hours', 5), ''],
      ['DEC', formatSexagesimal(dec, 'degrees', 4), ''],
      ['CAT-RA', formatSexagesimal(ra, 'hours', 5), ''],
      ['CAT-DEC', formatSexagesimal(dec, 'degrees', 4), ''],
      ['PM-RA', pmRa / 1000 / Math.cos((dec * Math.PI) / 180), ''],
      ['PM-DEC', pmDec / 1000, ''],
      ['PARALLAX', parallax / 1000, ''],
    ]),
  }
}
