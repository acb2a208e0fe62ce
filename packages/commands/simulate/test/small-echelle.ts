import { fileURLToPath } from 'node:url'
import { loadConfig, withCommon } from '@nightpipe/config'
import { mapsOf } from '../src/echelle/detector.js'
import { type Made, makeFrame } from '../src/echelle/frame.js'
import { type Settings, schema } from '../src/echelle/schema.js'
import { makeStudio, type Studio } from '../src/echelle/studio.js'

export const preset = (name: string) =>
  fileURLToPath(new URL(`../../../../../configs/simulate/echelle-${name}.ini`, import.meta.url))

/** A preset with some values changed. */
export function studioOf(name: string, ...set: string[]): Studio {
  const { values, profile } = loadConfig(withCommon(schema), { file: preset(name), set })
  return makeStudio(values as unknown as Settings, profile)
}

/** The first frame of a kind, in electrons above the level of its overscan, row by row. */
export function frameOf(studio: Studio, type: string, nth = 0): Made & { name: string; electrons: Float64Array } {
  const frame = studio.frames.filter((one) => one.type === type)[nth]!
  const made = makeFrame(studio, mapsOf(studio.settings), frame)
  const { width, height, gain, unused, overscan } = studio.settings.detector
  const { raw, rawWidth } = made.exposed
  const electrons = new Float64Array(width * height)
  for (let y = 0; y < height; y++) {
    let level = 0
    for (let x = width + unused; x < rawWidth; x++) level += raw[y * rawWidth + x]! / overscan
    for (let x = 0; x < width; x++) electrons[y * width + x] = (raw[y * rawWidth + x]! - level) * gain
  }
  return { ...made, name: frame.name, electrons }
}

/** A detector and a sky without noise or fault, with a converter so fine that rounding does not matter. */
export const CLEAN = [
  ...['noise.noise=no', 'detector.gain=0.05', 'detector.pixel response=0', 'detector.bias structure=0'],
  ...['detector.hot pixels=0', 'detector.dead pixels=0', 'detector.bad columns=0', 'detector.dark=0'],
  ...['flat.peak=6000', 'star.peak=5000', 'arc.level=400', 'flat.variation=0', 'sky.clouds=0'],
]

/** Scattered light at a pixel: linear between the middles of the cells of the map. */
export function scatteredAt({ scattered }: Made, x: number, y: number): number {
  const { values, width, height } = scattered!
  const at = (p: number, n: number) => Math.min(Math.max((p + 0.5) / 16 - 0.5, 0), n - 1.000001)
  const [u, v] = [at(x, width), at(y, height)]
  const [i, j] = [Math.floor(u), Math.floor(v)]
  const row = (k: number) => values[k * width + i]! * (1 - u + i) + values[k * width + i + 1]! * (u - i)
  return row(j) * (1 - v + j) + row(j + 1) * (v - j)
}
