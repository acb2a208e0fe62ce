/** What all runs of a frame have in common: eleven 32-bit words, in the order of `Source` in assembly/resample.ts. */
type Job = number
type Run = [job: Job, n: number, u: number, v: number, du: number, dv: number]
type Targets = [target: number, errors: number, bits: number]
/** Places of a surface, its values, and what lies off it. */
type Nodes = [u: number, v: number, values: number, off: number, n: number, level: number, limit: number]

/** Kernels of registration: resampling, and finding the brightest stars. */
export interface RegistrationKernels {
  // resample: runs of new pixels whose places in the frame lie evenly on a line
  resampleRun(...run: [...Run, scale: number, ...Targets]): void
  /** The same for whole rows of a grid whose places are known at nodes: u and v of them, float64; `conserve`: 1 or 0. */
  resampleNodes(
    ...rows: [
      ...[job: Job, u: number, v: number, spacing: number, columns: number],
      ...[first: number, rows: number, width: number, conserve: number, ...Targets],
    ]
  ): void
  nearBits(mask: number, width: number, rows: number, near: number, scratch: number): void
  // resample-shift
  resampleShift(
    ...shift: [
      ...[plane: number, width: number, height: number, px: number, py: number, wx: number, wy: number, taps: number],
      ...[n: number, rows: number, target: number, scratch: number],
    ]
  ): void
  liftRows(
    ...rows: [
      ...[plane: number, width: number, height: number, x0: number, y0: number],
      ...[n: number, rows: number, margin: number, target: number],
    ]
  ): void
  // resample-area
  resampleArea(...run: [...Run, eu: number, ev: number, scale: number, ...Targets]): void
  // fill-bad
  countNotFinite(pixels: number, n: number): number
  markNotFinite(pixels: number, mask: number, n: number, bit: number): number
  fillBad(
    pixels: number,
    variance: number,
    mask: number,
    width: number,
    rows: number,
    bits: number,
    keep: number,
    level: number,
  ): number
  // local-peaks: how many there are; at most `capacity` pixel numbers are written
  localPeaks(
    ...image: [
      ...[pixels: number, width: number, height: number],
      ...[limits: number, tile: number, columns: number, edge: number, list: number, capacity: number],
    ]
  ): number
  // window-sums: seven float64, see there
  windowSums(
    ...light: [
      ...[pixels: number, mask: number, bits: number, width: number],
      ...[x0: number, x1: number, y0: number, y1: number, x: number, y: number],
      ...[level: number, noise: number, gain: number, wx: number, wy: number, sums: number],
    ]
  ): void
  // star-light: true where all pixels are finite; of fewer than `least` pixels the median is NaN
  ringMedian(
    ...ring: [
      ...[pixels: number, width: number, height: number, px: number, py: number],
      ...[inner: number, outer: number, step: number, least: number, values: number, capacity: number],
    ]
  ): number
  circleLight(
    ...circles: [
      ...[pixels: number, width: number, height: number, x: number, y: number, radii: number, n: number],
      ...[level: number, noise: number, gain: number, sums: number],
    ]
  ): number
  // ring-light: false where the star is spoiled
  lightInRings(
    ...rings: [
      ...[pixels: number, mask: number, width: number, height: number, x: number, y: number],
      ...[radius: number, reach: number, step: number, saturation: number, rings: number, sums: number],
    ]
  ): number
  // stamps: how many pixels are unlike
  cutSquares(
    ...squares: [
      ...[pixels: number, width: number, height: number, bytes: number],
      ...[lefts: number, tops: number, n: number, side: number, out: number],
    ]
  ): void
  unlikePixels(
    ...squares: [
      ...[ours: number, theirs: number, n: number, scale: number, low: number, high: number],
      ...[limit: number, variance: number, perUnit: number, part: number, found: number],
    ]
  ): number
  // sky-surface: how many places there are, and equations
  skyAtPlaces(
    ...places: [
      ...[pixels: number, width: number, height: number, levels: number, columns: number, rows: number, tile: number],
      ...[xs: number, ys: number, n: number, x0: number, y0: number, out: number],
    ]
  ): void
  skyDifferences(
    ...places: [
      ...[own: number, reference: number, level: number, scale: number, xs: number, ys: number, n: number],
      ...[u: number, v: number, differences: number, all: number],
    ]
  ): number
  surfaceEquations(...fit: [...Nodes, count: number, normal: number, right: number]): number
  surfaceDistances(...fit: [...Nodes, terms: number, kept: number]): void
  // moffat-waves
  moffatWaves(waves: number, n: number, a: number, exponent: number, out: number): void
  // lanczos: a row of eight floats, and a double, for each of `phases` + 1 fractions; 0 for neither
  lanczosTable(taps: number, phases: number, table: number, squares: number): void
  // stack-masks: how many pixels are saturated in all frames
  stackMasks(
    masks: number,
    planes: number,
    n: number,
    counts: number,
    bit: number,
    unusable: number,
    bits: number,
  ): number
  tallyStack(pixels: number, counts: number, bits: number, n: number, level: number, bit: number, totals: number): void
  // strong-outliers: how many records there are
  strongOutliers(
    ...of: [
      ...[frames: number, n: number, bits: number, stack: number, counts: number, allowance: number],
      ...[width: number, rows: number, high: number, found: number, scratch: number],
    ]
  ): number
  // subtract-curve
  subtractCurve(pixels: number, n: number, start: number, step: number, a: number, b: number, c: number): void
  // combine-linear
  combineLinear(
    ...job: [
      ...[records: number, planes: number, n: number, maskBits: number, low: number, high: number, cut: number],
      ...[unlike: number, errors: number, scratch: number, pixels: number, counts: number, spread: number],
    ]
  ): void
  // local-maximum
  localMaximum(
    ...box: [
      ...[pixels: number, width: number, rows: number, first: number, n: number],
      ...[reach: number, factor: number, target: number, scratch: number],
    ]
  ): void
}
