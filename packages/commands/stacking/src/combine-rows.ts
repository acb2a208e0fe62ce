import { companion, type FitsFile, frameHdu, openFits, readIntegers, readPixels, writeStrip } from '@nightpipe/fits'
import { combinePlanes, MaskBit } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { combineLinear } from './combine-linear.js'
import { orUnreadable, type Unreadable } from './examine.js'
import { fillSaturated } from './fill-saturated.js'
import { leaveOut, leaveOutGrown, markSaturated } from './leave-out.js'
import type { Plane, Recipe } from './recipe.js'
import { CELL, type Outlier, strongOutliers } from './strong-outliers.js'

export interface RowsArgs {
  recipe: Recipe
  /** Rows of the stack that this call makes. */
  first: number
  rows: number
}

export interface RowsDone {
  /** Parts of the checksums of the planes. */
  sums: number[]
  /** Samples that there were, and those that went into the stack. */
  samples: number
  used: number
  /** Pixels with a value, saturated ones, and the sum of the frames in each pixel. */
  pixels: number
  saturated: number
  /** Where frames stand out, when the clip is to grow from there. */
  outliers: Outlier[]
}

export interface Broken extends Unreadable {
  plane: number
}

/** Samples of so many bytes stay in the processor's cache; fewer rows than these would mean many small reads. */
const CACHE_BYTES = 1 << 24
const FEWEST_ROWS = 16
/** Samples with one of these do not count; those interpolated before have a value that says nothing new. */
export const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData
const BYTES = 12

/** Some rows of the stack: read, matched, combined, written. The same bytes whoever calls it and in any order. */
export function combineRows({ recipe, first, rows }: RowsArgs): RowsDone | Broken {
  const { canvas, planes, memoryBytes } = recipe
  return scoped(() => {
    const n = canvas.width * rows
    const block: Block = {
      ...{ pixels: allocate(Float32Array, n), count: allocate(Int16Array, n), bits: allocate(Int16Array, n) },
      ...(recipe.write.error ? { error: allocate(Float32Array, n) } : {}),
    }
    const perRow = BYTES * canvas.width * planes.length
    const cached = Math.max(FEWEST_ROWS, Math.floor(CACHE_BYTES / perRow))
    // whole rows of cells: what stands out must not depend on the memory there is
    const step = CELL * Math.max(1, Math.floor(Math.min(cached, memoryBytes / perRow) / CELL))
    const done: RowsDone = { sums: [], samples: 0, used: 0, pixels: 0, saturated: 0, outliers: [] }
    for (let y = first; y < first + rows; y += step) {
      const part = Math.min(step, first + rows - y)
      const broken = scoped(() =>
        combineSome(recipe, y, part, partOf(block, (y - first) * canvas.width, part * canvas.width), done),
      )
      if (broken) return broken
    }
    const { error, mask, coverage } = recipe.write
    const out = [block.pixels, error && block.error, mask && block.bits, coverage && block.count]
    done.sums = out.filter((plane) => plane).map((plane, k) => writeStrip(recipe.plan, k, first, plane as Float32Array))
    return done
  })
}

/** Rows of the stack as they grow, in kernel memory. */
export interface Block {
  pixels: Float32Array
  error?: Float32Array
  count: Int16Array
  bits: Int16Array
}

const partOf = ({ pixels, error, count, bits }: Block, from: number, n: number): Block => ({
  ...{ pixels: pixels.subarray(from, from + n), error: error?.subarray(from, from + n) },
  ...{ count: count.subarray(from, from + n), bits: bits.subarray(from, from + n) },
})

/** A frame's part in some rows of the stack. */
export interface Sample {
  /** Of the frame among all. */
  place: number
  plane: Plane
  pixels: Float32Array
  error?: Float32Array
  mask?: Int16Array
}

