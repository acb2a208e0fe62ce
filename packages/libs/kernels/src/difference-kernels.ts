/** The kernels under difference images and splines over meshes. Addresses are bytes, counts are elements. */
export interface DifferenceKernels {
  // match-stamp: float64
  /** Rows of a square of side `wide` convolved with a line of `n` values: wide - n + 1 values a row. */
  stampRows(source: number, wide: number, line: number, n: number, out: number): void
  /** Columns of `side` x (side + n - 1) values convolved with a line: side x side values, times `scale`. */
  stampColumns(rows: number, side: number, line: number, n: number, scale: number, out: number): void
  /** Normal equations of `unknowns` images of `n` values against data with weights; `weighed`: room for n values. */
  stampEquations(
    images: number,
    unknowns: number,
    data: number,
    weight: number,
    n: number,
    weighed: number,
    matrix: number,
    right: number,
  ): void

  // spline-row
  /** A row of a spline through meshes; see assembly/spline-row.ts for the weights. `next`: 1, or 0 for a single mesh. */
  splineRow(
    values: number,
    curvatures: number,
    next: number,
    first: number,
    pairs: number,
    weights: number,
    stride: number,
    out: number,
  ): void

  // tile-filters: float32
  divideFloats(at: number, n: number, by: number): void
  squareFloats(at: number, n: number): void
  limitFloats(at: number, n: number, most: number): void
  /** out = a b + c d, complex; n is a multiple of 4. */
  complexSum(...images: [...Pair, ...Pair, ...Pair, ...Pair, ...Pair, n: number]): void
  /** Whitening and matched filter; returns the norm. n is a multiple of 4. */
  whiteFilters(
    ...filters: [
      ...kernel: Pair,
      ...point: Pair,
      sharp: number,
      broad: number,
      white: number,
      ...match: Pair,
      n: number,
    ]
  ): number
  tileResidual(broad: number, matched: number, variance: number, blank: number, out: number, n: number): void
  subtractPolynomial(
    ...row: [pixels: number, variance: number, blank: number, place: number, along: number, degree: number, n: number]
  ): void
  finishTileRow(
    white: number,
    signals: number,
    stars: number,
    signalVariance: number,
    variance: number,
    factors: number,
    norm: number,
    n: number,
    out: number,
    stride: number,
  ): void
}

type Pair = [re: number, im: number]
