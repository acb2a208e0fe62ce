/** First byte that the caller may use: static data of the kernels ends here. */
export function base(): usize {
  return __heap_base
}
