/** What sources are measured on: the net image, its noise, and whose each pixel is. */
export interface Scene {
  width: number
  height: number
  /** The image without its background; NaN where it is masked. */
  net: Float32Array
  /** Noise of the sky at a place. */
  skyNoise(x: number, y: number): number
  /** Error of each pixel, photon noise of the sources included. */
  error?: Float32Array
  /** Variance that a unit of flux brings along, where there is no error plane: 1 / gain. */
  perUnit: number
  /** Number of the source that a pixel belongs to, from 1; 0 is sky. */
  owner: Int32Array
}

/** A square cut-out about a source. Neighbours and bad pixels have been replaced by what stands opposite. */
export interface Stamp {
  /** The pixel of the frame that is the first of the stamp. */
  x0: number
  y0: number
  size: number
  /** Net value of each pixel; 0 where nothing is known. */
  value: Float64Array
  variance: Float64Array
  /** Pixels that were outside of the frame, masked, or a neighbour's. */
  outside: number
  masked: number
  foreign: number
}

export function newStamp(largest: number): Stamp {
  const value = new Float64Array(largest * largest)
  return {
    x0: 0,
    y0: 0,
    size: 0,
    value,
    variance: new Float64Array(largest * largest),
    outside: 0,
    masked: 0,
    foreign: 0,
  }
}

/**
 * Cuts out the pixels within `half` of the pixel nearest to (x, y). A neighbour's pixel, or a masked one, takes the value
 * of the pixel opposite to it, as seen from the centre; when that is no better, nothing.
 */
export function cutStamp(stamp: Stamp, scene: Scene, number: number, x: number, y: number, half: number): void {
  const { width, height, net, owner, error, perUnit } = scene
  const [cx, cy] = [Math.round(x), Math.round(y)]
  const size = 2 * half + 1
  if (size * size > stamp.value.length) {
    stamp.value = new Float64Array(size * size)
    stamp.variance = new Float64Array(size * size)
  }
  const sky = scene.skyNoise(cx, cy) ** 2
  stamp.x0 = cx - half
  stamp.y0 = cy - half
  stamp.size = size
  stamp.outside = stamp.masked = stamp.foreign = 0
  const { value, variance } = stamp
  for (let v = -half, k = 0; v <= half; v++) {
    for (let u = -half; u <= half; u++, k++) {
      let p = pixelAt(cx + u, cy + v, width, height)
      if (p < 0) {
        stamp.outside++
        value[k] = variance[k] = 0
        continue
      }
      const whose = owner[p]
      const bad = Number.isNaN(net[p])
      if (bad || (whose !== 0 && whose !== number)) {
        if (bad) stamp.masked++
        else stamp.foreign++
        p = pixelAt(cx - u, cy - v, width, height)
        const opposite = p < 0 ? -1 : owner[p]
        if (p < 0 || Number.isNaN(net[p]) || (opposite !== 0 && opposite !== number)) {
          value[k] = 0
          variance[k] = sky
          continue
        }
      }
      const flux = net[p]
      value[k] = flux
      variance[k] = error ? error[p] * error[p] : sky + (flux > 0 ? flux * perUnit : 0)
    }
  }
}

function pixelAt(x: number, y: number, width: number, height: number): number {
  return x < 0 || y < 0 || x >= width || y >= height ? -1 : y * width + x
}
