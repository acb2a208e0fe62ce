/** A frame with a constant added, in the units of its pixels; NaN stays NaN. The frame itself is not changed. */
export function addLevel(pixels: Float32Array, level: number): Float32Array {
  const out = new Float32Array(pixels.length)
  for (let p = 0; p < out.length; p++) out[p] = pixels[p]! + level
  return out
}
