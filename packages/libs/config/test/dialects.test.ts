import t from 'tap'
import { describeFrame, type FrameFacts, type FrameShape, loadProfile } from '../src/index.js'
import { headerOf } from './headers.js'

const generic = loadProfile('generic')
type Cards = Record<string, string | number | boolean>
const facts = (cards: Cards, shape: Partial<FrameShape> = {}): FrameFacts =>
  describeFrame(headerOf(cards), generic, { width: 2148, height: 2048, ...shape })
const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 })

t.test('what observatories call a bias, a dark, a flat …', async (t) => {
  const words: Record<string, string[]> = {
    bias: ['BIAS', 'bias', 'Bias Frame', 'zero', 'ZERO', 'Master Bias', 'masterbias', 'BIAS,DARK', 'Offset', ' bias '],
    dark: ['DARK', 'Dark Frame', 'dark', 'Master Dark', 'DARKFLAT', 'FlatDark', 'dark flat', 'DARK,SKY'],
    flat: [
      'FLAT',
      'Flat Field',
      'SKYFLAT',
      'sky flat',
      'dome flat',
      'DOMEFLAT',
      'dflat',
      'LAMPFLAT',
      'flat,lamp',
      'FLAT,SKY',
      'SKY,FLAT',
      'LAMP,FLAT',
      'flatlamp',
      'Flat Frame',
      'TWIFLAT',
      'Tungsten',
      'SKY-FLAT',
      'twilight flat',
      'INTFLAT',
    ],
    arc: [
      'ARC',
      'arc',
      'COMP',
      'comp',
      'comparison',
      'LAMP,WAVE',
      'WAVE',
      'WAVE,LAMP',
      'ThAr',
      'arclamp',
      'DOUBLE',
      'lamp',
      'THAR',
    ],
    object: [
      'OBJECT',
      'object',
      'Light Frame',
      'LIGHT',
      'EXPOSE',
      'science',
      'SCIENCE',
      'STANDARD',
      'TARGET',
      'OBJECT,POINT',
      'STD',
      'Sky',
    ],
    focus: ['FOCUS', 'focus', 'ACQUISITION', 'acquire', 'astrometry', 'ALIGN'],
  }
  for (const [type, spellings] of Object.entries(words)) {
    for (const keyword of ['OBSTYPE', 'IMAGETYP', 'EXPTYPE', 'FRAMETYP', 'HIERARCH ESO DPR TYPE', 'DATA-TYP']) {
      for (const word of spellings) t.equal(facts({ [keyword]: word }).type, type, `${keyword} = ${word}`)
    }
  }
})

t.test('a keyword of another meaning does not hide the type', async (t) => {
  t.equal(facts({ OBSTYPE: 'IMAGING', IMAGETYP: 'FLAT' }).type, 'flat')
  t.equal(facts({ OBSTYPE: 'N/A', IMAGETYP: 'BIAS' }).type, 'bias')
  const odd = facts({ OBSTYPE: 'SOMETHING', EXPTIME: 5 })
  t.equal(odd.type, 'unknown')
  t.match(odd.notes, ["OBSTYPE = 'SOMETHING' is no type that the profile knows"])
})

t.test(
  'without a type: the name of the object, of the file, of the folder, the exposure time, each noted',
  async (t) => {
    const guess = (cards: Cards, name?: string) => {
      const found = facts(cards, { name })
      return [found.type, found.notes.filter((note) => note.startsWith('type')).length]
    }
    t.same(guess({ OBJECT: 'Bias', EXPTIME: 0 }), ['bias', 1])
    t.same(guess({ OBJECT: 'flat R', EXPTIME: 5 }), ['flat', 1])
    t.same(guess({ OBJECT: 'dark 60s', EXPTIME: 60 }), ['dark', 1])
    t.same(guess({ OBJECT: 'Dark nebula B33', EXPTIME: 60 }), ['object', 1])
    t.same(guess({ OBJECT: 'Flaming star', EXPTIME: 60 }), ['object', 1])
    t.same(guess({ EXPTIME: 5 }, '/night/Flat-R-001.fit'), ['flat', 1])
    t.same(guess({ EXPTIME: 5 }, 'domeflat012.fits.fz'), ['flat', 1])
    t.same(guess({ EXPTIME: 5 }, 'research.fits'), ['unknown', 0])
    t.same(guess({ EXPTIME: 5 }, '/night/darks/a0001.fits.gz'), ['dark', 1])
    t.same(guess({ EXPTIME: 0 }, 'a0001.fits'), ['bias', 1])
    t.same(guess({ EXPTIME: 60, OBJECT: 'M 67' }), ['object', 1])
    t.same(guess({}), ['unknown', 0])
  },
)