function combineSome(recipe: Recipe, y: number, rows: number, block: Block, done: RowsDone): Broken | undefined {
  const { canvas, reach } = recipe
  // the clip looks at the neighbourhood of a pixel: rows beyond the block are read too
  const low = Math.max(0, y - reach)
  const high = Math.min(canvas.height, y + rows + reach)
  const wide: Sample[] = []
  for (const k of recipe.planes.keys()) {
    const read = orUnreadable(() => readSample(recipe, k, low, high - low))
    if (read && 'unreadable' in read) return { ...read, plane: k }
    if (read) wide.push(read)
  }
  const n = block.pixels.length
  if (wide.length === 0) {
    block.pixels.fill(Number.NaN)
    block.error?.fill(Number.NaN)
    block.count.fill(0)
    block.bits.fill(MaskBit.noData)
    return undefined
  }
  const unusable = UNUSABLE | MaskBit.saturated
  leaveOut(wide, recipe.spots, canvas, [low, high - low], unusable)
  if (recipe.grown) leaveOutGrown(wide, recipe.grown, canvas, [low, high - low], unusable)
  const samples = wide.map((sample) => middleOf(sample, (y - low) * canvas.width, n))
  const allowance = reach > 0 ? allowanceFor(recipe, wide, y - low, rows) : undefined
  combine(recipe, samples, block, allowance)
  if (recipe.grows) {
    done.outliers.push(...strongOutliers(recipe, samples, block, { first: y, allowance, unusable }))
  }
  const masks = allocate(Int32Array, samples.length)
  masks.set(samples.map(({ mask }) => mask?.byteOffset ?? 0))
  const masked = kernels().stackMasks(
    ...([masks.byteOffset, samples.length, n, block.count.byteOffset] as const),
    ...([MaskBit.saturated, UNUSABLE, block.bits.byteOffset] as const),
  )
  if (masked + markSaturated(samples, block, canvas, y) > 0) fillSaturated(samples, block)
  tally(samples, block, recipe.level, done)
  return undefined
}

const middleOf = ({ place, plane, pixels, error, mask }: Sample, from: number, n: number): Sample => ({
  ...{ place, plane, pixels: pixels.subarray(from, from + n), error: error?.subarray(from, from + n) },
  mask: mask?.subarray(from, from + n),
})

/**
 * What samples may differ by because the seeing changes: where a star is near, a part of its light, as the median of all
 * frames shows it. In the wings of a star frames differ by far more than a part of what they have there.
 */
function allowanceFor(recipe: Recipe, wide: readonly Sample[], first: number, rows: number): Float32Array {
  const { width } = recipe.canvas
  const all = wide[0].pixels.length
  const allowance = allocate(Float32Array, rows * width)
  scoped(() => {
    const pixels = allocate(Float32Array, all)
    const count = allocate(Int16Array, all)
    combine({ ...recipe, method: 'median' }, wide, { pixels, count, bits: count })
    const scratch = allocate(Float32Array, width + 4)
    const factor = recipe.tolerance / Math.max(recipe.low, recipe.high)
    kernels().localMaximum(
      ...([pixels.byteOffset, width, all / width, first, rows, recipe.reach, factor] as const),
      ...([allowance.byteOffset, scratch.byteOffset] as const),
    )
  })
  return allowance
}

function combine(recipe: Recipe, samples: readonly Sample[], block: Block, allowance?: Float32Array): void {
  if (recipe.method === 'linear') {
    combineLinear(samples, recipe, block, UNUSABLE | MaskBit.saturated)
    return
  }
  const of = <T>(value: (sample: Sample) => T) => samples.map(value)
  const method = recipe.method === 'clip' ? 'sigma' : recipe.method
  combinePlanes(
    of(({ pixels }) => pixels),
    {
      ...{ method, clipLow: recipe.low, clipHigh: recipe.high, lowest: recipe.drop, highest: recipe.drop },
      ...(allowance ? { allowance } : {}),
      unlike: recipe.tolerance,
      scale: of(({ plane }) => plane.scale),
      offset: of(({ plane }) => plane.offset),
      ceiling: of(({ plane }) => plane.ceiling),
      ...(method === 'mean' || method === 'sigma' ? { weights: of(({ plane }) => plane.weight) } : {}),
      noise: of(({ plane }) => plane.noise),
      ...(recipe.errors && block.error ? { errors: of(({ error }) => error!) } : {}),
      masks: of(({ mask }) => mask),
      maskBits: UNUSABLE | MaskBit.saturated,
    },
    { pixels: block.pixels, error: block.error, count: block.count },
  )
}

