import { allocate, inKernelMemory, scoped } from '@nightpipe/kernels'

/** Pixels at a time when an image must be copied into kernel memory. */
const STRIP = 1 << 18

/** Where a filter finds its rows: the first five arguments of the kernels that filter images. */
export type Rows = [source: number, width: number, height: number, first: number, last: number]

/**
 * Runs a filter whose window reaches `halo` rows up and down over an image: where it lies when it is in kernel memory,
 * else strip by strip. `out` is another array. `filter` fills the rows from `first` to `last` at `target`.
 */
export function filterRows(
  pixels: Float32Array,
  width: number,
  height: number,
  halo: number,
  out: Float32Array,
  filter: (rows: Rows, target: number) => void,
): Float32Array {
  if (pixels.length !== width * height || out.length !== pixels.length) {
    throw new RangeError(`${pixels.length} and ${out.length} pixels are not ${width} x ${height}`)
  }
  if (out === pixels) throw new RangeError('a filter needs another array to write to')
  if (pixels.length === 0) return out
  if (inKernelMemory(pixels) && inKernelMemory(out)) {
    filter([pixels.byteOffset, width, height, 0, height], out.byteOffset)
    return out
  }
  const step = Math.max(1, halo, Math.floor(STRIP / width))
  scoped(() => {
    const source = allocate(Float32Array, Math.min(height, step + 2 * halo) * width)
    const target = allocate(Float32Array, Math.min(height, step) * width)
    for (let y = 0; y < height; y += step) {
      const top = Math.max(0, y - halo)
      const bottom = Math.min(height, y + step + halo)
      const rows = Math.min(step, height - y)
      source.set(pixels.subarray(top * width, bottom * width))
      filter([source.byteOffset, width, bottom - top, y - top, y - top + rows], target.byteOffset)
      out.set(target.subarray(0, rows * width), y * width)
    }
  })
  return out
}

/** Scratch in kernel memory for `n` floats and a vector more: inside `scoped`. */
export function floatScratch(n: number): number {
  return allocate(Float32Array, n + 4).byteOffset
}
