// What the size of a pixel settles in Rice coding: the bits of a block's label, the label's largest split (above it the
// codes are written as they are), and the bits of a pixel.

// @ts-ignore: decorator
@inline export function fsBits<T>(): i32 {
  return sizeof<T>() == 1 ? 3 : sizeof<T>() == 2 ? 4 : 5
}
// @ts-ignore: decorator
@inline export function fsMaximum<T>(): i32 {
  return sizeof<T>() == 1 ? 6 : sizeof<T>() == 2 ? 14 : 25
}
// @ts-ignore: decorator
@inline export function pixelBits<T>(): i32 {
  return 8 * <i32>sizeof<T>()
}
