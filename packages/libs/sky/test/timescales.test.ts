import t from 'tap'
import { formatMjd, mjdToJd, parseDate, taiMinusUtc, taiToUtc, ttToUtc, utcToTai, utcToTt } from '../src/index.js'
import { reference } from './reference.js'

// A double holds an MJD to 0.6 microseconds.
const MICROSECOND = 1e-6

t.test('dates and time scales agree with astropy to a microsecond', async (t) => {
  for (const { text, mjd, jd, taiMinusUtc: tai, ttMinusUtc: tt } of reference.dates) {
    const found = parseDate(text)!.mjd
    t.ok(Math.abs(found - mjd) * 86400 < MICROSECOND, text)
    t.ok(Math.abs(mjdToJd(found) - jd) * 86400 < 50 * MICROSECOND, 'a double holds a JD to 40 microseconds only')
    t.equal(formatMjd(found), text)
    t.ok(Math.abs(taiMinusUtc(found) - tai) < MICROSECOND, `${text}: TAI - UTC ${taiMinusUtc(found)} ${tai}`)
    t.ok(Math.abs((utcToTt(found) - found) * 86400 - tt) < 2 * MICROSECOND, `${text}: TT`)
  }
})

t.test('there and back is the same moment', async (t) => {
  for (let mjd = 37000.3; mjd < 62000; mjd += 97.123) {
    t.ok(Math.abs(taiToUtc(utcToTai(mjd)) - mjd) * 86400 < 2 * MICROSECOND, String(mjd))
    t.ok(Math.abs(ttToUtc(utcToTt(mjd)) - mjd) * 86400 < 2 * MICROSECOND, String(mjd))
  }
})

t.test('a leap second separates the last second of 2016 from the first of 2017', async (t) => {
  const before = parseDate('2016-12-31T23:59:59')!.mjd
  const after = parseDate('2017-01-01T00:00:00')!.mjd
  t.equal(taiMinusUtc(before), 36)
  t.equal(taiMinusUtc(after), 37)
  t.equal(Math.round((utcToTai(after) - utcToTai(before)) * 86400), 2)
  t.equal(parseDate('2016-12-31T23:59:60')!.mjd, after)
})
