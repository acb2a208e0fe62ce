/**
 * TDB - TT in seconds at a time in TT (MJD): the largest terms of Fairhead & Bretagnon 1990 (A&A 229, 240) as in USNO
 * Circular 179, eq. 2.6. Good to 10 microseconds from 1600 to 2200.
 */
export function tdbMinusTt(mjdTt: number): number {
  const t = (mjdTt - 51544.5) / 36525
  return (
    0.001657 * Math.sin(628.3076 * t + 6.2401) +
    0.000022 * Math.sin(575.3385 * t + 4.297) +
    0.000014 * Math.sin(1256.6152 * t + 6.1969) +
    0.000005 * Math.sin(606.9777 * t + 4.0212) +
    0.000005 * Math.sin(52.9691 * t + 0.4444) +
    0.000002 * Math.sin(21.3299 * t + 5.5431) +
    0.00001 * t * Math.sin(628.3076 * t + 4.249)
  )
}
