import { random } from '@nightpipe/math'

export interface TrueStar {
  x: number
  y: number
  flux: number
}
export interface FieldOptions {
  width: number
  height: number
  fwhm: number
  beta: number
  sky: number
  gain: number
  readNoise: number
  seed: number
  /** Width at the corners over that in the middle. */
  corner: number
  ellipticity: number
  /** Part of the light in a second, narrower image of the star 0.45 widths beside the first: no single profile fits. */
  ghost: number
}

const USUAL: FieldOptions = {
  ...{ width: 512, height: 512, fwhm: 3.2, beta: 3.2, sky: 200, gain: 1.6, readNoise: 4.5, seed: 1 },
  ...{ corner: 1.1, ellipticity: 0.08, ghost: 0 },
}

/** Width and pixel-integrated light of a star of this field: 5 x 5 points in each pixel, nothing of the library. */
export function trueProfile(options: Partial<FieldOptions>, x: number, y: number) {
  const { width, height, fwhm, beta, corner, ellipticity, ghost } = { ...USUAL, ...options }
  const r2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / ((width / 2) ** 2 + (height / 2) ** 2)
  const wide = fwhm * (1 + (corner - 1) * r2)
  const alpha = wide / 2 / Math.sqrt(2 ** (1 / beta) - 1)
  const [a, b] = [alpha / Math.sqrt(1 - ellipticity), alpha * Math.sqrt(1 - ellipticity)]
  const [c, s] = [Math.cos(0.5), Math.sin(0.5)]
  const peak = (beta - 1) / (Math.PI * a * b)
  const light = (dx: number, dy: number) =>
    (1 - ghost) * one(dx, dy) + (ghost > 0 ? ghost * one((dx - 0.45 * wide) / 0.8, dy / 0.8) * 1.5625 : 0)
  const one = (dx: number, dy: number) => {
    let sum = 0
    for (let j = -2; j <= 2; j++) {
      for (let i = -2; i <= 2; i++) {
        const [u, v] = [dx + i / 5, dy + j / 5]
        sum += peak * (1 + ((c * u + s * v) / a) ** 2 + ((c * v - s * u) / b) ** 2) ** -beta
      }
    }
    return sum / 25
  }
  return { fwhm: wide, light }
}

/** A frame with these stars, in adu, with photon and read noise. */
export function moffatField(stars: readonly TrueStar[], options: Partial<FieldOptions> = {}) {
  const all = { ...USUAL, ...options }
  const { width, height, sky, gain, readNoise, seed } = all
  const clean = new Float64Array(width * height).fill(sky)
  for (const star of stars) {
    const { light } = trueProfile(all, star.x, star.y)
    const reach = Math.min(60, Math.max(12, Math.round(1.5 * (star.flux / 5) ** 0.3)))
    const [x0, x1] = [Math.max(0, Math.round(star.x) - reach), Math.min(width - 1, Math.round(star.x) + reach)]
    const [y0, y1] = [Math.max(0, Math.round(star.y) - reach), Math.min(height - 1, Math.round(star.y) + reach)]
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) clean[y * width + x] += star.flux * light(x - star.x, y - star.y)
    }
  }
  const dice = random(seed)
  const pixels = Float32Array.from(
    clean,
    (level) => level + dice.normal() * Math.sqrt(level / gain + (readNoise / gain) ** 2),
  )
  return { name: 'field', width, height, pixels }
}

/** Stars at random places, fluxes between two limits with the faint ones more frequent. */
export function randomStars(
  count: number,
  faintest: number,
  brightest: number,
  options: Partial<FieldOptions> = {},
): TrueStar[] {
  const { width, height, seed } = { ...USUAL, ...options }
  const dice = random(seed + 1000)
  return Array.from({ length: count }, () => ({
    x: 8 + dice.uniform() * (width - 16),
    y: 8 + dice.uniform() * (height - 16),
    flux: brightest * (faintest / brightest) ** (dice.uniform() ** 0.5),
  }))
}
