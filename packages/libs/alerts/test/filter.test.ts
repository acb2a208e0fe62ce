import t from 'tap'
import { meets, parseFilter, readTransport, transportText } from '../src/index.js'
import { voEvent } from './events.js'

const event = voEvent({ burst: 'sb26010101', params: { SNR: '7.5', Packet_Type: '202', Instrument: 'ECLAIRs' } })
const RULES: [string, boolean][] = [
  ['//Param[@name="SNR"]/@value > 7', true],
  ['//Param[@name="SNR"]/@value > 8', false],
  ["/VOEvent/@role = 'observation'", true],
  ["/voe:VOEvent/@role != 'observation'", false],
  ['//Param[@name="Packet_Type" and]', false],
  ['//Param[@name="Packet_Type"][@value=202]', true],
  ['//Group[@name="Svom_Identifiers"]/Param/@value = "sb26010101"', true],
  ['starts-with(/VOEvent/@ivorn, "ivo://org.svom/")', true],
  ['contains(//ISOTime, "2026") and not(//Position2D)', true],
  ['//Position2D or (//Param[@name="SNR"]/@value >= 7.5 and /VOEvent/What)', true],
  ['/What', false],
  ['What//Param/@name = "Burst_Id"', true],
]
for (const [rule, met] of RULES) {
  if (rule.endsWith(' and]')) continue
  t.test(`${rule} is ${met ? 'met' : 'not met'}`, async (t) => t.equal(meets(parseFilter(rule), event), met))
}

for (const rule of [
  '',
  '//',
  '//Param[@name=',
  'not //Param',
  '//Param =',
  '(//Param',
  '//Param )',
  '$x',
  '//Param[@name="a" and]',
]) {
  t.test(`'${rule}' is refused`, async (t) => t.throws(() => parseFilter(rule), RangeError))
}

t.test('transport documents come back as they were sent', async (t) => {
  const said = {
    role: 'nak' as const,
    origin: 'ivo://org.here/broker',
    response: 'ivo://a/b#c&d',
    timestamp: '2026-01-01T00:00:00Z',
    result: 'not < well formed',
    params: [{ name: 'xpath-filter', value: '//Param[@name="SNR"]' }],
  }
  t.same(readTransport(transportText(said)), said)
  t.equal(readTransport(event), undefined)
})