t.test('exposure time, gain, read noise and saturation under their many names', async (t) => {
  for (const keyword of ['EXPTIME', 'EXPOSURE', 'EXP_TIME', 'ITIME', 'ELAPTIME', 'XPOSURE']) {
    t.equal(facts({ [keyword]: 12.5 }).exposureSeconds, 12.5)
    t.equal(facts({ [keyword]: ' 12.5 ' }).exposureSeconds, 12.5)
    t.equal(facts({ [keyword]: '12.5 s' }).exposureSeconds, 12.5)
  }
  for (const keyword of ['GAIN', 'EGAIN', 'CCDGAIN', 'SOFTGAIN', 'EPERDN'])
    t.equal(facts({ [keyword]: '1.5D0' }).gain, 1.5)
  for (const keyword of ['RDNOISE', 'READNOIS', 'RON', 'ENOISE', 'READNOISE'])
    t.equal(facts({ [keyword]: 3 }).readNoise, 3)
  for (const keyword of ['SATURATE', 'MAXLIN', 'DATASAT', 'DATAMAX', 'SATLEVEL'])
    t.equal(facts({ [keyword]: 6e4 }).saturation, 6e4)
  t.equal(facts({ 'HIERARCH ESO DET OUT1 GAIN': 0.5 }).gain, 2)
  t.equal(facts({ 'ESO DET OUT1 CONAD': 1.25 }).gain, 1.25)
})

t.test('texts and numbers that mean nothing are nothing', async (t) => {
  for (const nothing of ['N/A', 'NaN', 'UNKNOWN', '', '   ', 'unspecified', 'n/a', Number.NaN, 'none', 'INDEF']) {
    const found = facts({
      EXPTIME: nothing,
      EXPOSURE: 5,
      GAIN: nothing,
      OBJECT: nothing,
      RDNOISE: nothing,
      'DATE-OBS': nothing,
      RA: nothing,
      DEC: nothing,
    })
    t.match(found, {
      exposureSeconds: 5,
      gain: undefined,
      object: undefined,
      readNoise: undefined,
      mjd: undefined,
      raDeg: undefined,
    })
  }
  const odd = facts({ GAIN: -1, EXPTIME: -5, SATURATE: 0 })
  t.match(odd, { gain: undefined, exposureSeconds: undefined, saturation: undefined })
  t.equal(odd.notes.length, 3)
})

t.test('the gain setting of a CMOS camera is not its gain', async (t) => {
  t.equal(facts({ GAIN: 100, EGAIN: 0.25 }).gain, 0.25)
  t.equal(facts({ GAIN: 139, OFFSET: 21 }).gain, undefined)
  t.equal(facts({ GAIN: 100, OFFSET: 21, EGAIN: 1.1 }).gain, 1.1)
  t.equal(facts({ GAIN: 2.3 }).gain, 2.3)
})

t.test('DATAMAX beside DATAMIN is the largest value of the image', async (t) => {
  t.equal(facts({ DATAMAX: 22511, DATAMIN: 263 }).saturation, undefined)
})

