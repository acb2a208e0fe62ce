import { solve } from '@nightpipe/math'
import type { FittedTrace, FlatImage } from './light-of-trace.js'
import { type Wings, wingSplines } from './wings.js'

/** Terms of the light between the orders of a part: a parabola in x and y. */
export const EVEN = 6

/** Normal equations of the wings in a part of a flat, and of the even light in it; lower triangles. */
export interface PartSums {
  image: FlatImage
  part: number
  matrix: Float64Array
  right: Float64Array
  even: { matrix: Float64Array; right: Float64Array; cross: Float64Array }
}

export interface SumOptions {
  orders: number
  width: number
  /** one column in so many has fluxes */
  step: number
  /** light further off what was found `before` is left out, sigma */
  clip: number
  /** columns of a part that are looked at, about */
  looked: number
  before: readonly PartSums[] | undefined
  /** rows beyond the outermost traces that surely show no other order, and as many more */
  open: number
}

/** What the light between the orders of a flat says of the wings, part by part. */
export function sumParts(
  image: FlatImage,
  fitted: readonly FittedTrace[],
  wings: Wings,
  { orders, width, step, clip, looked, before, open }: SumOptions,
): PartSums[] {
  const { orders: rows, columns } = wings
  const lit = tracesOf(image, fitted)
  const unknowns = 2 * wings.terms * wings.fibres
  const found = before?.filter((sums) => sums.image === image)
  const size = width / columns.length
  const stride = Math.max(step, Math.round(size / looked / step) * step)
  const list = Array.from({ length: rows.length * columns.length }, (_, part) => {
    const levels = found && evenLight(found[part]!, wings, unknowns)
    return { ...emptySums(image, part, unknowns), levels }
  })
  const pixel = pixelScratch()
  for (let x = 0; x < width; x += stride) {
    const column = Math.min(columns.length - 1, Math.floor((x + 0.5) / size))
    for (let gap = 0; gap <= lit.length; gap++) {
      const [below, above] = [lit[gap - 1], lit[gap]]
      if ([below, above].some((one) => one && !(one.flux[x]! > 0))) continue
      const order = (below ?? above)!.trace.order
      const row = Math.min(rows.length - 1, Math.floor(((order + 0.5) * rows.length) / orders))
      const part = list[row * columns.length + column]!
      pixel.u = (2 * (x - columns[column]!)) / size
      pixel.x = x
      gatherGap(image, wings, below, above, pixel, part, { clip, open, height: image.height / rows.length, row })
    }
  }
  return list
}

interface LitTrace {
  trace: FittedTrace
  flux: Float64Array
}

/** The traces that have light in a flat, from the lowest to the highest. */
function tracesOf(image: FlatImage, fitted: readonly FittedTrace[]): LitTrace[] {
  const lit = fitted.flatMap((trace) => {
    const own = trace.images.find((one) => one.image === image)
    return own ? [{ trace, flux: own.flux }] : []
  })
  const middle = image.width >> 1
  return lit.sort((a, b) => a.trace.y[middle]! - b.trace.y[middle]!)
}

function emptySums(image: FlatImage, part: number, n: number): PartSums {
  const even = {
    matrix: new Float64Array(EVEN * EVEN),
    right: new Float64Array(EVEN),
    cross: new Float64Array(n * EVEN),
  }
  for (let e = 0; e < EVEN; e++) even.matrix[e * (EVEN + 1)] = 1e-12
  return { image, part, matrix: new Float64Array(n * n), right: new Float64Array(n), even }
}

/** The even light of a part, its wings being known. */
function evenLight({ even, part }: PartSums, { values }: Wings, n: number): Float64Array {
  const right = even.right.slice()
  for (let k = 0; k < n; k++) {
    const w = values[part * n + k]!
    for (let e = 0; e < EVEN; e++) right[e]! -= w * even.cross[k * EVEN + e]!
  }
  return solve(even.matrix, right)
}

