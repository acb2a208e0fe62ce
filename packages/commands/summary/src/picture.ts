import { type FitsFrame, readFrame } from '@nightpipe/fits'
import { type Cuts, encodePng, type Stretch, stretched, zscale } from '@nightpipe/plot'

/** An image as the page shows it. */
export interface Shown {
  /** data: URL of a PNG */
  href: string
  /** pixels of the frame for each pixel of the picture */
  shrink: number
  width: number
  height: number
}

/** A frame in grey, first row at the bottom, `shrink` pixels of each direction taken together; NaN is black. */
export function pictureOf(
  frame: Pick<FitsFrame, 'pixels' | 'width' | 'height'>,
  side: number,
  stretch: Stretch,
): Shown {
  const shrink = Math.max(1, Math.ceil(Math.max(frame.width, frame.height) / side))
  const [width, height] = [
    Math.max(1, Math.floor(frame.width / shrink)),
    Math.max(1, Math.floor(frame.height / shrink)),
  ]
  const means = shrunk(frame.pixels, frame.width, shrink, width, height)
  const cuts = stretch === 'linear' ? zscale(means) : deepCuts(means)
  return { href: urlOf(means, width, height, cuts, stretch), shrink, width, height }
}

/** From the sky to well above: the faint end is that of zscale, stars keep their shape. */
function deepCuts(pixels: Float32Array): Cuts {
  const { low, high } = zscale(pixels)
  return { low, high: high + 4 * (high - low) }
}

/** A small cut-out about a place (from 0), of `side` pixels. */
export function stampOf(
  frame: Pick<FitsFrame, 'pixels' | 'width' | 'height'>,
  x: number,
  y: number,
  side: number,
): string {
  const half = (side - 1) >> 1
  const out = new Float32Array(side * side).fill(Number.NaN)
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const [column, row] = [Math.round(x) - half + i, Math.round(y) - half + j]
      if (column < 0 || row < 0 || column >= frame.width || row >= frame.height) continue
      out[j * side + i] = frame.pixels[row * frame.width + column]!
    }
  }
  return stampUrl(out, side)
}

/** A small image, levels from its own sky up. */
export function stampUrl(out: Float32Array, side: number): string {
  const finite = out.filter((value) => Number.isFinite(value)).sort()
  const at = (part: number) => finite[Math.floor(part * (finite.length - 1))] ?? 0
  const low = at(0.02)
  const high = Math.max(at(0.995), low + 1e-9)
  return urlOf(out, side, side, { low, high }, 'linear')
}

function shrunk(pixels: Float32Array, stride: number, shrink: number, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [sum, n] = [0, 0]
      for (let j = y * shrink; j < (y + 1) * shrink; j++) {
        for (let i = x * shrink; i < (x + 1) * shrink; i++) {
          const value = pixels[j * stride + i]!
          if (Number.isNaN(value)) continue
          sum += value
          n++
        }
      }
      out[y * width + x] = sum / n
    }
  }
  return out
}

function urlOf(pixels: Float32Array, width: number, height: number, cuts: Cuts, stretch: Stretch): string {
  const grey = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = pixels[y * width + x]!
      grey[(height - 1 - y) * width + x] = Number.isNaN(value) ? 0 : Math.round(255 * stretched(value, cuts, stretch))
    }
  }
  return `data:image/png;base64,${Buffer.from(encodePng(grey, width, height)).toString('base64')}`
}

/** Frames that are asked for again and again; few are kept, so that memory is bounded. */
export function frameReader(most = 4): (path: string) => FitsFrame {
  const held = new Map<string, FitsFrame>()
  return (path) => {
    const frame = held.get(path) ?? readFrame(path)
    held.delete(path)
    held.set(path, frame)
    if (held.size > most) held.delete(held.keys().next().value!)
    return frame
  }
}
