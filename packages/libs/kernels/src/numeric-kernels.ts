/** The kernels under the math and image libraries (assembly/numerics.ts). Addresses are bytes, counts are elements. */
export interface NumericKernels {
  /** Pixels `from` to `from + n` of the planes of a job, a record that libs/image/src/combine-job.ts fills. */
  combine(job: number, from: number, n: number): void
  /** Pixels 0 to `n` of a job, a record that libs/image/src/calibrate.ts fills; `first`: the pixel of the frame that the first is. */
  calibrate(job: number, first: number, n: number): void
  /**
   * Level and noise of `n` floats with outliers. `results`, float64: mean, median, sigma, minimum, maximum, count, bad.
   * `buffer` holds `capacity` floats, at least 64, and 16 more.
   */
  clippedStatistics(
    values: number,
    n: number,
    clip: number,
    factor: number,
    iterations: number,
    smooth: number,
    buffer: number,
    capacity: number,
    results: number,
  ): void
  /** One row of meshes, seven float64 each. `scratch` holds the largest mesh twice, and 64 floats more. */
  meshStatistics(
    pixels: number,
    mask: number,
    maskBits: number,
    width: number,
    rows: number,
    columns: number,
    clip: number,
    factor: number,
    iterations: number,
    scratch: number,
    results: number,
  ): void
  /** Means of `factor` x `factor` pixels, NaN left out: `rows` rows of `columns`. */
  binMean(pixels: number, width: number, factor: number, columns: number, rows: number, out: number): void
  // Filters: rows `first` to `last` of an image, `target` being where row `first` goes.
  /** A window of 3 x 3, 5 x 5, or a line of odd length up to 15; `scratch` holds its pixels. */
  medianSmall(...image: [...Rows, sizeX: number, sizeY: number, target: number, scratch: number]): void
  /** A window of any odd size; `scratch` holds medianScratch(size) bytes. */
  medianLarge(...image: [...Rows, size: number, target: number, scratch: number]): void
  medianScratch(size: number): number
  /** `kernel`: floats, turned by 180 degrees. */
  convolve(...image: [...Rows, kernel: number, sizeX: number, sizeY: number, target: number]): void
  /** `scratch` holds 2 (width + size + 8) floats and a vector. */
  boxMean(...image: [...Rows, size: number, target: number, scratch: number]): void
  /** Floats to big-endian integers: the place of the first that does not fit, or -1. */
  bytesFromFloats(...pixels: Encode): number
  shortsFromFloats(...pixels: Encode): number
  longsFromFloats(...pixels: Encode): number
  // extract-trace: what stands for all traces of a frame, for one of them, and its columns
  traceFrame(pixels: number, mask: number, width: number, height: number): void
  traceNoise(perElectron: number, accuracy: number, blur: number, high: number, low: number): void
  traceProfile(
    values: number,
    stride: number,
    blocks: number,
    samples: number,
    perRow: number,
    reach: number,
    half: number,
  ): void
  extractTrace(
    centres: number,
    first: number,
    last: number,
    dark: number,
    darkBlock: number,
    flux: number,
    error: number,
    odd: number,
  ): void
  /** Floats: by how much the flux of each column changes when all its pixels do by 1. */
  traceLevers(centres: number, first: number, last: number, dark: number, flux: number, levers: number): void
  // flats: pixels and errors as floats, masks as int16
  rawRow(
    raw: number,
    n: number,
    under: number,
    gain: number,
    readVariance: number,
    saturation: number,
    pixels: number,
    error: number,
    mask: number,
  ): void
  /** `planes` and `masks` hold addresses, `scales` and `scratch` a double for each plane; returns the values left out. */
  sumPlanes(
    planes: number,
    masks: number,
    scales: number,
    count: number,
    n: number,
    dark: number,
    perLight: number,
    clip: number,
    unlike: number,
    out: number,
    bad: number,
    scratch: number,
  ): number
  /** line-fit: returns χ²; `slopes` has n + 1 doubles for each pixel. */
  lineEquations(
    unknowns: number,
    n: number,
    light: number,
    sigma: number,
    from: number,
    to: number,
    normal: number,
    gradient: number,
    slopes: number,
  ): number
  /** evidence: `scratch` has n² + 2 n doubles. */
  logEvidence(normal: number, right: number, precision: number, n: number, scratch: number): number
  /** upright-trace: returns how many columns are left to others, which are 1 in `left`. */
  uprightTrace(
    centres: number,
    first: number,
    last: number,
    light: number,
    slope: number,
    change: number,
    curve: number,
    left: number,
  ): number
  // quiet-side: of the frame that traceFrame told
  /** Level, error and place as doubles at `out`; returns the pixels that told them, 0 if they are too few. */
  quietSide(
    centres: number,
    neighbour: number,
    from: number,
    to: number,
    way: number,
    clear: number,
    scratch: number,
    out: number,
  ): number
  /** `scratch` holds a double for each column that is looked at. */
  quietVariance(centres: number, from: number, to: number, error: number, far: number, scratch: number): number
  /** Adds to `bins` + 3 uint32: the bins, those below, those at or above `high`, NaN. */
  histogram(values: number, n: number, low: number, high: number, bins: number, counts: number): void
  // stripes: whether there is one; its direction and its number are written (int32)
  likeliestStripe(
    ...points: [
      ...[x: number, y: number, n: number, directions: number, many: number],
      ...[stripes: number, fewest: number, limit: number, counts: number, place: number],
    ]
  ): number
}

type Encode = [source: number, target: number, n: number, scale: number, zero: number, hasBlank: number, blank: number]
type Rows = [source: number, width: number, height: number, first: number, last: number]
