/** Room above the static data for the table of assembly/dither.ts, which is filled at its first use. */
const TABLE_BYTES: usize = 40000

export function tableAddress(): usize {
  return (__heap_base + 15) & ~15
}

/** First byte that the caller may use: static data and tables of the kernels end here. */
export function base(): usize {
  return tableAddress() + TABLE_BYTES
}
