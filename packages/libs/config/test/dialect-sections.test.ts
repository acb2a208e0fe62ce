import t from 'tap'
import type { FrameShape } from '../src/index.js'
import { box, type Cards, facts } from './headers.js'

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
