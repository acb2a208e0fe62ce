import t from 'tap'
import { describeFrame, loadProfile } from '../src/index.js'
import { box, type Cards, facts, headerOf } from './headers.js'

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

t.test('NRES and COLIBRI, as their documents describe the headers', async (t) => {
  const nres = (cards: Cards, name: string) =>
    describeFrame(headerOf(cards), loadProfile('nres'), { width: 4160, height: 4096, name })
  const detector = {
    BIASSEC: '[4103:4160,1:4096]',
    TRIMSEC: '[1:4096,1:4096]',
    DATASEC: '[1:4096,1:4096]',
    DETSIZE: '[1:0,1:0]',
  }
  const common = {
    ...detector,
    GAIN: 2.17,
    RDNOISE: 8.34,
    SATURATE: 55000,
    INSTRUME: 'fl09',
    TELESCOP: 'nres01',
    SITEID: 'lsc',
    CONFMODE: 'N/A',
  }
  const facts = nres(
    { ...common, OBSTYPE: 'DOUBLE', OBJECTS: 'thar&thar&none', RA: 4.2538, DEC: 10 },
    'lscnrs01-fl09-20171110-0037-a00.fits.fz',
  )
  t.match(facts, {
    type: 'arc',
    instrument: 'nres01',
    camera: 'fl09',
    site: 'lsc',
    object: 'thar&thar&none',
    gain: 2.17,
    readNoise: 8.34,
    saturation: 55000,
    readMode: undefined,
    data: box(0, 0, 4096, 4096),
    overscan: [box(4102, 0, 4160, 4096)],
    notes: [],
  })
  t.ok(Math.abs(facts.raDeg! - 63.807) < 1e-9, 'hours')
  const types = { BIAS: 'bias', DARK: 'dark', LAMPFLAT: 'flat', ARC: 'arc', TARGET: 'object' }
  for (const [word, type] of Object.entries(types)) t.equal(nres({ OBSTYPE: word }, 'x').type, type)
  t.equal(nres({}, 'cptnrs03-fl13-20171215-0007-w00.fits.fz').type, 'flat')

  const colibri = (cards: Cards, name: string) =>
    describeFrame(headerOf(cards), loadProfile('colibri'), { width: 4146, height: 4112, name })
  const raw = {
    EXPTYPE: 'object',
    EXPTIME: 60,
    INSTRUME: 'C1',
    CCD_NAME: 'C1',
    FILTER: 'gri',
    BINNING: 1,
    SOFTGAIN: 1,
    DATASAT: 65535,
  }
  t.match(colibri({ ...raw, DATASEC: '[51:4146,1:4112]', BIASSEC: '[1:50,1:4112]', SMTMRO: 180, EMTMRO: 180 }, 'x'), {
    type: 'object',
    instrument: 'C1',
    filter: 'gri',
    gain: 2.2,
    readNoise: 6.8,
    saturation: 65535,
    pixelScaleArcsec: 0.381,
    data: box(50, 0, 4146, 4112),
    overscan: [box(0, 0, 50, 4112)],
    orientation: 'rotate-180',
  })
  // The tree of the archive: type, camera and filter are folders.
  t.match(colibri({}, '/data/20180306/0001/C1/3/a.fits.fz'), { type: 'flat', filter: 'BR' })
  t.match(colibri({}, '/data/20180306/executor/images/20180306T021123C2b.fits.fz'), {
    type: 'bias',
    date: '2018-03-06T02:11:23.000',
  })
})
