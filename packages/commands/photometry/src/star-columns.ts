import type { FoundStars, Stars } from '@nightpipe/stars'

export type { FoundStars } from '@nightpipe/stars'

type Replaced = Pick<Stars, 'x' | 'y' | 'flags' | 'apertures'>

/** The columns of detected stars, lengthened for sources that only a fit brought out: those have NaN, or 0 in integers. */
export function emptyStarColumns(stars: FoundStars, count: number, detected: number, replaced: Replaced): FoundStars {
  const out: Record<string, unknown> = {}
  for (const [field, values] of Object.entries(stars)) {
    if (!ArrayBuffer.isView(values)) continue
    const floats = values instanceof Float64Array || values instanceof Float32Array
    const from = values as unknown as Float64Array
    const longer = new (from.constructor as Float64ArrayConstructor)(count)
    if (floats) longer.fill(Number.NaN)
    longer.set(from.subarray(0, detected))
    out[field] = longer
  }
  return { ...(out as unknown as FoundStars), ...replaced, count }
}
