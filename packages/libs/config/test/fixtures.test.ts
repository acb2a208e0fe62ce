import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURES } from '@nightpipe/testing'
import t from 'tap'
import { describeFrame, type FrameFacts, loadProfile } from '../src/index.js'
import { missing, readHeader } from './headers.js'

const skip = { skip: missing }

function describe(file: string, profile: string): FrameFacts {
  const { lookup, width, height } = readHeader(file)
  return describeFrame(lookup, loadProfile(profile), { width, height, name: file })
}
const list = (folder: string) =>
  readdirSync(join(FIXTURES, folder))
    .sort()
    .map((name) => `${folder}/${name}`)
const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 })

t.test('RATIR C1: the type stands in the file name, the rest in the profile', skip, async (t) => {
  for (const type of ['bias', 'dark', 'flat', 'object'] as const) {
    for (const file of list(`imaging_raw/ratir_c1/${type}`)) {
      const facts = describe(file, 'ratir-c1')
      t.equal(facts.type, type, file)
      t.equal(facts.exposureSeconds, { bias: 0, dark: 80, flat: 10, object: 10 }[type])
      t.same(facts.notes, [], file)
    }
  }
  t.match(describe('imaging_raw/ratir_c1/object/20130716T110750C1o.fits.gz', 'ratir-c1'), {
    instrument: 'RATIR-C1',
    camera: 'C1',
    filter: 'i',
    gain: 4.5,
    readNoise: 10.9,
    saturation: 16383,
    binning: [2, 2],
    date: '2013-07-16T11:08:01.062',
    data: box(0, 0, 1024, 1024),
    overscan: [],
    raDeg: 313.1942866374271,
  })
})

t.test(
  'RATIR C1 through the generic profile: the type comes from file and folder names, and is noted',
  skip,
  async (t) => {
    for (const type of ['bias', 'dark', 'flat', 'object'] as const) {
      const facts = describe(list(`imaging_raw/ratir_c1/${type}`)[0], 'generic')
      t.equal(facts.type, type)
      t.ok(facts.notes.some((note) => note.startsWith(`type ${type} from`)))
    }
  },
)

t.test('COATLI: overscan, SOFTGAIN, the rotation of the mount', skip, async (t) => {
  t.match(describe('imaging_wcs/coatli/20180205T042902C0o.fits', 'coatli'), {
    type: 'object',
    instrument: 'C0',
    filter: 'w',
    exposureSeconds: 5,
    gain: 6.2,
    readNoise: 10,
    saturation: 7000,
    binning: [2, 2],
    date: '2018-02-05T04:29:02.134',
    raDeg: 126.82058333333335,
    data: box(23, 17, 1115, 753),
    overscan: [box(2, 17, 20, 753)],
    orientation: 'none',
    unfit: undefined,
    notes: [],
  })
  const stack = describe('imaging_wcs/coatli/20180620-grb-180620a.fits.fz', 'coatli')
  t.match(stack, { gain: 480, saturation: 6953, exposureSeconds: 6250, filter: 'w', data: box(0, 0, 1302, 880) })
  t.ok(Math.abs(stack.pixelScaleArcsec! - 0.7026) < 1e-4)
})

t.test('SkyCamZ: no filter and no gain in the header', skip, async (t) => {
  t.match(describe('imaging_series/skycamz/z_e_20130610_210_1_1_1.fits', 'skycam'), {
    type: 'object',
    instrument: 'SkyCamZ',
    filter: 'clear',
    gain: undefined,
    saturation: 35000,
    exposureSeconds: 10,
    pixelScaleArcsec: 3.5666776736,
    date: '2013-06-10T23:45:16.000',
    notes: [],
  })
})

t.test('SAAO STE3: date and time apart; the sections of a trimmed frame are stale', skip, async (t) => {
  const raw = describe('imaging_wcs/misc/a8280271.fits', 'saao-ste3')
  t.match(raw, {
    type: 'object',
    instrument: 'STE3',
    filter: '48',
    gain: 1.9,
    readNoise: 5,
    date: '2013-07-13T00:57:33.000',
    data: box(16, 0, 528, 520),
    overscan: [box(3, 0, 13, 520)],
    notes: [],
  })
  t.ok(Math.abs(raw.decDeg! + 0.9252778) < 1e-6, 'south of the equator by -00 degrees')
  for (const file of list('imaging_series/saao_kb13475')) {
    const facts = describe(file, 'saao-ste3')
    t.match(facts, { type: 'object', object: 'KB13475', data: box(0, 0, 512, 512), overscan: [] })
    t.match(facts.notes, ['TRIMSEC [17:528,1:520] does not fit the 512x512 array: stale, ignored', /^BIASSEC/])
    t.ok(Math.abs(facts.raDeg! - 273.8708) < 1e-4)
  }
  t.equal(describe('imaging_series/saao_kb13475/AKB13475I0066.fits', 'saao-ste3').date, '2013-08-01T22:02:51.000')
})

