/** The point spread moved by part of a pixel, by cubic interpolation; what lies beyond its edge is nothing. */
export function movedSpread(psf: Float64Array, half: number, dx: number, dy: number): Float64Array {
  const side = 2 * half + 1
  return along(along(psf, side, dx, 1), side, dy, side)
}

/** Moved along rows (steps of 1) or columns (steps of `side`). */
function along(image: Float64Array, side: number, by: number, step: number): Float64Array {
  const first = Math.floor(-by) - 1
  const weights = taps(-by - Math.floor(-by))
  const moved = new Float64Array(image.length)
  for (let line = 0; line < side; line++) {
    const start = line * (step === 1 ? side : 1)
    for (let k = 0; k < 4; k++) {
      const weight = weights[k]!
      const shift = first + k
      const end = Math.min(side, side - shift)
      for (let i = Math.max(0, -shift); i < end; i++)
        moved[start + i * step]! += weight * image[start + (i + shift) * step]!
    }
  }
  return moved
}

/** Weights of the four values around a place that is part of a step beyond the second (Catmull & Rom 1974). */
function taps(f: number): [number, number, number, number] {
  const [f2, f3] = [f * f, f * f * f]
  return [-0.5 * f + f2 - 0.5 * f3, 1 - 2.5 * f2 + 1.5 * f3, 0.5 * f + 2 * f2 - 1.5 * f3, -0.5 * f2 + 0.5 * f3]
}
