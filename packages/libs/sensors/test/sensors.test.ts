import t from 'tap'
import {
  checkValue,
  corrected,
  mergeRecords,
  parseModel,
  parseRule,
  readEnvelope,
  readRecord,
  type SensorRecord,
  watch,
} from '../src/index.js'

const record = (more: Partial<Record<keyof SensorRecord, unknown>> = {}) => ({
  ...{
    name: 'C0-detector-temperature',
    value: '+1.5',
    date: '2026-03-01T12:00:00',
    pretty_name: 'detector',
    subsystem: 'ddrago',
  },
  ...{
    component: 'C0',
    group: 'detector-temperature',
    model: '',
    identifier: '',
    firmware: '',
    type: 'float',
    unit: 'C',
  },
  ...{ correction_model: '', raw_value: '+1.5', error_code: 0, ...more },
})
const good = (more: Partial<Record<keyof SensorRecord, unknown>> = {}) => readRecord(record(more)).record!

t.test('a record has fifteen fields of their types, and each that is wrong is named', async (t) => {
  t.same(readRecord(record()).problems, [])
  const { unit: _, ...without } = record()
  t.same(readRecord(without).problems, ['no unit'])
  t.same(readRecord(record({ date: 'yesterday' })).problems, ["date 'yesterday' is none"])
  t.match(readRecord(record({ type: 'number' })).problems, [/type 'number' is none/])
  t.match(readRecord(record({ value: 'warm' })).problems, [/'warm' is no float/])
  t.match(readRecord(record({ type: 'integer' })).problems, [/is no integer/])
  t.match(readRecord(record({ error_code: -1 })).problems, [/error_code is -1/])
  t.match(readRecord(record({ model: null })).problems, [/model is null/])
  t.match(readRecord(7).problems, ['not an object'])
  t.same(
    readRecord(record({ value: '', error_code: 1 })).problems,
    [],
    'a value that its error code disowns may be anything',
  )
})

t.test('unknown fields stay, older names are known, numbers become texts with a sign', async (t) => {
  const { subsystem, component, ...rest } = record({ value: 2, raw_value: -2 })
  const old = readRecord({ ...rest, origin: subsystem, device: component, colour: 'red' })
  t.match(old.record, { subsystem: 'ddrago', component: 'C0', value: '+2', raw_value: '-2', extra: { colour: 'red' } })
})

t.test('three envelopes hold the same records', async (t) => {
  const list = [record(), record({ name: 'other' })]
  const texts = [list, { frame_model: '1.0', producer_name: 'TCS', sensor: list }, { device: list }].map((one) =>
    JSON.stringify(one),
  )
  for (const text of texts)
    t.same(
      readEnvelope(text).records.map(({ name }) => name),
      ['C0-detector-temperature', 'other'],
    )
  t.equal(readEnvelope(texts[1]!).producer, 'TCS')
})

t.test('bad records are set aside, and the others stand', async (t) => {
  const { records, setAside } = readEnvelope(
    JSON.stringify([record(), record({ name: 'x', date: '?' }), 5, record({ value: '+9' })]),
  )
  t.equal(records.length, 1)
  t.match(setAside, [
    { place: 2, name: 'x' },
    { place: 3 },
    { place: 4, reasons: [/a second C0-detector-temperature/] },
  ])
  t.match(readEnvelope('{"a": 1').setAside, [{ place: 0, reasons: [/not JSON/] }])
  t.match(readEnvelope('{"a": 1}').setAside, [{ place: 0 }])
})