t.test('filters: one keyword, wheels in series, names for no filter', async (t) => {
  t.equal(facts({ FILTER: ' R ' }).filter, 'R')
  t.equal(facts({ FILTNAM: 'V' }).filter, 'V')
  t.equal(facts({ INSFILTE: 'B' }).filter, 'B')
  t.equal(facts({ FILTERS: 58 }).filter, '58')
  t.equal(facts({ FILTER1: 'air', FILTER2: 'rp', FILTER3: 'air' }).filter, 'rp')
  t.equal(facts({ FILTER1: 'CLEAR1L', FILTER2: 'F814W' }).filter, 'F814W')
  t.equal(facts({ FILTER1: 'open1-6', FILTER2: 'r_G0303' }).filter, 'r_G0303')
  t.equal(facts({ FILTER1: 'B', FILTER2: 'ND2' }).filter, 'B+ND2')
  t.equal(facts({ FILTER1: 'empty', FILTER2: 'Clear' }).filter, 'clear')
  t.equal(facts({ FILTER: 'NONE' }).filter, 'clear')
  t.equal(facts({ FILTER: 'UNKNOWN' }).filter, undefined)
  t.equal(facts({}).filter, undefined)
})

t.test('binning in all its notations', async (t) => {
  for (const cards of [
    { CCDSUM: '2 2' },
    { BINNING: '2x2' },
    { BINNING: 2 },
    { XBINNING: 2, YBINNING: 2 },
    { CCDXBIN: 2, CCDYBIN: 2 },
    { BINX: '2', BINY: '2' },
    { CCDBIN1: 2 },
    { BINNING: '2,2' },
  ] as Cards[]) {
    t.same(facts(cards).binning, [2, 2], JSON.stringify(cards))
  }
  t.same(facts({ CCDSUM: '1 4' }).binning, [1, 4])
  t.same(facts({ XBINNING: 0, YBINNING: 0 }).binning, [1, 1])
})

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

t.test('the pixel scale: told, from the WCS, or from pixel size and focal length', async (t) => {
  for (const keyword of ['PIXSCALE', 'SECPIX', 'CCDSCALE']) t.equal(facts({ [keyword]: 0.5 }).pixelScaleArcsec, 0.5)
  const tan = { CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRVAL1: 10, CRVAL2: 20, CRPIX1: 1, CRPIX2: 1 }
  t.ok(Math.abs(facts({ ...tan, CD1_1: 0, CD1_2: 1e-4, CD2_1: 1e-4, CD2_2: 0 }).pixelScaleArcsec! - 0.36) < 1e-12)
  t.ok(Math.abs(facts({ ...tan, CDELT1: -1e-4, CDELT2: 1e-4, CROTA2: 30 }).pixelScaleArcsec! - 0.36) < 1e-12)
  t.ok(Math.abs(facts({ XPIXSZ: 9, FOCALLEN: 1000 }).pixelScaleArcsec! - 1.856385) < 1e-6)
  t.equal(facts({ XPIXSZ: 9, FOCALLEN: 0 }).pixelScaleArcsec, undefined)
  t.equal(facts({ CDELT1: 1, CDELT2: 1 }).pixelScaleArcsec, undefined)
})