t.test('MicroObservatory: local time with its zone, degrees, 12 bits', skip, async (t) => {
  t.match(describe('imaging_series/microobs_hatp32/HATP-32171220054512.FITS', 'microobservatory'), {
    type: 'object',
    instrument: 'MicroObservatory',
    object: 'HATP-32',
    filter: 'clear',
    exposureSeconds: 60,
    saturation: 4095,
    date: '2017-12-20T05:45:12.600',
    pixelScaleArcsec: 5.21,
    raDeg: 31.312099,
  })
})

t.test('SPRAT: lamp and slit flats are EXPOSE in the header', skip, async (t) => {
  const types = list('longslit/sprat').map((file) => describe(file, 'sprat').type)
  t.same(types, ['arc', 'arc', 'dark', 'object', 'object', 'object', 'flat'])
  const arc = describe('longslit/sprat/v_a_20180810_13_1_0_1.fits.gz', 'sprat')
  t.match(arc, { instrument: 'SPRAT', filter: '4020longpass', gain: 2.45, saturation: 63037, exposureSeconds: 10 })
  t.match(describe('longslit/sprat/v_dark_1.fits.gz', 'sprat'), { instrument: 'SPRAT', gain: 2.45, saturation: 63000 })
})

t.test('Alpy 600: a lamp called Light Frame is an arc', skip, async (t) => {
  const calib = list('longslit/alpy600_20170327/calib').map((file) => describe(file, 'alpy600').type)
  t.same(calib, ['dark', 'flat', 'bias', 'dark', 'flat', 'bias'])
  const object = list('longslit/alpy600_20170327/object').map((file) => describe(file, 'alpy600').type)
  t.same(object, ['object', 'object', 'arc'])
  const facts = describe('longslit/alpy600_20170327/object/vega04_lamp.fit.gz', 'alpy600')
  t.same(facts.notes, ['the file name says arc, IMAGETYP Light Frame'])
  t.match(facts, { instrument: 'Alpy600', camera: 'SXV-H9', filter: 'clear', gain: 0.35 })
  t.ok(Math.abs(facts.pixelScaleArcsec! - 0.4619) < 1e-4, 'from pixel size and focal length')
})

t.test('cameras without a profile are understood by the generic one', skip, async (t) => {
  t.match(describe('longslit/arcs/int20180101_01355922.fits.fz', 'generic'), {
    type: 'arc',
    instrument: 'IDS',
    camera: 'EEV10',
    exposureSeconds: 600.01,
    gain: 1.2,
    readNoise: 4.2,
    date: '2018-01-01T19:30:45.151',
    data: box(0, 0, 366, 4099),
    overscan: [box(0, 4104, 366, 4190)],
  })
  t.match(describe('echelle/mres/mres_thar_ref.fits', 'generic'), {
    type: 'arc',
    exposureSeconds: 40,
    gain: 0.55,
    readNoise: 2,
    saturation: undefined,
  })
  t.match(describe('imaging_wcs/misc/image.fits', 'generic'), {
    type: 'object',
    instrument: 'EMMI',
    date: '1992-10-26T15:04:07.968',
    saturation: undefined,
  })
  t.match(describe('imaging_wcs/misc/sip-wcs.fit', 'generic'), {
    type: 'object',
    filter: 'B',
    instrument: 'Apogee Alta',
    date: '2011-09-01T02:09:05.000',
  })
  t.match(describe('imaging_wcs/panoptes/unsolved.fits', 'generic'), {
    type: 'object',
    filter: 'RGGB',
    raDeg: 301.56439,
  })
  t.match(describe('imaging_wcs/panoptes/noheader.fits', 'generic'), {
    type: 'unknown',
    instrument: 'unknown',
    mjd: undefined,
  })
})

t.test('no file of the fixtures makes a profile stumble', skip, async (t) => {
  for (const folder of ['edge_cases', 'compressed', 'subtraction/decam_minis', 'echelle/chiron', 'templates']) {
    for (const file of list(folder)) {
      if (!/\.(fits?|fz|gz)$/i.test(file)) continue
      let header: ReturnType<typeof readHeader> | undefined
      try {
        header = readHeader(file)
      } catch {
        continue // not gzip, though named so: no matter of profiles
      }
      t.doesNotThrow(() => describeFrame(header.lookup, loadProfile('generic'), { ...header, name: file }), file)
    }
  }
})
