/** The first MJD (UTC) at which TAI - UTC had each whole number of seconds, from 10 s in 1972 (IERS Bulletin C). */
const LEAP_SECONDS_FROM_10 = [
  41317, 41499, 41683, 42048, 42413, 42778, 43144, 43509, 43874, 44239, 44786, 45151, 45516, 46247, 47161, 47892, 48257,
  48804, 49169, 49534, 50083, 50630, 51179, 53736, 54832, 56109, 57204, 57754,
]

/** Before 1972 UTC ran at another rate: [from MJD, seconds, reference MJD, seconds a day] (USNO tai-utc.dat). */
const DRIFTING = [
  [37300, 1.422818, 37300, 0.001296],
  [37512, 1.372818, 37300, 0.001296],
  [37665, 1.845858, 37665, 0.0011232],
  [38334, 1.945858, 37665, 0.0011232],
  [38395, 3.24013, 38761, 0.001296],
  [38486, 3.34013, 38761, 0.001296],
  [38639, 3.44013, 38761, 0.001296],
  [38761, 3.54013, 38761, 0.001296],
  [38820, 3.64013, 38761, 0.001296],
  [38942, 3.74013, 38761, 0.001296],
  [39004, 3.84013, 38761, 0.001296],
  [39126, 4.31317, 39126, 0.002592],
  [39887, 4.21317, 39126, 0.002592],
]

/** Terrestrial time is ahead of atomic time by this many seconds, by definition. */
export const TT_MINUS_TAI = 32.184

/** TAI - UTC in seconds at an MJD (UTC). Zero before 1961, when there was no UTC. */
export function taiMinusUtc(mjdUtc: number): number {
  for (let k = LEAP_SECONDS_FROM_10.length - 1; k >= 0; k--) {
    if (mjdUtc >= LEAP_SECONDS_FROM_10[k]) return 10 + k
  }
  const row = DRIFTING.findLast(([from]) => mjdUtc >= from)
  return row ? row[1] + (mjdUtc - row[2]) * row[3] : 0
}

/** A leap second itself (23:59:60) has no MJD of its own in UTC: it shares those of the first second of the next day. */
export const utcToTai = (mjd: number): number => mjd + taiMinusUtc(mjd) / 86400

export function taiToUtc(mjdTai: number): number {
  // One step back with the offset in force there is exact but for the second that a leap takes away.
  let utc = mjdTai - taiMinusUtc(mjdTai) / 86400
  utc = mjdTai - taiMinusUtc(utc) / 86400
  return utc
}

export const taiToTt = (mjdTai: number): number => mjdTai + TT_MINUS_TAI / 86400
export const ttToTai = (mjdTt: number): number => mjdTt - TT_MINUS_TAI / 86400
export const utcToTt = (mjd: number): number => taiToTt(utcToTai(mjd))
export const ttToUtc = (mjdTt: number): number => taiToUtc(ttToTai(mjdTt))
