/** What sources are measured on: the plain way, with an image of owners. */
export interface Scene {
  width: number
  height: number
  net: Float32Array
  /** Variance of a pixel of the sky. */
  sky: number
  error?: Float32Array
  perUnit: number
  /** Number of the source that each pixel belongs to; 0 is sky. */
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
  /** 0 is the source or sky, else one of `STRANGE`: what the pixel was before it was replaced. */
  strange: Uint8Array
  strangers: number
  /** Variance of a pixel of the sky. */
  sky: number
}

export const STRANGE = { outside: 1, masked: 2, foreign: 3 } as const

export const newStamp = (): Stamp => ({ x0: 0, y0: 0, size: 0, ...stampRoom(65), strangers: 0, sky: 0 })

const stampRoom = (size: number) => ({
  value: new Float64Array(size * size),
  variance: new Float64Array(size * size),
  strange: new Uint8Array(size * size),
})

/**
 * Cuts out the pixels within `half` of the pixel nearest to (x, y). A neighbour's pixel, or a masked one, takes the value
 * of the pixel opposite to it, as seen from the centre; when that is no better, 0.
 */
export function cutStamp(stamp: Stamp, scene: Scene, number: number, x: number, y: number, half: number): void {
  const { width, height, net, error, perUnit } = scene
  const size = 2 * half + 1
  if (size * size > stamp.value.length) Object.assign(stamp, stampRoom(size))
  stamp.x0 = Math.round(x) - half
  stamp.y0 = Math.round(y) - half
  stamp.size = size
  stamp.sky = scene.sky
  stamp.strangers = 0
  const { value, variance, strange, x0, y0, sky } = stamp
  const left = Math.max(0, -x0)
  const right = Math.min(size, width - x0)
  for (let v = 0; v < size; v++) {
    const row = y0 + v
    if (row < 0 || row >= height || left > 0 || right < size)
      fillOutside(stamp, v, row < 0 || row >= height, left, right)
    if (row < 0 || row >= height) continue
    const shift = row * width + x0 - v * size
    for (let k = v * size + left; k < v * size + right; k++) {
      const flux = net[k + shift]
      if (Number.isNaN(flux)) {
        strange[k] = STRANGE.masked
        stamp.strangers++
        continue
      }
      strange[k] = 0
      value[k] = flux
      if (error) variance[k] = error[k + shift] * error[k + shift]
      else variance[k] = Math.max(0.25 * sky, sky + flux * perUnit)
    }
    for (let u = left; u < right; u++) {
      const whose = scene.owner[row * width + x0 + u]
      if (whose === 0 || whose === number) continue
      strange[v * size + u] = STRANGE.foreign
      stamp.strangers++
    }
  }
  if (stamp.strangers > 0) mirrorStrangers(stamp)
}

function fillOutside(
  { value, variance, strange, size }: Stamp,
  v: number,
  all: boolean,
  left: number,
  right: number,
): void {
  for (let u = 0; u < size; u++) {
    if (!all && u >= left && u < right) continue
    value[v * size + u] = 0
    variance[v * size + u] = 0
    strange[v * size + u] = STRANGE.outside
  }
}

function mirrorStrangers({ value, variance, strange, size, sky }: Stamp): void {
  const last = size * size - 1
  for (let k = 0; k <= last; k++) {
    if (strange[k] < STRANGE.masked) continue
    const opposite = last - k
    const known = strange[opposite] === 0
    value[k] = known ? value[opposite] : 0
    variance[k] = known ? 3 * variance[opposite] : sky
  }
}
