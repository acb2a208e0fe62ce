/**
 * 16-bit pixels as they stand in a FITS file (big-endian, two bytes each): kernels read them where they lie, which spares
 * the detour over a plane of floats. The value of a pixel is the stored integer plus `zero` (32768 for unsigned ones).
 */
export interface RawPlane {
  bytes: Uint8Array
  zero?: number
  /** The stored integer that stands for "no value". */
  blank?: number
}

export type Plane = Float32Array | RawPlane

export function isRaw(plane: Plane): plane is RawPlane {
  return 'bytes' in plane
}

/** How many pixels a plane has. */
export function planeLength(plane: Plane): number {
  return isRaw(plane) ? plane.bytes.length >> 1 : plane.length
}