t.test('sections: good, stale, empty, reversed, unbinned', async (t) => {
  const whole = box(0, 0, 2148, 2048)
  const sections = (cards: Cards, shape?: Partial<FrameShape>) => {
    const { data, overscan, notes } = facts(cards, shape)
    return { data, overscan, notes: notes.length }
  }
  t.same(sections({}), { data: whole, overscan: [], notes: 0 })
  t.same(sections({ TRIMSEC: '[1:2048,1:2048]', BIASSEC: '[2049:2148,1:2048]' }), {
    data: box(0, 0, 2048, 2048),
    overscan: [box(2048, 0, 2148, 2048)],
    notes: 0,
  })
  t.same(sections({ TRIMSEC: ' [ 2048 : 1 , 2048:1 ] ' }), { data: box(0, 0, 2048, 2048), overscan: [], notes: 0 })
  t.same(sections({ BIASSEC: '[2049:2148,1:2048]' }), {
    data: box(0, 0, 2048, 2048),
    overscan: [box(2048, 0, 2148, 2048)],
    notes: 0,
  })
  t.same(sections({ DATASEC: '[1:2148,1:2048]', BIASSEC: '[1:100,1:2048]' }), {
    data: box(100, 0, 2148, 2048),
    overscan: [box(0, 0, 100, 2048)],
    notes: 1,
  })
  t.same(sections({ BIASSEC: 'UNKNOWN', TRIMSEC: 'N/A' }), { data: whole, overscan: [], notes: 0 })
  for (const empty of ['[1:0,1:0]', '[0:0,0:0]', '[]', 'garbage'])
    t.same(sections({ TRIMSEC: empty, BIASSEC: empty }), { data: whole, overscan: [], notes: 0 }, empty)
  t.same(sections({ TRIMSEC: '[17:528,1:520]', BIASSEC: '[4:13,1:520]' }, { width: 512, height: 512 }), {
    data: box(0, 0, 512, 512),
    overscan: [],
    notes: 2,
  })
  // The overscan alone would fit: but the frame has been trimmed.
  t.same(sections({ TRIMSEC: '[17:2200,1:2048]', BIASSEC: '[4:13,1:2048]' }), { data: whole, overscan: [], notes: 2 })
  t.same(
    sections(
      { TRIMSEC: '[1:2048,1:2048]', BIASSEC: '[2049:2148,1:2048]', CCDSUM: '2 2' },
      { width: 1074, height: 1024 },
    ).data,
    box(0, 0, 1024, 1024),
  )
  t.same(sections({ TRIMSEC: '[1:2048,1:2048]', CCDSEC: '[1000:1010,2000:2010]' }), {
    data: box(0, 0, 2048, 2048),
    overscan: [],
    notes: 0,
  })
  t.same(sections({ PRESCAN: 50, POSTSCAN: 50 }), {
    data: box(50, 0, 2098, 2048),
    overscan: [box(0, 0, 50, 2048), box(2098, 0, 2148, 2048)],
    notes: 0,
  })
  t.same(sections({ BIASSEC: '[1:2000,1:2048]' }), { data: whole, overscan: [], notes: 1 })
})

t.test('amplifiers described one by one', async (t) => {
  const quad: Cards = {
    TSEC11: '[13:524,1:514]',
    BSEC11: '[525:538,1:514]',
    GAIN11: 1.3,
    RON11: 4.5,
    TSEC12: '[553:1064,1:514]',
    BSEC12: '[539:552,1:514]',
    GAIN12: 1.4,
    RON12: 4.6,
    TSEC21: '[13:524,515:1028]',
    BSEC21: '[525:538,515:1028]',
    GAIN21: 1.5,
    TSEC22: '[553:1064,515:1028]',
    BSEC22: '[539:552,515:1028]',
    GAIN22: 1.6,
    RDNOISE: 9,
  }
  const found = facts(quad, { width: 1064, height: 1028 })
  t.same(
    found.amplifiers.map((a) => a.name),
    ['11', '12', '21', '22'],
  )
  t.same(
    found.amplifiers.map((a) => a.gain),
    [1.3, 1.4, 1.5, 1.6],
  )
  t.same(
    found.amplifiers.map((a) => a.readNoise),
    [4.5, 4.6, 9, 9],
  )
  t.same(found.amplifiers[3].data, box(552, 514, 1064, 1028))
  t.same(found.amplifiers[3].overscan, box(538, 514, 552, 1028))
  // Assembled, the overscans between the quadrants are gone.
  t.same(
    found.amplifiers.map((a) => a.place),
    [box(0, 0, 512, 514), box(512, 0, 1024, 514), box(0, 514, 512, 1028), box(512, 514, 1024, 1028)],
  )
  const extracted = facts(quad, { width: 800, height: 62 })
  t.equal(extracted.amplifiers.length, 1)
  t.same(extracted.data, box(0, 0, 800, 62))
})

t.test('one amplifier has the gain of the frame', async (t) => {
  t.match(facts({ GAIN: 2, RDNOISE: 5, BIASSEC: '[2049:2148,1:2048]' }).amplifiers, [
    {
      data: box(0, 0, 2048, 2048),
      overscan: box(2048, 0, 2148, 2048),
      place: box(0, 0, 2048, 2048),
      gain: 2,
      readNoise: 5,
    },
  ])
})

