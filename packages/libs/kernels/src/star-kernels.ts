/** The kernels that find and measure stars (assembly/stars.ts). */
export interface StarKernels {
  // back: level, noise and part of good pixels of a row of meshes
  histogramMeshes(
    ...meshes: [
      ...[pixels: number, mask: number, maskBits: number, width: number, rows: number],
      ...[pitch: number, columns: number, coarse: number, scratch: number, results: number],
    ]
  ): void

  /** Sums over boxes and over their small ones, see assembly/box-light.ts; the number of boxes that have them. */
  boxLights(
    ...boxes: [
      ...[pixels: number, error: number, width: number, corners: number, sigmas: number, n: number],
      ...[large: number, small: number],
    ]
  ): number

  // detect: smooth surfaces are splines along rows, see assembly/detect.ts
  /** Sums of pixels about places, see assembly/sums-about.ts. */
  sumsAbout(
    ...sums: [
      ...[image: number, places: number, noise: number, count: number],
      ...[offsets: number, signs: number, n: number, out: number],
    ]
  ): void
  surfaceRow(line: number, ...surface: [...Surface, target: number]): void
  netRows(...rows: NetRows): void
  /** Runs of filtered pixels above their limit; returns the number of values. */
  detectRows(...rows: DetectRows): number

  // regions: a `Detection` and a `Scene`, records of assembly/regions.ts and assembly/stamp.ts, by address
  /** The area of the largest region. */
  joinRuns(detection: number, width: number): number
  deblendScratch(largest: number): number
  /** Cuts the runs into shares of about as much work: pairs of first run and first place for pixels. */
  shareRegions(detection: number, shares: number, bounds: number): void
  /** The number of sources found. */
  findSources(
    ...share: [detection: number, scene: number, start: number, end: number, used: number, sources: number]
  ): number
  // owners: whose each pixel is, as runs
  countOwners(sources: number, count: number, pixels: number, width: number, height: number, row: number): number
  writeOwners(
    ...owners: [
      ...[sources: number, count: number, pixels: number, width: number, row: number, fill: number],
      ...[from: number, to: number, number: number],
    ]
  ): void
  // sources: records of float64 and of addresses, see assembly/sources.ts and assembly/stamp.ts
  measureSources(
    ...records: [
      ...[scene: number, stamps: number, sources: number, count: number, options: number],
      ...[radii: number, apertures: number, scratches: number, results: number],
    ]
  ): void
  // clean: which sources the wings of brighter ones eat; room that the lists of wings take
  wingRoom(sources: number, count: number, columns: number, rows: number): number
  cleanSources(
    ...wings: [
      ...[sources: number, count: number, exponent: number, columns: number, rows: number],
      ...[profiles: number, cells: number, lists: number, order: number, removed: number],
    ]
  ): void
  // gather: one float64 of every record, in a row
  gatherDoubles(...column: GatheredColumn): void
  gatherFloats(...column: GatheredColumn): void
  gatherIntegers(...column: GatheredColumn): void
  // median-map, surface: maps of meshes, see there
  medianMap(
    ...map: [border: number, columns: number, rows: number, half: number, shrink: number, scratch: number, out: number]
  ): void
  surfaceLines(...lines: SurfaceLines): void
  surfaceLines64(...lines: SurfaceLines): void
  surfaceAt(
    ...places: [
      ...[nodes: number, columns: number, rows: number, pitchX: number, pitchY: number, high: number, cubic: number],
      ...[width: number, height: number, xs: number, ys: number, count: number, out: number],
    ]
  ): void
  // psf: records of float64, see assembly/psf.ts
  moffatEquations(
    ...fit: [value: number, variance: number, size: number, profile: number, normal: number, right: number]
  ): number
  samplePsf(
    ...model: [
      ...[here: number, table: number, nodes: number, columns: number, rows: number],
      ...[out: number, slopes: number],
    ]
  ): void
  /** Twelve float64 for three slopes each, two for one. */
  pairEquations(
    ...pair: [
      ...[left: number, weight: number, width: number, columns: number, rows: number],
      ...[a: number, columnsA: number, planeA: number, b: number, columnsB: number, planeB: number],
      ...[per: number, sums: number],
    ]
  ): void
}

type GatheredColumn = [from: number, bytes: number, count: number, to: number]
type SurfaceLines = [
  ...[nodes: number, columns: number, rows: number, pitch: number, high: number, cubic: number],
  ...[y0: number, y1: number, target: number],
]
type Surface = [columns: number, first: number, weights: number, stride: number]
type NetRows = [
  ...[pixels: number, mask: number, maskBits: number, error: number, width: number, rows: number],
  ...[lines: number, ...surface: Surface, scratch: number, net: number],
]
type DetectRows = [
  ...[image: number, width: number, height: number, y0: number, y1: number],
  ...[terms: number, half: number, across: number, along: number],
  ...[lines: number, ...surface: Surface, edgeX: number, edgeY: number, ring: number],
  ...[rowStart: number, runs: number, values: number],
]
