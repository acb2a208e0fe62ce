import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURES } from '@nightpipe/testing'
import t from 'tap'
import { noTrigger, paramOf, readVoEvent } from '../src/index.js'
import { voEvent } from './events.js'

t.test('an event of SVOM tells its burst, time and position, whatever the prefix and the version', async (t) => {
  for (const prefix of ['voe:', '', 'v:']) {
    for (const version of ['1.1', '2.0', '2.1']) {
      const text = voEvent({
        prefix,
        version,
        burst: 'sb26010101',
        position: [359.5, -0.25, 0.1],
        params: { SNR: '7.5' },
      })
      const alert = readVoEvent(Buffer.from(text))
      t.match(alert, {
        family: 'svom',
        kind: 'eclairs-wakeup',
        burstId: 'sb26010101',
        version,
        t0: '2026-01-01T00:00:00.000Z',
      })
      t.same(alert.position, { ra: 359.5, dec: -0.25, errorDeg: 0.1, frame: 'ICRS' })
      t.equal(paramOf(alert, 'snr'), '7.5')
      t.equal(noTrigger(alert), undefined)
    }
  }
})

t.test('a burst may stand in the identifier only', async (t) => {
  t.equal(readVoEvent(voEvent({ ivorn: 'ivo://org.svom/fsc#sb22020379_eclairs-3' })).burstId, 'sb22020379')
  t.equal(readVoEvent(voEvent({ ivorn: 'ivo://svom.lal.in2p3.fr/SVOM_Alert#SVOM20220207F603' })).burstId, undefined)
})

t.test('the alert sequence tells when it began; zones are applied', async (t) => {
  const params = { Alert_Seq_T0: '2026-01-01T01:59:50.5+02:00' }
  t.equal(readVoEvent(voEvent({ params })).t0, '2025-12-31T23:59:50.500Z')
  t.equal(readVoEvent(voEvent({ time: '2026-01-01T00:00:00.123456Z' })).t0, '2026-01-01T00:00:00.123Z')
})

t.test('a position that is not known is none', async (t) => {
  const of = (position: [number, number, number]) => readVoEvent(voEvent({ position })).position
  t.equal(of([10, 20, -1]), undefined, 'a radius of -1')
  t.equal(of([10, 20, 180]), undefined, 'all of the sky')
  t.equal(of([0, 0, 0]), undefined, 'zeros')
  t.equal(of([10, 95, 1]), undefined, 'no place of the sky')
  t.same(of([-10, 20, 1]), { ra: 350, dec: 20, errorDeg: 1, frame: 'ICRS' })
})

t.test('what makes no trigger, and why', async (t) => {
  const why = (text: string, more = {}) => noTrigger(readVoEvent(text), more)
  t.match(why(voEvent({ role: 'test' })), /its role is test/)
  t.equal(why(voEvent({ role: 'test' }), { acceptTests: true }), undefined)
  t.match(why(voEvent({ role: 'utility' })), /utility/)
  t.match(
    why(voEvent({ ivorn: 'ivo://gwnet/LVC#S190425z-1-Initial', params: { GraceID: 'S190425z' } })),
    /names no burst/,
  )
  const retraction = voEvent({ ivorn: 'ivo://org.svom/fsc#sb26010101_retraction' })
  t.match(why(retraction), /retracts sb26010101, of which nothing was known/)
  t.equal(why(retraction, { known: true }), undefined)
})

t.test('what is no VOEvent is refused', async (t) => {
  t.throws(() => readVoEvent('<VOTABLE/>'), /a document of type VOTABLE/)
  t.throws(() => readVoEvent('<VOEvent role="observation"/>'), /not an IVO identifier/)
  t.throws(() => readVoEvent(voEvent({ role: 'joke' })), /its role is 'joke'/)
  t.throws(() => readVoEvent(voEvent().slice(0, 300)), /cut short/)
})

const folder = join(FIXTURES, 'voevent')
const skip = existsSync(folder) ? false : `${folder} is absent`

/** What a person reads in them. */
const TOLD: Record<string, object> = {
  'eclairs_296.xml': {
    burstId: 'sb26021102',
    t0: '2026-02-11T19:24:23.604Z',
    position: { ra: 86.9755, dec: -0.4379, errorDeg: 0.1057 },
  },
  'grm_284.xml': { burstId: 'sb26020401', kind: 'grm-trigger', instrument: 'GRM', position: undefined },
  'mxt_48.xml': { burstId: 'sb26040203', kind: 'mxt-initial_qf2', level: 'N2m' },
  'LVC_example_retraction.xml': { family: 'gw', retracts: true, role: 'test', position: undefined },
  'SWIFT_xrt_position_v1.1_example.xml': { family: 'swift', version: '1.1', position: { ra: 314.7162, dec: -53.393 } },
  'Fermi00.xml': { family: 'fermi', position: undefined },
  'IceCube_134191_017593623_0.xml': { family: 'icecube', position: { ra: 143.4519, errorDeg: 0.9201 } },
  'no_namespace_packet.xml': { role: 'test', family: 'other' },
}

t.test('the real events of the fixtures are read', { skip }, async (t) => {
  for (const name of readdirSync(folder)) {
    const alert = readVoEvent(readFileSync(join(folder, name)))
    t.ok(alert.t0, `${name}: ${alert.kind}`)
    t.equal(
      noTrigger(alert) === undefined,
      /^(eclairs|grm|mxt)_/.test(name),
      `${name} ${noTrigger(alert) ?? 'is a trigger'}`,
    )
    for (const [key, value] of Object.entries(TOLD[name] ?? {})) {
      const found = alert[key as keyof typeof alert]
      if (typeof value === 'object') t.match(found, value, `${name} ${key}`)
      else t.equal(found, value, `${name} ${key}`)
    }
  }
})
