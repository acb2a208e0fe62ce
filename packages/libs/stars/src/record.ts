import { allocate, allocateBytes, kernels } from '@nightpipe/kernels'

/** Writes a record of 32-bit words and float64, as the kernels lay out their classes, into kernel memory. Its address. */
export function record(fields: readonly (readonly ['word' | 'double', number])[]): number {
  const address = allocateBytes(8 * fields.length)
  const view = new DataView(kernels().memory.buffer)
  let at = address
  for (const [kind, value] of fields) {
    if (kind === 'word') {
      view.setInt32(at, value, true)
      at += 4
      continue
    }
    at = Math.ceil(at / 8) * 8
    view.setFloat64(at, value, true)
    at += 8
  }
  return address
}

export const word = (value: number) => ['word', value] as const
export const double = (value: number) => ['double', value] as const
/** The address of an array in kernel memory; 0 for none. */
export const address = (array: Int32Array | Float32Array | Float64Array | Int16Array | undefined) =>
  word(array?.byteOffset ?? 0)

/** A copy of an array in kernel memory. */
export function copied(values: Int32Array): Int32Array {
  const copy = allocate(Int32Array, values.length)
  copy.set(values)
  return copy
}
