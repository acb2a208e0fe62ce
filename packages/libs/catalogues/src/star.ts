/** Stars of the sky: a typed array for each quantity. Degrees ICRS at `epoch` (Julian years); motions in mas/yr, mu_alpha cos delta. */
export interface SkyStars {
  count: number
  ra: Float64Array
  dec: Float64Array
  /** NaN where the catalogue has none. */
  pmRa: Float32Array
  pmDec: Float32Array
  epoch: number
  /** Magnitudes and their errors by band, as the catalogue calls it ('BT', 'G', 'r'): NaN where missing. */
  magnitudes: Readonly<Record<string, { value: Float32Array; error: Float32Array }>>
  /** Errors of the position in mas, and the parallax in mas, where the catalogue has them. */
  raError?: Float32Array
  decError?: Float32Array
  parallax?: Float32Array
  /** Names or numbers of the stars, where the catalogue has them. */
  id?: string[]
}
