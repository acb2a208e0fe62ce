import t from 'tap'
import {
  mergeAlert,
  readTriggerText,
  readVoEvent,
  type TriggerContext,
  triggerOfField,
  triggerText,
} from '../src/index.js'
import { voEvent } from './events.js'

t.test('a trigger is read back from both of its files as it was', async (t) => {
  const trigger = mergeAlert(undefined, readVoEvent(voEvent({ position: [10, 20, 0.1] })), '2026-01-01T00:02:00Z')
  const [json, ini] = [readTriggerText(JSON.stringify(trigger)), readTriggerText(triggerText(trigger))]
  t.match(json, { burstId: 'sb26010101', status: 'active', position: { ra: trigger.position!.ra } })
  t.ok(Math.abs(json.t0Mjd! - trigger.t0Mjd!) < 1e-12)
  t.match(ini, { burstId: json.burstId, status: 'active' })
  t.ok(Math.abs(ini.position!.ra - json.position!.ra) < 1e-6 && Math.abs(ini.t0Mjd! - json.t0Mjd!) < 1e-8)
  t.throws(() => readTriggerText('{"a": 1}'), /neither a burst nor a time/)
  t.throws(() => readTriggerText('{"a'), /is not JSON/)
})

t.test(
  'a field belongs to the trigger that it is named after, or in whose circle it lies after the event',
  async (t) => {
    const at = (burstId: string, t0Mjd: number, ra: number, dec: number, status: TriggerContext['status'] = 'active') =>
      ({ burstId, t0Mjd, position: { ra, dec, errorDeg: 0.1 }, status }) as TriggerContext
    const triggers = [
      at('sb26010101', 61041, 10, 20),
      at('sb26010102', 61042, 10, 20),
      at('sb26010103', 61041, 359.95, -5),
      at('sb26010104', 61042, 200, 0, 'retracted'),
    ]
    const of = (name: string, mjd?: number, ra?: number, dec?: number) =>
      triggerOfField({ name, mjd, ra, dec }, triggers, { degrees: 0.2, days: 7 })?.burstId
    for (const name of ['sb26010101', 'SB26010101', '26010101', 'SVOM_sb26010101'])
      t.equal(of(name), 'sb26010101', `${name}, wherever it was pointed at`)
    t.equal(of('m67', 61041.5, 10, 20.25), 'sb26010101')
    t.equal(of('m67', 61042.5, 10, 20), 'sb26010102', 'the last one by then')
    t.equal(of('m67', 61042.5, 10, 20.4), undefined, 'outside')
    t.equal(of('m67', 61040.5, 10, 20), undefined, 'before')
    t.equal(of('m67', 61060, 10, 20), undefined, 'long after')
    t.equal(of('m67', 61041.1, 0.1, -5), 'sb26010103', 'across 0 h')
    t.equal(of('m67', 61042.1, 200, 0), 'sb26010104', 'who has a retracted one knows what became of it')
    t.equal(of('m67'), undefined)
  },
)
