/** Glasses of prisms, by the name that makers give them. */
export type Glass = keyof typeof SELLMEIER

/**
 * Coefficients B1 B2 B3 C1 C2 C3 (µm²) of Sellmeier's formula n² = 1 + Σ B λ² / (λ² − C), λ in µm; from the makers' data sheets
 * (PBM2, Ohara; N-BK7, SF2, LLF1, LF5, Schott) and Malitson (1965, JOSA 55, 1205) for fused silica.
 */
const SELLMEIER = {
  PBM2: [1.39446503, 0.159230985, 0.245470216, 0.0110571872, 0.0507194882, 31.4440142],
  BK7: [1.03961212, 0.231792344, 1.01046945, 0.00600069867, 0.0200179144, 103.560653],
  SF2: [1.40301821, 0.231767504, 0.939056586, 0.0105795466, 0.0493226978, 112.405955],
  SiO2: [0.6961663, 0.4079426, 0.8974794, 0.0684043 ** 2, 0.1162414 ** 2, 9.896161 ** 2],
  LLF1: [1.21640125, 0.13366454, 0.883399468, 0.00857807248, 0.0420143003, 107.59306],
  LF5: [1.28035628, 0.163505973, 0.893930112, 0.00929854416, 0.0449135769, 110.493685],
} as const

/** The names of the glasses known. */
export const GLASSES = Object.keys(SELLMEIER) as Glass[]

/** Refractive index of a glass at a wavelength in µm. */
export function refractiveIndex(glass: Glass, micron: number): number {
  const s = SELLMEIER[glass]
  const square = micron * micron
  let sum = 1
  for (let k = 0; k < 3; k++) sum += (s[k]! * square) / (square - s[k + 3]!)
  return Math.sqrt(sum)
}
