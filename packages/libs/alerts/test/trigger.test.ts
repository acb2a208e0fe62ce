import t from 'tap'
import { frameMessage, mergeAlert, readVoEvent, savedName, type Trigger, triggerText, unframer } from '../src/index.js'
import { voEvent } from './events.js'

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`
const svom = (kind: string, parts: Parameters<typeof voEvent>[0] = {}) =>
  readVoEvent(voEvent({ ivorn: `ivo://org.svom/fsc#sb26010101_${kind}`, ...parts }))
const merged = (...alerts: ReturnType<typeof svom>[]) =>
  alerts.reduce<Trigger | undefined>((known, alert, k) => mergeAlert(known, alert, at(k + 1)), undefined)!

t.test('the best position and the earliest time of all notices are kept, whatever their order', async (t) => {
  const alerts = [
    svom('grm-trigger', { time: '2026-01-01T00:00:03' }),
    svom('eclairs-wakeup', { time: '2026-01-01T00:00:05', position: [10, 20, 0.1], params: { SNR: '8' } }),
    svom('mxt-initial_qf1', { time: '2026-01-01T00:05:00', position: [10.01, 20.01, 0.01] }),
    svom('slewing', { time: '2025-01-01T00:00:00', position: [99, 9, 0.001] }),
  ]
  for (const order of [alerts, alerts.toReversed()]) {
    const trigger = merged(...order)
    t.equal(trigger.t0, '2026-01-01T00:00:03.000Z')
    t.match(trigger.position, { ra: 10.01, errorDeg: 0.01, source: 'mxt-initial_qf1' })
    t.equal(trigger.history.length, 4)
    t.equal(trigger.facts.snr, '8')
    t.equal(trigger.status, 'active')
  }
})

t.test('the same event twice is one line of history', async (t) => {
  const event = svom('eclairs-wakeup')
  const shouted = { ...event, ivorn: event.ivorn.replace('org.svom', 'ORG.SVOM') }
  t.equal(merged(event, event, shouted).history.length, 1)
})

t.test('a retraction and a catalogued source switch it off, and it stays off', async (t) => {
  t.equal(merged(svom('eclairs-wakeup'), svom('retraction'), svom('mxt-initial_qf1')).status, 'retracted')
  const known = merged(svom('eclairs-wakeup'), svom('eclairs-catalog', { params: { Source_Name: 'Sco X-1' } }))
  t.equal(known.status, 'retracted')
  t.match(known.reason, /Sco X-1/)
})

t.test('the trigger file: what is unknown is empty', async (t) => {
  const text = triggerText(merged(svom('grm-trigger', { params: { SNR: '91.4' } })))
  t.match(text, /^\[Trigger\]\nburst_id = sb26010101\nobs_id =\n/)
  t.match(text, /\nra_deg =\ndec_deg =\n/)
  t.match(text, /\nt0_utc = 2026-01-01T00:00:00.000Z\nt0_mjd = 61041.000000000\n/)
  t.match(text, /\nsnr = 91.4\n/)
  t.match(text, /\[History\]\nn = 1\n1 = ivo:\/\/org.svom\/fsc#sb26010101_grm-trigger 2026-01-01T00:01:00.000Z\n$/)
  const own = triggerText(merged(svom('grm-trigger')), { Alert: ['name = burst_id', 'status'] })
  t.match(own, /^\[Alert\]\nname = sb26010101\nstatus = active\n/)
})

t.test('names of saved events are those that Comet gives', async (t) => {
  t.equal(savedName('ivo://org.svom/fsc#sb22020379_eclairs-3'), 'ivo__org.svom_fscsb22020379_eclairs3')
  t.equal(savedName('../../etc/passwd'), '_.._etc_passwd')
})

// The wire format of VTP, byte by byte.
t.test('a message is its length in four bytes and itself', async (t) => {
  t.same([...frameMessage('hello')], [0, 0, 0, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f])
  const stream = Buffer.concat([frameMessage('hello'), frameMessage(''), frameMessage('world')])
  for (const size of [1, 2, 3, 5, 7, stream.length]) {
    const reader = unframer()
    const got: string[] = []
    for (let k = 0; k < stream.length; k += size) {
      got.push(...reader.take(stream.subarray(k, k + size)).map((message) => Buffer.from(message).toString()))
    }
    t.same(got, ['hello', '', 'world'], `in pieces of ${size}`)
    t.equal(reader.pending, 0)
  }
  t.throws(() => unframer(10).take(frameMessage('hello world')), /a message of 11 bytes is announced/)
  t.throws(() => unframer().take(Uint8Array.of(0x40, 0, 0, 0)), RangeError)
})
