import { type Interpolation, TAPS, tapWeights } from './interpolant.js'
import { forRuns, newRun, type RunMap } from './pixel-map.js'

/** Places, in each direction, at which the weights are looked at. */
const LOOKS = 64

/**
 * What the noise of a sum over many new pixels is, over that which the errors of the single ones give. Interpolation
 * smooths: a pixel has the noise of an old one times √Σw², but its neighbours share it, and over a large area nothing is
 * lost (Fruchter & Hook 2002, PASP 114, 144). 1 where nothing of the frame falls on the grid.
 */
export function noiseFactor(
  map: RunMap,
  grid: { width: number; height: number },
  frame: { width: number; height: number },
  method: Interpolation,
): number {
  const taps = TAPS[method]
  const weights = new Float64Array(taps)
  const squares = (fraction: number) => tapWeights(method, fraction, weights).reduce((sum, w) => sum + w * w, 0)
  let [sum, count] = [0, 0]
  const run = newRun()
  for (let j = 0; j < LOOKS; j++) {
    const y = Math.floor((j * (grid.height - 1)) / Math.max(1, LOOKS - 1))
    forRuns(map, y, grid.width, run, ({ u, v, du, dv, count: length }) => {
      const step = Math.max(1, length / LOOKS)
      for (let k = 0; k < length; k += step) {
        const [x, z] = [u + Math.floor(k) * du, v + Math.floor(k) * dv]
        if (!(x >= 0 && z >= 0 && x <= frame.width - 1 && z <= frame.height - 1)) continue
        sum += taps === 1 ? 1 : squares(x - Math.floor(x)) * squares(z - Math.floor(z))
        count++
      }
    })
  }
  return count > 0 ? 1 / Math.sqrt(sum / count) : 1
}
