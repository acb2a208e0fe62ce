import { type Affine, transform } from './affine.js'

/** From a pixel of the new grid to a place in the frame: a transformation, or any function. Both count from 0. */
export type PixelMap = Affine | ((x: number, y: number) => readonly [x: number, y: number])

export const mapFunction = (map: PixelMap) =>
  typeof map === 'function' ? map : (x: number, y: number) => transform(map, x, y)
