import t from 'tap'
import { formatMjd, jdToMjd, mjdToJd, parseDate, parseTime } from '../src/index.js'

t.test('MJD of 2017-01-01 is 57754', async (t) => {
  t.same(parseDate('2017-01-01'), { mjd: 57754, hasTime: false })
  t.equal(mjdToJd(57754), 2457754.5)
  t.equal(jdToMjd(2457754.5), 57754)
})

t.test('every notation of one moment gives the same date', async (t) => {
  const moment = 56489 + (3 * 3600 + 15 * 60 + 52) / 86400
  for (const text of [
    '2013-07-16T03:15:52',
    '2013-07-16 03:15:52',
    '2013-07-16T03:15:52.000Z',
    '2013-07-16T03:15:52 UTC',
    '2013-07-15T20:15:52-0700',
    '2013-07-15T20:15:52.000-07:00',
    '2013-07-16T05:45:52+02:30',
    '20130716T031552',
    '16-Jul-2013 03:15:52',
    '2013 Jul 16 03:15:52',
    'July 16, 2013 03:15:52',
    '2013/07/16 03:15:52',
    '16/07/2013 03:15:52',
    ' 2013-07-16 T 03:15:52 ',
  ]) {
    t.same(parseDate(text), { mjd: moment, hasTime: true }, text)
  }
})

t.test('a two-digit year is of the twentieth century', async (t) => {
  t.same(parseDate('26/10/92'), { mjd: 48921, hasTime: false })
  t.same(parseDate('01/01/05'), parseDate('1905-01-01'))
})

t.test('what is no date is refused', async (t) => {
  for (const text of [
    '',
    'N/A',
    '2013-02-30',
    '2013-13-01',
    '2013-07-16T25:00:00',
    '2013-07-16T03:61',
    'M 31',
    '0000',
  ]) {
    t.equal(parseDate(text), undefined, text)
  }
})

t.test('dates are printed rounded, and a carry reaches the day and the year', async (t) => {
  t.equal(formatMjd(57753.9999999999), '2017-01-01T00:00:00.000')
  t.equal(formatMjd(56489.13602618055), '2013-07-16T03:15:52.662')
  t.equal(formatMjd(56489.5, 0), '2013-07-16T12:00:00')
  t.equal(formatMjd(0), '1858-11-17T00:00:00.000')
})

t.test('milliseconds survive being printed and read', async (t) => {
  for (let k = 0; k < 500; k++) {
    const mjd = 40000 + 53.1234567 * k
    const text = formatMjd(mjd)
    t.ok(Math.abs(parseDate(text)!.mjd - mjd) * 86400 < 0.00051, text)
    t.equal(formatMjd(parseDate(text)!.mjd), text)
  }
})

t.test('a time of day is read from a clock, decimal hours or seconds', async (t) => {
  t.equal(parseTime('12:00:00'), 0.5)
  t.equal(parseTime(' 6:00 '), 0.25)
  t.equal(parseTime('180000'), 0.75)
  t.equal(parseTime(6), 0.25)
  t.equal(parseTime('18.0'), 0.75)
  t.equal(parseTime(21600), 0.25)
  t.equal(parseTime('noon'), undefined)
  t.equal(parseTime(-1), undefined)
})
