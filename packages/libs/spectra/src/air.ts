/**
 * Vacuum and air. Wavelengths are in Angstrom; air is dry, at 15 °C, 101325 Pa and 450 ppm of CO2, as line lists in air mean it.
 * `ciddor` is Ciddor (1996, Applied Optics 35, 1566, eq. 1); `edlen66` Edlén (1966, Metrologia 2, 71), the formula of lists up to the
 * 1990s (Palmer & Engleman 1983, and the ESO atlas made from them). In the visible they differ by 1.5e-8 (4 m/s).
 */
export type AirFormula = 'ciddor' | 'edlen66'

/** The shortest vacuum wavelength for which the formulae hold; below it, lists are in vacuum by custom. */
export const SHORTEST_IN_AIR = 2000

/** Refractive index of standard air at a vacuum wavelength. */
export function refractiveIndexOfAir(vacuum: number, formula: AirFormula = 'ciddor'): number {
  const square = (1e4 / vacuum) ** 2 // of the wave number, µm⁻²
  if (formula === 'ciddor') return 1 + 0.05792105 / (238.0185 - square) + 0.00167917 / (57.362 - square)
  return 1 + 1e-8 * (8342.13 + 2406030 / (130 - square) + 15997 / (38.9 - square))
}

/** The wavelength in air of what has this wavelength in vacuum; below 2000 Angstrom it is left as it is. */
export function vacuumToAir(vacuum: number, formula: AirFormula = 'ciddor'): number {
  return vacuum < SHORTEST_IN_AIR ? vacuum : vacuum / refractiveIndexOfAir(vacuum, formula)
}

/** The inverse of `vacuumToAir`, exact to rounding: the index changes so little that the iteration gains five digits a step. */
export function airToVacuum(air: number, formula: AirFormula = 'ciddor'): number {
  if (air * refractiveIndexOfAir(SHORTEST_IN_AIR, formula) < SHORTEST_IN_AIR) return air
  let vacuum = air
  for (let step = 0; step < 5; step++) vacuum = air * refractiveIndexOfAir(vacuum, formula)
  return vacuum
}
