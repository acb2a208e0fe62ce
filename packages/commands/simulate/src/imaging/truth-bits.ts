/** Bits of the mask that goes with each frame. The first two are those of products. */
export const TRUTH_BIT = { saturated: 2, cosmicRay: 4, bleed: 64, satellite: 128 } as const
