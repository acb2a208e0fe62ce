import { taiMinusUtc } from './timescales.js'
import { UT1_FIRST, UT1_MINUS_TAI, UT1_STEP } from './ut1-table.js'

/** What is known of the rotation of the Earth: MJD (UTC) and UT1 - UTC in seconds, in order of time. */
export interface Ut1Row {
  mjd: number
  dut1: number
}

/**
 * UT1 - UTC in seconds. Without a table of one's own: that of the IERS every 30 days from 1990, to 8 ms (0.03 cm/s); beyond its
 * end (2027) the last value stays, and `predicted` is set: UT1 then drifts by some 0.1 s a year, 0.3 cm/s at the equator.
 */
export function ut1MinusUtc(mjdUtc: number, table?: readonly Ut1Row[]): { dut1: number; predicted: boolean } {
  if (table && table.length > 1 && mjdUtc >= table[0]!.mjd && mjdUtc <= table.at(-1)!.mjd) {
    const next = Math.max(
      1,
      table.findIndex(({ mjd }) => mjd >= mjdUtc),
    )
    const [a, b] = [table[next - 1]!, table[next]!]
    // A leap second between two rows is no turn of the Earth: interpolate UT1 - TAI.
    const [from, to] = [a.dut1 - taiMinusUtc(a.mjd), b.dut1 - taiMinusUtc(b.mjd)]
    const ut1MinusTai = from + ((to - from) * (mjdUtc - a.mjd)) / (b.mjd - a.mjd)
    return { dut1: ut1MinusTai + taiMinusUtc(mjdUtc), predicted: false }
  }
  const at = (mjdUtc - UT1_FIRST) / UT1_STEP
  const last = UT1_MINUS_TAI.length - 1
  const inside = Math.min(Math.max(at, 0), last)
  const row = Math.min(Math.floor(inside), last - 1)
  const fraction = inside - row
  const milliseconds = UT1_MINUS_TAI[row]! * (1 - fraction) + UT1_MINUS_TAI[row + 1]! * fraction
  return { dut1: milliseconds / 1000 + taiMinusUtc(mjdUtc), predicted: at > last || at < 0 }
}
