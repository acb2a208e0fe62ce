import type { Owners } from './owners.js'
import { address, double, record, word } from './record.js'

/** What sources are found and measured on. All arrays lie in kernel memory. */
export interface Scene {
  width: number
  height: number
  /** The image without its background; NaN where it is masked. */
  net: Float32Array
  /** Error of each pixel, photon noise of the sources included. */
  error?: Float32Array
  mask?: Int16Array
  /** Variance that a unit of flux brings along, where there is no error plane: 1 / gain. */
  perUnit: number
  /** Noise of the sky by meshes. */
  noise: { map: Float32Array; columns: number; rows: number }
  /** Whose each pixel is. */
  owners?: Owners
}

/** The address of a `Scene` of assembly/stamp.ts. */
export function sceneRecord({ width, height, net, error, perUnit, owners }: Scene): number {
  return record([
    ...[address(net), address(error), word(width), word(height), double(perUnit)],
    ...[address(owners?.row), address(owners?.from), address(owners?.to), address(owners?.number)],
  ])
}
