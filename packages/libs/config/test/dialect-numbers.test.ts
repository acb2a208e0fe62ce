import t from 'tap'
import { type Cards, facts } from './headers.js'

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

t.test('the pixel scale: told, from the WCS, or from pixel size and focal length', async (t) => {
  for (const keyword of ['PIXSCALE', 'SECPIX', 'CCDSCALE']) t.equal(facts({ [keyword]: 0.5 }).pixelScaleArcsec, 0.5)
  const tan = { CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRVAL1: 10, CRVAL2: 20, CRPIX1: 1, CRPIX2: 1 }
  t.ok(Math.abs(facts({ ...tan, CD1_1: 0, CD1_2: 1e-4, CD2_1: 1e-4, CD2_2: 0 }).pixelScaleArcsec! - 0.36) < 1e-12)
  t.ok(Math.abs(facts({ ...tan, CDELT1: -1e-4, CDELT2: 1e-4, CROTA2: 30 }).pixelScaleArcsec! - 0.36) < 1e-12)
  t.ok(Math.abs(facts({ XPIXSZ: 9, FOCALLEN: 1000 }).pixelScaleArcsec! - 1.856385) < 1e-6)
  t.equal(facts({ XPIXSZ: 9, FOCALLEN: 0 }).pixelScaleArcsec, undefined)
  t.equal(facts({ CDELT1: 1, CDELT2: 1 }).pixelScaleArcsec, undefined)
})
