// What the masks of many frames say of the pixels of their stack.

/**
 * For each of `n` pixels the bits of the stack, from `planes` masks whose addresses are at `masks` (0: a frame without
 * one). Without a sample left (`counts`, int16) there is no data: 8, with `unusable` bits that all had. Saturated
 * (`bit`) is what a frame has so that is not `unusable` there: the light of a star is not whole where some frames are missing. Returns how many pixels are saturated with none left.
 */
export function stackMasks(
  masks: usize, planes: i32, n: i32, counts: usize, bit: i32, unusable: i32, bits: usize,
): i32 {
  let lost = 0
  for (let p: usize = 0; p < <usize>n; p++) {
    let found = 0
    let any = 0
    for (let k = 0; k < planes; k++) {
      const mask = <usize>load<u32>(masks + ((<usize>k) << 2))
      if (mask == 0) continue
      const own = <i32>load<i16>(mask + (p << 1))
      if (own & 8) continue
      if ((own & bit) && !(own & unusable)) found = bit
      any |= own & unusable
    }
    if (load<i16>(counts + (p << 1)) == 0) {
      if (found) lost++
      else found = 8 | any
    }
    store<i16>(bits + (p << 1), <i16>found)
  }
  return lost
}
