import t from 'tap'
import { type Cards, facts } from './headers.js'

t.test('dates: with time, without, in two keywords, as MJD or JD, with zones and scales', async (t) => {
  const moment = '2013-07-16T03:15:52.000'
  const mjd = 56489 + (3 * 3600 + 15 * 60 + 52) / 86400
  const cases: Cards[] = [
    { 'DATE-OBS': '2013-07-16T03:15:52' },
    { 'DATE-OBS': '2013-07-15T20:15:52-0700' },
    { 'DATE-OBS': '2013-07-16', 'TIME-OBS': '03:15:52' },
    { 'DATE-OBS': '2013-07-16', UT: '03:15:52.000' },
    { 'DATE-OBS': '2013-07-16', UTSTART: ' 3:15:52' },
    { 'DATE-OBS': '2013-07-16', UT: 3 + 15 / 60 + 52 / 3600 },
    { 'DATE-OBS': '16/07/2013', UTC: '03:15:52' },
    { 'UT-DATE': '2013-07-16', 'UT-TIME': '03:15:52' },
    { 'DATE-OBS': '2013-07-16T00:00:00', UT: '03:15:52' },
    { 'DATE-OBS': '2013-07-16', 'MJD-OBS': mjd },
    { 'MJD-OBS': mjd },
    { MJD: String(mjd) },
    { JD: mjd + 2400000.5 },
    { 'DATE-OBS': '2013-07-16T03:16:27', TIMESYS: 'TAI' },
    { 'DATE-OBS': '2013-07-16T03:16:59.184', TIMESYS: 'TT' },
    { 'DATE-OBS': '2013-07-16T03:15:52', TIMESYS: 'UTC' },
    { 'DATE-OBS': 'garbage', 'MJD-OBS': mjd },
    // The date of the evening and a time after midnight: the MJD tells the day.
    { 'DATE-OBS': '2013-07-15', UT: '03:15:52', 'MJD-OBS': mjd },
  ]
  for (const cards of cases) {
    const found = facts(cards)
    t.equal(found.date, moment, JSON.stringify(cards))
    t.ok(Math.abs(found.mjd! - mjd) < 1e-8)
  }
})

t.test('a day without a time is a day, and noted', async (t) => {
  const day = facts({ 'DATE-OBS': '2013-07-16' })
  t.match(day, { mjd: 56489, date: '2013-07-16', notes: ['DATE-OBS has a day without a time'] })
  t.equal(facts({ 'DATE-OBS': '2013-07-16', 'MJD-OBS': 56489 }).date, '2013-07-16')
})

t.test('positions: hours and degrees are told apart', async (t) => {
  const cases: [Cards, number, number][] = [
    [{ RA: '18:15:29', DEC: '-25:17:06' }, 273.870833, -25.285],
    [{ RA: ' 18 15 29.0', DEC: '-25 17 06' }, 273.870833, -25.285],
    [{ RA: '18h15m29s', DEC: '-25d17m06s' }, 273.870833, -25.285],
    [{ RA: 273.870833, DEC: -25.285 }, 273.870833, -25.285],
    [{ RA: '273.870833', DEC: '-25.285' }, 273.870833, -25.285],
    [{ OBJCTRA: '18 15 29', OBJCTDEC: '-25 17 06' }, 273.870833, -25.285],
    [{ RA_DEG: 5.5, DEC_DEG: -0.01 }, 5.5, -0.01],
    [{ RA: '00:00:01', DEC: '-00:00:01' }, 0.0041667, -0.00027778],
    // 4.2538 hours, where another keyword shows it.
    [
      {
        RA: 4.2538,
        DEC: 10,
        CRVAL1: 63.8,
        CRVAL2: 10,
        CRPIX1: 1,
        CRPIX2: 1,
        CTYPE1: 'RA---TAN',
        CTYPE2: 'DEC--TAN',
        CD1_1: -1e-4,
        CD2_2: 1e-4,
      },
      63.807,
      10,
    ],
    [{ RA: 4.2538, DEC: 10, OBJCTRA: '04 15 14', OBJCTDEC: '10 0 0' }, 63.807, 10],
    [{ RA: 4.2538, DEC: 10, OBJCTRA: '00 17 01', OBJCTDEC: '10 0 0' }, 4.2538, 10],
    [{ RA: '313:11:49', DEC: '+06:40:05' }, 313.196944, 6.668056],
    [{ TELRA: 10.5, TELDEC: 20 }, 10.5, 20],
    [{ RA: -10, DEC: 20 }, 350, 20],
    [{ RA: 0, DEC: 0, TELRA: 100, TELDEC: 20 }, 100, 20],
    [{ RA: 'N/A', DEC: 'N/A', 'CAT-RA': '01:00:00', 'CAT-DEC': '+02:00:00' }, 15, 2],
    [{ RA: '25:99:00', DEC: '+01:00:00', TELRA: 100, TELDEC: 20 }, 100, 20],
    [{ RA: 100, DEC: 95, TELRA: 100, TELDEC: 20 }, 100, 20],
  ]
  for (const [cards, ra, dec] of cases) {
    const found = facts(cards)
    t.ok(
      Math.abs(found.raDeg! - ra) < 1e-5 && Math.abs(found.decDeg! - dec) < 1e-6,
      JSON.stringify([cards, found.raDeg, found.decDeg]),
    )
  }
  t.match(facts({ RA: 5.6, DEC: -30 }).notes, [/^RA = 5.6 taken as degrees/])
  t.equal(facts({ RA: 0, DEC: 0 }).raDeg, undefined)
})