/** A pixel: which terms of the wings it shows, by how much, and where it lies in its part. */
const pixelScratch = () => ({
  ...{ x: 0, u: 0, count: 0 },
  at: new Int32Array(8),
  size: new Float64Array(8),
  even: new Float64Array(EVEN),
  b: new Float64Array(4),
})

type Pixel = ReturnType<typeof pixelScratch>

/** Adds the pixels of a column between two traces, or beyond the outermost one as far as its wing reaches. */
function gatherGap(
  image: FlatImage,
  wings: Wings,
  below: LitTrace | undefined,
  above: LitTrace | undefined,
  pixel: Pixel,
  part: PartSums & { levels: Float64Array | undefined },
  { clip, open, height, row: node }: { clip: number; open: number; height: number; row: number },
): void {
  const { x } = pixel
  const { from, terms, values } = wings
  // beyond the outermost trace an order may lie that nobody traced
  const [low, high] = [below?.trace.y[x] ?? above!.trace.y[x]! - open, above?.trace.y[x] ?? below!.trace.y[x]! + open]
  const last = Math.min(image.height - 1, Math.floor(high - from))
  const light = Math.max(below?.flux[x] ?? 0, above?.flux[x] ?? 0)
  // the wings themselves are light: a hundredth is more than there is
  const variance = image.dark + image.perLight * (image.background + 0.01 * light)
  for (let row = Math.max(0, Math.ceil(low + from)); row <= last; row++) {
    const p = row * image.width + x
    if (image.bad[p] !== 0) continue
    pixel.count = 0
    if (below) addWing(pixel, wings, row - low, (2 * below.trace.fibre + 1) * terms, below.flux[x]!)
    if (above) addWing(pixel, wings, high - row, 2 * above.trace.fibre * terms, above.flux[x]!)
    const v = (2 * (row - (node + 0.5) * height)) / height
    const { u, even } = pixel
    even[0] = 1
    even[1] = u
    even[2] = v
    even[3] = u * u
    even[4] = u * v
    even[5] = v * v
    const d = image.all[p]!
    if (part.levels) {
      const off = d - modelAt(pixel, values.subarray(part.part * 2 * terms * wings.fibres), part.levels)
      if (off * off > clip * clip * variance) continue
    }
    addPixelSums(pixel, part, d, 1 / variance)
  }
}

function addWing(pixel: Pixel, wings: Wings, t: number, from: number, flux: number): void {
  if (t >= wings.to) return
  const k = wingSplines(wings, t, pixel.b)
  for (let i = 0; i < 4 && k + i < wings.terms; i++) {
    pixel.at[pixel.count] = from + k + i
    pixel.size[pixel.count++] = flux * pixel.b[i]!
  }
}

function modelAt({ count, at, size, even }: Pixel, wings: Float64Array, levels: Float64Array): number {
  let sum = 0
  for (let k = 0; k < count; k++) sum += size[k]! * wings[at[k]!]!
  for (let e = 0; e < EVEN; e++) sum += levels[e]! * even[e]!
  return sum
}

function addPixelSums(
  { count, at, size, even }: Pixel,
  { matrix, right, even: light }: PartSums,
  d: number,
  w: number,
) {
  const n = right.length
  for (let i = 0; i < count; i++) {
    const a = at[i]!
    const wi = w * size[i]!
    right[a]! += wi * d
    for (let j = 0; j <= i; j++) matrix[Math.max(a, at[j]!) * n + Math.min(a, at[j]!)]! += wi * size[j]!
    for (let e = 0; e < EVEN; e++) light.cross[a * EVEN + e]! += wi * even[e]!
  }
  for (let e = 0; e < EVEN; e++) {
    const we = w * even[e]!
    light.right[e]! += we * d
    for (let f = 0; f <= e; f++) light.matrix[e * EVEN + f]! += we * even[f]!
  }
}
