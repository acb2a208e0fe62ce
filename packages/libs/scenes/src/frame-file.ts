import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type CardValue, createHeader, writeFits } from '@nightpipe/fits'

export interface Extra {
  cards?: [string, CardValue][]
  error?: Float32Array
  mask?: Int16Array
}

/** A reduced frame in electrons, with its error and its mask where they are given. */
export function writeFrame(path: string, pixels: Float32Array, width: number, { cards = [], error, mask }: Extra = {}) {
  mkdirSync(dirname(path), { recursive: true })
  const axes = [width, pixels.length / width]
  const header = createHeader([['OBJECT', 'M67'], ['INSTRUME', 'CAM'], ['BUNIT', 'electron'], ['GAIN', 1], ...cards])
  writeFits(path, [
    { kind: 'image', bitpix: -32, axes, pixels, header },
    ...(error ? [{ kind: 'image' as const, name: 'ERR', bitpix: -32 as const, axes, pixels: error }] : []),
    ...(mask ? [{ kind: 'image' as const, name: 'MASK', bitpix: 16 as const, axes, pixels: mask }] : []),
  ])
}
