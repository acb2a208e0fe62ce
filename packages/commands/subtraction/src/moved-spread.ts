import { power } from '@nightpipe/math'

/** The point spread moved by part of a pixel, by cubic interpolation. */
export function movedSpread(psf: Float64Array, half: number, dx: number, dy: number): Float64Array {
  const side = 2 * half + 1
  const taps = (t: number) => {
    const f = -t - Math.floor(-t)
    const w = [
      -0.5 * f + f * f - 0.5 * power(f, 3),
      1 - 2.5 * f * f + 1.5 * power(f, 3),
      0.5 * f + 2 * f * f - 1.5 * power(f, 3),
    ]
    return { first: Math.floor(-t) - 1, weights: [...w, -0.5 * f * f + 0.5 * power(f, 3)] }
  }
  const [tx, ty] = [taps(dx), taps(dy)]
  return psf.map((_, p) => {
    const [x, y] = [p % side, Math.floor(p / side)]
    let sum = 0
    for (let j = 0; j < 4; j++) {
      const v = y + ty.first + j
      if (v < 0 || v >= side) continue
      for (let i = 0; i < 4; i++) {
        const u = x + tx.first + i
        if (u >= 0 && u < side) sum += ty.weights[j]! * tx.weights[i]! * psf[v * side + u]!
      }
    }
    return sum
  })
}
