import t from 'tap'
import { createHeader, encodeFits, isWhole, openFits, requireWhole } from '../src/index.js'

const pixels = Int16Array.from({ length: 300 * 200 }, (_, k) => (k * 7919) % 30000)
const bytes = encodeFits([{ kind: 'image', bitpix: 16, axes: [300, 200], pixels }])

t.test('data that agree with their DATASUM are whole, and so are data without one', async (t) => {
  t.equal(isWhole(openFits(bytes).hdus[0]!), true)
  const without = bytes.slice()
  without.set(Buffer.from('NOTASUM '), Buffer.from(without).indexOf('DATASUM '))
  without[10000]! ^= 1
  t.equal(isWhole(openFits(without).hdus[0]!), true)
  const edited = bytes.slice()
  edited.set(Buffer.from("CHECKSUM= '0000000000000000'"), Buffer.from(edited).indexOf('CHECKSUM'))
  t.equal(isWhole(openFits(edited).hdus[0]!), true, 'an edited header is no damage')
})

t.test('one flipped bit is told; in a file that nightpipe wrote it is an error', async (t) => {
  const flipped = bytes.slice()
  flipped[50000]! ^= 1
  t.equal(requireWhole(openFits(flipped).hdus[0]!), false)
  const header = createHeader([['NP_CMD', 'reduction']])
  const ours = encodeFits([{ kind: 'image', bitpix: 16, axes: [300, 200], pixels, header }])
  t.equal(requireWhole(openFits(ours).hdus[0]!), true)
  ours[50000]! ^= 1
  t.throws(() => requireWhole(openFits(ours, { name: 'x.fits' }).hdus[0]!), {
    message: 'x.fits, HDU 0: the data do not agree with their DATASUM',
  })
})
