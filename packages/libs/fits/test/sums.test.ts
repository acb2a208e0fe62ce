import t from 'tap'
import { onesSum } from '../src/checksum.js'
import { createHeader, encodeFits, isWhole, openFits, readStored, requireWhole, watchWhole } from '../src/index.js'

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

t.test('rows whose sum others make count as if they were seen, and an onlooker gets every byte in order', async (t) => {
  for (const damaged of [false, true]) {
    const file = bytes.slice()
    if (damaged) file[50000]! ^= 1
    const hdu = openFits(file).hdus[0]!
    const seen: Buffer[] = []
    const watch = watchWhole(hdu, (part) => seen.push(Buffer.from(part)))
    // rows of an odd number of 16-bit words, so that the second part begins inside a word; the first rows are not passed
    for (const [first, count] of [
      [101, 150],
      [251, 4211],
    ] as const) {
      const stored = readStored(hdu, { firstRow: 0, rows: 200, plane: 0, into: new Uint8Array(2 * 60000) })
      const part = stored.subarray(2 * first, 2 * (first + count))
      watch.pass!(part, 2 * first, onesSum(part))
    }
    t.equal(watch.end(), !damaged)
    t.same(Buffer.concat(seen), Buffer.from(file))
  }
})

t.test('pixels that are read once more are not counted again', async (t) => {
  for (const damaged of [false, true]) {
    const file = bytes.slice()
    if (damaged) file[50000]! ^= 1
    const hdu = openFits(file).hdus[0]!
    const seen: Buffer[] = []
    const watch = watchWhole(hdu, (part) => seen.push(Buffer.from(part)))
    const into = new Uint8Array(2 * 300 * 50)
    // the last strip is smaller than what fills the last block of the file
    for (const firstRow of [0, 50, 100, 150, 0, 50, 100, 150, 199]) {
      watch.see!(readStored(hdu, { firstRow, rows: Math.min(50, 200 - firstRow), plane: 0, into }))
    }
    t.equal(watch.end(), !damaged)
    t.same(Buffer.concat(seen), Buffer.from(file))
  }
})
