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

  // reduction
  netStrip(
    source: number,
    stride: number,
    x0: number,
    width: number,
    rows: number,
    targetStride: number,
    pedestal: number,
    columns: number,
    bias: number,
    saturation: number,
    target: number,
    mask: number,
  ): void
  clearBytes(target: number, n: number): void
  joinMasks(mask: number, more: number, n: number): void
  joinStoredMasks(mask: number, stored: number, n: number): void
  expectedSignal(
    pixels: number,
    stride: number,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    from: number,
    to: number,
    pivot: number,
    readVariance: number,
    perElectron: number,
    scratch: number,
    target: number,
  ): void
  // sky: `looked` is an int32; positions are int32, departures float64
  medianOfDoubles(values: number, n: number): number
  skyTiles(
    pixels: number,
    mask: number,
    width: number,
    height: number,
    tile: number,
    step: number,
    enough: number,
    levels: number,
    sigmas: number,
    scratch: number,
  ): void
  skySmooth(values: number, columns: number, rows: number, all: number, scratch: number, target: number): void
  skyPositions(
    pixels: number,
    mask: number,
    width: number,
    height: number,
    step: number,
    threshold: number,
    levels: number,
    sigmas: number,
    columns: number,
    rows: number,
    tile: number,
    positions: number,
    looked: number,
  ): number
  skyDepartures(
    pixels: number,
    width: number,
    positions: number,
    n: number,
    levels: number,
    columns: number,
    rows: number,
    tile: number,
    values: number,
    departures: number,
  ): void
  /** Six counts, for bits 1 to 32. */
  countBits(mask: number, n: number, counts: number): void
  positionsOf(mask: number, n: number, bits: number, target: number, room: number): number
  positionsFrom(values: number, n: number, floor: number, target: number, room: number): number

  // lines: rows of smooth surfaces, and what stands out of them; nodes are 8 pixels apart, one more than the row needs
  subtractNodes(pixels: number, n: number, nodes: number): void
  blendRows(low: number, high: number, part: number, more: number, n: number, target: number): void
  addQuiet(values: number, level: number, sigma: number, factor: number, n: number, sums: number, counts: number): void
  hotPixels(
    values: number,
    level: number,
    sigma: number,
    factor: number,
    n: number,
    first: number,
    positions: number,
    squares: number,
  ): number
}