t.test('correction models give the values of the reference by hand', async (t) => {
  const value = (model: string, raw: number) => corrected(parseModel(model) as never, raw)
  t.equal(value('MS-T:1.0:0.25', 10), 9.75)
  t.equal(value('ENV-P:1.0:-2', 780), 782)
  // v = 100 - (1 + 0.01 v), three times from v = 100: 98, 98.02, 98.0198
  t.ok(Math.abs(value('PT-100:1.0:1:0.01', 100) - 98.0198) < 1e-9)
  // fractions: 0.20 low, 0.50 high, 0.35 half of each
  t.ok(Math.abs(value('MS-H:1.0:0.01:1.1:0.02:0.9', 20) - 0.23) < 1e-12)
  t.ok(Math.abs(value('ENV-H:1.0:0.01:1.1:0.02:0.9', 50) - 0.47) < 1e-12)
  t.ok(Math.abs(value('MS-H:1.0:0.01:1.1:0.02:0.9', 35) - (0.395 + 0.335) / 2) < 1e-12)
  t.match(parseModel('MS-T:1.0'), { problem: /1 numbers/ })
  t.match(parseModel('XYZ:1.0:3'), { problem: /no correction model/ })
  t.equal(parseModel(''), undefined)
})

t.test('a value is held against its raw one, and corrected where it differs', async (t) => {
  t.same(checkValue(good({ correction_model: 'MS-T:1.0:0.3', raw_value: '+1.82' })).notes, [], 'to its last digit')
  const wrong = checkValue(good({ correction_model: 'MS-T:1.0:0.3', raw_value: '+5.0' }))
  t.equal(wrong.record.value, '+4.7')
  t.equal(wrong.notes.length, 1)
  t.same(checkValue(good({ correction_model: 'MS-T:1.0:0.3', raw_value: '', error_code: 1 })).notes, [])
})

t.test('the newest record of a sensor stays, whoever comes first; clocks that are ahead are set aside', async (t) => {
  const at = (seconds: number, value: string) =>
    good({ value, date: `2026-03-01T12:00:${String(seconds).padStart(2, '0')}` })
  const supplies = [
    { supplier: 'a', records: [at(10, '+1'), good({ name: 'old', date: '2026-03-01T11:00:00' })] },
    { supplier: 'b', records: [at(20, '+2'), good({ name: 'ahead', date: '2026-03-01T13:00:00' })] },
  ]
  const now = 61100 + 0.5 + 30 / 86400
  const options = { now, staleSeconds: 60, aheadSeconds: 30 }
  const { merged, setAside } = mergeRecords(supplies, options)
  t.match(
    merged.map(({ record: { name, value }, stale }) => [name, value, stale]),
    [
      ['C0-detector-temperature', '+2', false],
      ['old', '+1.5', true],
    ],
  )
  t.match(setAside, [{ supplier: 'b', name: 'ahead' }])
  t.same(mergeRecords([...supplies].reverse(), options), { merged, setAside })
})

t.test('alarms begin beyond the limit and end behind clear', async (t) => {
  const rule = parseRule('t > 10 clear 8') as never
  const series = (...values: number[]) => values.map((value, k) => ({ mjd: 60000 + k / 1440, value }))
  t.equal(watch(rule, 't', series(9, 10), 60001), undefined)
  t.match(watch(rule, 't', series(9, 11, 9), 60001), { since: 60000 + 1 / 1440, value: 9 })
  t.equal(watch(rule, 't', series(9, 11, 8, 9), 60001), undefined)
  t.match(watch(parseRule('t < 0') as never, 't', series(1, -1), 60001), { value: -1 })
  const rate = parseRule('t rate > 2/min') as never
  t.equal(watch(rate, 't', series(1, 2.9), 60001), undefined)
  t.match(watch(rate, 't', series(1, 3.1), 60001), { rule: { kind: 'rate' } })
  t.match(watch(parseRule('t silent 10 min') as never, 't', series(1), 60000.5), { value: 43200 })
  t.equal(watch(parseRule('t silent 1 d') as never, 't', series(1), 60000.5), undefined)
  for (const bad of ['t', 't > x', 't > 5 clear 6', 't < 5 clear 4', 't silent', 't rate > 2/year'])
    t.match(parseRule(bad), { problem: String }, bad)
})
