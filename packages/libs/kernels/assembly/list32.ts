// Lists of 32-bit integers in memory.

// @ts-ignore: decorator
@inline
export function at32(base: usize, i: i32): i32 {
  return load<i32>(base + ((<usize>i) << 2))
}

// @ts-ignore: decorator
@inline
export function set32(base: usize, i: i32, value: i32): void {
  store<i32>(base + ((<usize>i) << 2), value)
}
