import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { cleanSources } from '../src/clean.js'
import { SOURCE, SOURCE_NUMBERS } from '../src/sources.js'
import { cleanSources as plain } from './oracle/clean.js'

/** Bright sources with faint ones about them, some of which their wings eat; one at no place at all. */
function field(count: number) {
  const { uniform } = random(31)
  const records = allocate(Float64Array, SOURCE_NUMBERS * count).fill(0)
  for (let i = 0; i < count; i++) {
    const bright = i % 10 === 0
    const centre = records.subarray((i - (i % 10)) * SOURCE_NUMBERS)
    const set = (field: keyof typeof SOURCE, value: number) => {
      records[i * SOURCE_NUMBERS + SOURCE[field]] = value
    }
    set('x', bright ? 500 * uniform() : centre[SOURCE.x] + 40 * (uniform() - 0.5))
    set('y', bright ? 300 * uniform() : centre[SOURCE.y] + 40 * (uniform() - 0.5))
    const [a, b] = bright ? [3.1, 2.4] : [1.6, 1.2]
    set('a', a)
    set('b', b)
    set('xx', 1 / (a * a))
    set('yy', 1 / (b * b))
    set('xy', 0.1 * uniform())
    set('limit', 10)
    set('filteredPeak', bright ? 20000 * uniform() : 25)
    set('filteredFlux', bright ? 2e5 : i % 3 === 0 ? 200 : 180 + 40 * uniform())
    set('held', 10 + (bright ? 900 : 4 * uniform()))
    set('area', bright ? 150 : 12)
    set('upper', bright ? 60 : 5)
  }
  records[7 * SOURCE_NUMBERS + SOURCE.x] = Number.NaN
  return { count, records, pixels: new Int32Array(0) }
}

t.test('the kernel removes what the plain code removes', async (t) => {
  for (const exponent of [1, 2.5]) {
    scoped(() => {
      const sources = field(600)
      const expected = plain(sources, exponent)
      t.ok(expected.length < 590 && expected.length > 60, `${expected.length} of 600 stay`)
      t.same(cleanSources(sources, exponent), expected)
      t.same(cleanSources(sources, 0).length, 600, 'efficiency 0 removes none')
    })
  }
})
