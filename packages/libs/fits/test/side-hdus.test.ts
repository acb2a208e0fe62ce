import t from 'tap'
import { createHeader, encodeFits, imageHdu, numberOf, openFits, readTable, sideHdus, textOf } from '../src/index.js'

t.test('tables and headers beside the image are carried into a product as they are', async (t) => {
  const bytes = encodeFits([
    { kind: 'empty' },
    { kind: 'image', name: 'SPECTRUM', bitpix: 16, axes: [2, 2], pixels: Int16Array.of(1, 2, 3, 4) },
    {
      kind: 'table',
      name: 'EXPOSURE_METER',
      header: createHeader([['EMGAIN', 3, 'gain']]),
      rows: 2,
      columns: [
        { name: 'MJD_START', unit: 'd', values: Float64Array.of(58000.1, 58000.2) },
        { name: 'FIB0COUNTS', values: Int32Array.of(5, 7) },
        { name: 'RAW', values: Uint16Array.of(40000, 65535) },
        { name: 'TEMP', format: 'I', scale: 0.5, zero: 10, values: Float64Array.of(11, 12.5) },
        { name: 'EMFLAGS', format: '4A', values: ['ok', 'bad'] },
        { name: 'PAIR', format: '2E', values: Float32Array.of(1, 2, 3, 4) },
      ],
    },
    { kind: 'image', name: 'GUIDER', bitpix: 8, axes: [1, 1], pixels: Uint8Array.of(9) },
    { kind: 'empty', name: 'TELESCOPE_1', header: createHeader([['RA', '12:00:01.5', 'where it pointed']]) },
  ])
  const raw = openFits(bytes)
  const copies = sideHdus(raw, imageHdu(raw))
  const again = openFits(encodeFits([{ kind: 'empty' }, ...copies]))
  t.same(
    again.hdus.map(({ name }) => name),
    ['', 'EXPOSURE_METER', 'TELESCOPE_1'],
    'images stay behind',
  )
  t.same(readTable(again.hdus[1]!), readTable(raw.hdus[2]!))
  t.equal(numberOf(again.hdus[1]!.header, 'EMGAIN'), 3)
  t.equal(textOf(again.hdus[2]!.header, 'RA'), '12:00:01.5')
})
