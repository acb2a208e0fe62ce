import t from 'tap'
import { encodeFits, openFits, requireWhole } from '../src/index.js'

const pixels = Int16Array.from({ length: 300 * 200 }, (_, k) => (k * 7919) % 30000)
const bytes = encodeFits([{ kind: 'image', bitpix: 16, axes: [300, 200], pixels }])

t.test('data that agree with their DATASUM are whole, and so are data without one', async (t) => {
  requireWhole(openFits(bytes).hdus[0]!)
  const without = bytes.slice()
  without.set(Buffer.from('NOTASUM '), Buffer.from(without).indexOf('DATASUM '))
  without[10000]! ^= 1
  requireWhole(openFits(without).hdus[0]!)
  t.pass('neither throws')
})

t.test('one flipped bit of the data is told, an edited header is not', async (t) => {
  const flipped = bytes.slice()
  flipped[50000]! ^= 1
  t.throws(() => requireWhole(openFits(flipped, { name: 'x.fits' }).hdus[0]!), {
    message: 'x.fits, HDU 0: the data do not agree with their DATASUM',
  })
  const edited = bytes.slice()
  edited.set(Buffer.from("CHECKSUM= '0000000000000000'"), Buffer.from(edited).indexOf('CHECKSUM'))
  requireWhole(openFits(edited).hdus[0]!)
})