/** The rows of one frame, on the grid of the stack; undefined where it has none of them. */
function readSample(
  { canvas, planes, errors, write }: Recipe,
  index: number,
  y: number,
  rows: number,
): Sample | undefined {
  const plane = planes[index]
  const { frame } = plane
  const top = canvas.y0 + y - frame.y0
  const [from, to] = [Math.max(0, top), Math.min(frame.height, top + rows)]
  if (to <= from) return undefined
  const file = openKept(frame.path)
  const image = frameHdu(file)
  const range = { firstRow: from, rows: to - from, plane: 0 }
  const whole = frame.width === canvas.width && frame.x0 === canvas.x0 && to - from === rows
  const place = { canvas, frame, rows, shift: from - top, count: to - from, whole }
  const [error, mask] = [companion(file, image, 'ERR'), companion(file, image, 'MASK')]
  const floats = (hdu: typeof image) =>
    onCanvas(Float32Array, Number.NaN, place, (into) => readPixels(hdu, { ...range, into }))
  const pixels = floats(image)
  if (plane.surface) subtractSurface(pixels, plane.surface, canvas, y, rows)
  return {
    ...{ place: index, plane, pixels },
    ...(errors && write.error && error ? { error: floats(error) } : {}),
    ...(mask
      ? { mask: onCanvas(Int16Array, MaskBit.noData, place, (into) => readIntegers(mask, { ...range, into })) }
      : {}),
  }
}

interface Place {
  canvas: Recipe['canvas']
  frame: Plane['frame']
  rows: number
  shift: number
  count: number
  whole: boolean
}

/** Rows read straight to their place where the grids are the same; else by way of rows as long as the frame's. */
function onCanvas<T extends Float32Array | Int16Array>(
  type: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
  empty: number,
  { canvas, frame, rows, shift, count, whole }: Place,
  read: (into: T) => unknown,
): T {
  const target = allocate(type as never, rows * canvas.width) as unknown as T
  if (whole) {
    read(target)
    return target
  }
  target.fill(empty)
  scoped(() => {
    const own = allocate(type as never, count * frame.width) as unknown as T
    read(own)
    const column = frame.x0 - canvas.x0
    for (let k = 0; k < count; k++) {
      target.set(own.subarray(k * frame.width, (k + 1) * frame.width) as never, (k + shift) * canvas.width + column)
    }
  })
  return target
}

function subtractSurface(
  pixels: Float32Array,
  { middle, half, terms }: NonNullable<Plane['surface']>,
  { x0, y0, width }: Recipe['canvas'],
  y: number,
  rows: number,
): void {
  const { subtractCurve } = kernels()
  const start = (x0 - middle[0]) / half
  const [a, alongX, alongY, xx, xy, yy] = terms
  for (let k = 0; k < rows; k++) {
    const v = (y0 + y + k - middle[1]) / half
    const row = pixels.byteOffset + 4 * k * width
    subtractCurve(row, width, start, 1 / half, a + v * (alongY + v * yy), alongX + v * xy, xx)
  }
}

/** The sky is put back, and what happened is counted. */
function tally(samples: readonly Sample[], { pixels, count, bits }: Block, level: number, done: RowsDone): void {
  scoped(() => {
    const totals = allocate(Float64Array, 3).fill(0)
    kernels().tallyStack(
      ...([pixels.byteOffset, count.byteOffset, bits.byteOffset, pixels.length] as const),
      ...([level, MaskBit.saturated, totals.byteOffset] as const),
    )
    done.used += totals[0]
    done.pixels += totals[1]
    done.saturated += totals[2]
  })
  for (const { pixels: own } of samples) {
    done.samples += own.length - kernels().countNotFinite(own.byteOffset, own.length)
  }
}

const open = new Map<string, FitsFile>()
/** Files that a thread keeps open: a stack of thousands of frames must not run out of descriptors. */
const MOST_OPEN = 400

function openKept(path: string): FitsFile {
  const kept = open.get(path)
  if (kept) return kept
  if (open.size >= MOST_OPEN) closeKept()
  const file = openFits(path)
  open.set(path, file)
  return file
}

function closeKept(): void {
  for (const file of open.values()) file.close()
  open.clear()
}
