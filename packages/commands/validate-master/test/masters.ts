import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'

export const SIDE = 64
/** Gaussian-like noise of unit variance, the same every time: twelve uniform numbers, less six. */
export function noise(seed: number): Float32Array {
  let state = seed
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Float32Array.from({ length: SIDE * SIDE }, () =>
    Array.from({ length: 12 }, uniform).reduce((a, b) => a + b, -6),
  )
}

export interface Master {
  level: number
  scatter: number
  seed: number
  date: string
  id: string
  instrument?: string
}

/** A master bias as stack-calibrations writes it, with an identity of its own. */
export function writeMaster(path: string, { level, scatter, seed, date, id, instrument = 'C1' }: Master): string {
  const pixels = noise(seed).map((v) => level + scatter * v)
  const header = createHeader([
    ['BUNIT', 'adu'],
    ['IMAGETYP', 'master bias'],
    ['INSTRUME', instrument],
    ['BINNING', '1x1'],
    ['DATE-OBS', date],
    ['MJD-OBS', 60000 + Number(date.slice(8, 10))],
    ['NFRAMES', 5],
    ['NP_ID', id.repeat(32).slice(0, 32)],
  ])
  const axes = [SIDE, SIDE]
  const error = new Float32Array(SIDE * SIDE).fill(scatter)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFits(path, [
    { kind: 'image', bitpix: -32, axes, pixels, header },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: error },
    { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: new Int16Array(SIDE * SIDE) },
  ])
  return path
}
