import t from 'tap'
import type { SkyStars } from '../src/index.js'

t.test('a catalogue without stars is one', async (t) => {
  const none = new Float64Array(0)
  const empty: SkyStars = {
    count: 0,
    ra: none,
    dec: none,
    pmRa: new Float32Array(0),
    pmDec: new Float32Array(0),
    epoch: 2016,
    magnitudes: {},
  }
  t.equal(empty.ra.length, empty.count)
})
