import { encodePng, stretched, zscale } from '@nightpipe/plot'

/** A square about a place; NaN beyond the edge of the image. */
export function cutStamp(image: Float32Array, width: number, cx: number, cy: number, side: number): Float32Array {
  const stamp = new Float32Array(side * side).fill(Number.NaN)
  const height = image.length / width
  const half = (side - 1) / 2
  const [x0, y0] = [Math.round(cx - half), Math.round(cy - half)]
  for (let y = Math.max(0, -y0); y < Math.min(side, height - y0); y++) {
    for (let x = Math.max(0, -x0); x < Math.min(side, width - x0); x++) {
      stamp[y * side + x] = image[(y0 + y) * width + x0 + x]!
    }
  }
  return stamp
}

const GAP = 4
/** Each pixel of a stamp is so many pixels of the picture. */
const ZOOM = 5

/** Stamps side by side as a picture, each with its own levels, its first row at the bottom. */
export function stampPicture(stamps: readonly Float32Array[], side: number): Uint8Array {
  const width = stamps.length * (side * ZOOM + GAP) - GAP
  const height = side * ZOOM
  const grey = new Uint8Array(width * height).fill(255)
  stamps.forEach((stamp, k) => {
    const cuts = zscale(stamp)
    for (let y = 0; y < height; y++) {
      const row = (side - 1 - Math.floor(y / ZOOM)) * side
      for (let x = 0; x < side * ZOOM; x++) {
        const value = stamp[row + Math.floor(x / ZOOM)]!
        const level = Number.isFinite(value) ? stretched(value, cuts, 'linear') : 0
        grey[y * width + k * (side * ZOOM + GAP) + x] = Math.round(255 * level)
      }
    }
  })
  return encodePng(grey, width, height)
}