t.test('whole dialects: Las Cumbres, ESO, MaxIm DL, N.I.N.A., CTIO', async (t) => {
  t.match(
    facts({
      OBSTYPE: 'EXPOSE',
      EXPTIME: 60,
      FILTER: 'rp',
      GAIN: 1,
      RDNOISE: 10,
      SATURATE: 47500,
      MAXLIN: 40000,
      CCDSUM: '1 1',
      'DATE-OBS': '2017-12-15T12:00:00.123',
      INSTRUME: 'fl13',
      TELESCOP: '1m0-10',
      SITEID: 'cpt',
      CONFMODE: 'default',
      RA: '12:00:00.0',
      DEC: '-30:00:00',
      OBJECT: 'M 67',
      PIXSCALE: 0.389,
    }),
    {
      type: 'object',
      filter: 'rp',
      gain: 1,
      readNoise: 10,
      saturation: 47500,
      instrument: 'fl13',
      site: 'cpt',
      telescope: '1m0-10',
      readMode: 'default',
      raDeg: 180,
      decDeg: -30,
    },
  )
  t.match(
    facts({
      'HIERARCH ESO DPR CATG': 'CALIB',
      'HIERARCH ESO DPR TYPE': 'FLAT,SKY',
      EXPTIME: 3,
      'HIERARCH ESO DET OUT1 CONAD': 1.8,
      'HIERARCH ESO DET OUT1 RON': 3.1,
      'HIERARCH ESO DET WIN1 BINX': 2,
      'HIERARCH ESO DET WIN1 BINY': 2,
      'HIERARCH ESO INS FILT1 NAME': 'v_HIGH',
      'HIERARCH ESO DET OUT1 PRSCX': 5,
      'HIERARCH ESO DET OUT1 OVSCX': 5,
      INSTRUME: 'FORS2',
      'DATE-OBS': '2010-01-01T01:02:03.4567',
    }),
    {
      type: 'flat',
      gain: 1.8,
      readNoise: 3.1,
      binning: [2, 2],
      filter: 'v_HIGH',
      data: box(5, 0, 2143, 2048),
      date: '2010-01-01T01:02:03.457',
    },
  )
  t.match(
    facts({
      IMAGETYP: 'Light Frame',
      EXPTIME: 30,
      EXPOSURE: 30,
      FILTER: 'Ha',
      EGAIN: 0.4,
      XBINNING: 2,
      YBINNING: 2,
      XPIXSZ: 9,
      FOCALLEN: 2000,
      INSTRUME: 'SBIG STF-8300',
      OBJCTRA: '05 35 17',
      OBJCTDEC: '-05 23 28',
      'DATE-OBS': '2020-01-01T00:00:00',
    }),
    {
      type: 'object',
      filter: 'Ha',
      gain: 0.4,
      binning: [2, 2],
      instrument: 'SBIG STF-8300',
    },
  )
  t.match(
    facts({
      IMAGETYP: 'DARKFLAT',
      EXPOSURE: 2,
      GAIN: 100,
      OFFSET: 50,
      EGAIN: 0.25,
      INSTRUME: 'ZWO ASI2600MM',
      'DATE-OBS': '2022-03-01T20:00:00.1234567',
      'DATE-LOC': '2022-03-01T21:00:00',
    }),
    {
      type: 'dark',
      gain: 0.25,
      exposureSeconds: 2,
      date: '2022-03-01T20:00:00.123',
    },
  )
  t.match(
    facts({
      OBSTYPE: 'dome flat',
      EXPTIME: 3,
      'DATE-OBS': '1999-10-26',
      'TIME-OBS': '01:00:00',
      FILTERS: 'B',
      GTGAIN11: 1,
      DETECTOR: 'Tek2K_3',
      TELESCOP: 'CTIO 0.9 meter telescope',
    }),
    {
      type: 'flat',
      instrument: 'Tek2K_3',
      camera: 'Tek2K_3',
      filter: 'B',
      date: '1999-10-26T01:00:00.000',
    },
  )
})
