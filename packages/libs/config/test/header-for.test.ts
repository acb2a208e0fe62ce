import t from 'tap'
import {
  describeFrame,
  type FrameFacts,
  fileStemFor,
  headerFor,
  type InstrumentProfile,
  listProfiles,
  loadProfile,
} from '../src/index.js'

const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 })
const size = { width: 536, height: 520 }

/** Facts that a camera may have, in the words of its profile. */
function factsOf(profile: InstrumentProfile, type: FrameFacts['type']): Partial<FrameFacts> {
  const { assume, keywords, filters, orientation } = profile.values
  const turn = orientation.keyword ? orientation.values.at(-1)!.split(':')[1] : orientation.default
  return {
    type,
    instrument: assume.instrument || 'C9',
    filter:
      keywords.filter.length || keywords['filter wheels'].length
        ? (Object.values(filters).at(-1) ?? 'i')
        : assume.filter,
    exposureSeconds: type === 'bias' ? 0 : 12.5,
    gain: 6.2,
    readNoise: 7.25,
    saturation: 7000,
    binning: [2, 2],
    readMode: '1MHz',
    object: 'M 67',
    mjd: 58000.123456,
    date: '2017-09-04T02:57:46.598',
    raDeg: 132.825,
    decDeg: -0.0125,
    pixelScaleArcsec: 0.702,
    data: box(16, 0, 528, 520),
    overscan: [box(2, 0, 12, 520)],
    orientation: turn as FrameFacts['orientation'],
  }
}

function readBack(facts: Partial<FrameFacts>, profile: InstrumentProfile): FrameFacts {
  const cards = new Map(headerFor(facts, profile).map(([keyword, value]) => [keyword, value]))
  const name = `/night/${fileStemFor({ type: 'unknown', ...facts, number: 7 }, profile)}.fits`
  return describeFrame((keyword) => cards.get(keyword), profile, { ...size, name })
}

for (const name of listProfiles()) {
  t.test(`${name}: the header that it writes tells the facts it was written from`, async (t) => {
    const profile = loadProfile(name)
    for (const type of ['bias', 'dark', 'flat', 'arc', 'object', 'focus'] as const) {
      const { keywords, 'file types': words } = profile.values
      if (!keywords.type.length && !words[type].length) continue // a camera without that kind of frame
      const facts = factsOf(profile, type)
      const back = readBack(facts, profile)
      for (const [fact, value] of Object.entries(facts)) {
        // What the camera has no word for, it cannot tell: the profile's assumption stands.
        if (fact === 'pixelScaleArcsec' && !profile.values.keywords['pixel scale'].length) continue
        const found = back[fact as keyof FrameFacts]
        if (typeof value === 'number')
          t.ok(Math.abs((found as number) - value) < 1e-6, `${type}: ${fact} ${value} ${found}`)
        else t.same(found, value, `${type}: ${fact}`)
      }
      t.same(back.notes, [], 'nothing odd in a header of its own')
      const again = readBack(back, profile)
      // What was assumed at first stands in the header the second time; positions and times are rounded once.
      const values = (facts: FrameFacts) => ({ ...facts, mjd: 0, raDeg: 0, decDeg: 0, sources: {} })
      t.same(values(again), values(back), 'and stays so')
    }
  })
}

t.test('keywords are legal FITS keywords and appear once', async (t) => {
  for (const name of listProfiles()) {
    const profile = loadProfile(name)
    const keywords = headerFor(factsOf(profile, 'object'), profile).map(([keyword]) => keyword)
    t.same(new Set(keywords).size, keywords.length)
    t.ok(
      keywords.every((keyword) => /^[A-Z0-9_-]{1,8}$|^HIERARCH /.test(keyword)),
      `${name}: ${keywords}`,
    )
  }
})

t.test('file names in the way of the camera', async (t) => {
  const stem = (profile: string, parts: Parameters<typeof fileStemFor>[0]) => fileStemFor(parts, loadProfile(profile))
  t.equal(stem('ratir-c1', { type: 'flat', date: '2013-07-16T03:15:49.5' }), '20130716T031549C1f')
  t.equal(stem('coatli', { type: 'bias', date: '2018-02-05T04:29:02' }), '20180205T042902C0b')
  t.equal(stem('skycam', { type: 'object', date: '2013-06-10T23:45:16', number: 210 }), 'z_e_20130610_0210_1_1_1')
  t.equal(stem('generic', { type: 'dark', number: 3 }), 'dark-0003')
})

t.test(
  'dates at the middle, in local time, apart; exposure in ms; gain inverse; noise in ADU; amplifiers',
  async (t) => {
    const folder = t.testdir({
      'odd.ini': `[keywords]
gain = INVGAIN
[conventions]
time zone = -7
date at = middle
date style = apart
exposure unit = ms
gain unit = adu/e
read noise unit = adu
ra unit = hours
coordinates = degrees
first pixel = 0
`,
    })
    const profile = loadProfile(`${folder}/odd.ini`)
    const facts: Partial<FrameFacts> = { ...factsOf(profile, 'object'), filter: 'i' }
    const header = new Map(headerFor(facts, profile).map(([keyword, value]) => [keyword, value]))
    t.equal(header.get('DATE-OBS'), '2017-09-03')
    t.equal(header.get('TIME-OBS'), '19:57:52.848')
    t.equal(header.get('EXPTIME'), 12500)
    t.ok(Math.abs(Number(header.get('RA')) - 8.855) < 1e-12)
    t.equal(header.get('TRIMSEC'), '[16:527,0:519]')
    const back = readBack(facts, profile)
    for (const fact of ['exposureSeconds', 'gain', 'readNoise', 'raDeg', 'mjd'] as const) {
      t.ok(Math.abs(back[fact]! - (facts[fact] as number)) < 1e-6, `${fact} ${back[fact]} ${facts[fact]}`)
    }
    t.same(back.data, facts.data)
    const halves = [
      {
        name: '1',
        data: box(0, 0, 250, 520),
        overscan: box(250, 0, 268, 520),
        place: box(0, 0, 250, 520),
        gain: 1.1,
        readNoise: 4,
      },
      {
        name: '2',
        data: box(286, 0, 536, 520),
        overscan: box(268, 0, 286, 520),
        place: box(250, 0, 500, 520),
        gain: 1.2,
        readNoise: 5,
      },
    ]
    t.same(readBack({ type: 'flat', amplifiers: halves }, loadProfile('generic')).amplifiers, halves)
    const corners = halves.map((half, k) => ({ ...half, name: ['11', '12'][k]! }))
    const keywords = headerFor({ amplifiers: corners }, loadProfile('generic')).map(([keyword]) => keyword)
    t.ok(keywords.includes('TRIMSE12') && keywords.every((keyword) => keyword.length <= 8), keywords.join(' '))
  },
)
