import { allocate, kernels, scoped } from '@nightpipe/kernels'

export type Column = Float64Array | Float32Array | Int32Array
export type Gathered<T extends Column> = {
  new (buffer: ArrayBufferLike, offset: number, length: number): T
  BYTES_PER_ELEMENT: number
}

/** Number `field` of every record of `step` float64, which lie in kernel memory: a column outside of it. */
export function gather<T extends Column>(records: Float64Array, step: number, field: number, type: Gathered<T>): T {
  return scoped(() => {
    const column = allocate(type, Math.floor(records.length / step))
    const name =
      column instanceof Float64Array
        ? 'gatherDoubles'
        : column instanceof Float32Array
          ? 'gatherFloats'
          : 'gatherIntegers'
    kernels()[name](records.byteOffset + 8 * field, 8 * step, column.length, column.byteOffset)
    return column.slice() as T
  })
}
