/** The kernels of cosmic.ts and reduce.ts: addresses are byte offsets, counts are in elements. */
export interface ReductionKernels {
  // cosmic: tiles are 64 x 16 pixels; sharpPixels returns how many there are, also beyond the room
  sharpPixels(
    pixels: number,
    width: number,
    height: number,
    y0: number,
    y1: number,
    limits: number,
    tileColumns: number,
    target: number,
    room: number,
  ): number
  tileMinima(pixels: number, width: number, height: number, tileColumns: number, target: number): void
  windowMedians(
    pixels: number,
    width: number,
    positions: number,
    n: number,
    radius: number,
    scratch: number,
    target: number,
  ): void
}
