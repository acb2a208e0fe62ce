import { power, random } from '@nightpipe/math'
import { type Affine, transform } from '@nightpipe/registration'

/** Stars as a telescope would see them. */
export interface Sky {
  width: number
  height: number
  /** Places in pixels of the first frame, and fluxes. */
  stars: { x: number; y: number; flux: number }[]
  fwhm: number
  level: number
  /** Noise of a pixel of the sky; photon noise of the stars at a gain of 1 comes on top. */
  noise: number
}

export function sky(seed: number, stars: number, size = 300, margin = 0): Sky {
  const { uniform } = random(seed)
  const list = Array.from({ length: stars }, () => ({
    x: -margin + (size + 2 * margin) * uniform(),
    y: -margin + (size + 2 * margin) * uniform(),
    flux: 3000 * power(uniform(), -0.9),
  }))
  return { width: size, height: size, stars: list, fwhm: 3, level: 200, noise: 5 }
}

/** A frame of a sky, whose stars are Gaussians: `map` brings places of the first frame to this one. */
export function expose(
  { width, height, stars, fwhm, level, noise }: Sky,
  map: Affine,
  seed: number,
  noisy = true,
): Float32Array {
  const pixels = new Float32Array(width * height)
  const sigma = fwhm / 2.3548
  const { normal } = random(seed)
  for (const star of stars) {
    const [x, y] = transform(map, star.x, star.y)
    const reach = Math.ceil(5 * sigma)
    for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(height - 1, Math.round(y) + reach); v++) {
      for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(width - 1, Math.round(x) + reach); u++) {
        const profile = Math.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma ** 2)) / (2 * Math.PI * sigma ** 2)
        pixels[v * width + u] += star.flux * profile
      }
    }
  }
  for (let p = 0; p < pixels.length; p++)
    pixels[p] += level + (noisy ? normal() * Math.sqrt(noise ** 2 + pixels[p]) : 0)
  return pixels
}

/** Turned, moved, made larger; mirrored where `flip` is -1. */
export const turn = (degrees: number, dx: number, dy: number, scale = 1, flip = 1): Affine => {
  const [c, s] = [scale * Math.cos((degrees * Math.PI) / 180), scale * Math.sin((degrees * Math.PI) / 180)]
  return [flip * c, -s, dx, flip * s, c, dy]
}
