import { join } from 'node:path'
import { imageHdu, openFits, readPixels, writeFits } from '@nightpipe/fits'
import { emptyTraces, setColumnsOnDetector, type Traces } from '@nightpipe/spectra'
import t from 'tap'
import { readTraces, tracesHdus } from '../src/index.js'

/** Two orders, of which fibre 0 of the second is not lit. */
function example(): Traces {
  const traces = emptyTraces({ width: 100, height: 60, orders: 2, fibres: 2, terms: 3, rows: 5, blocks: 2 })
  traces.coefficients.set([20.123456789, 2, 1, 10, 2, 1])
  traces.coefficients.set([40, 2, 1], 9)
  for (let k = 0; k < traces.profiles.length; k++) traces.profiles[k] = k / 100
  for (const [order, fibre] of [
    [0, 0],
    [0, 1],
    [1, 1],
  ] as const)
    setColumnsOnDetector(traces, order, fibre)
  traces.first[3] = 7
  traces.firstOrder = 118
  traces.orderStep = -1
  traces.scatter = Float64Array.of(0.01, 0.02, Number.NaN, 0.03)
  traces.error = Float64Array.of(0.001, 0.002, Number.NaN, 0.003)
  traces.profiles.fill(0, 2 * 5, 3 * 5) // unlit, block 0
  traces.profiles.fill(0, (4 + 2) * 5, (4 + 3) * 5)
  return traces
}

t.test('the primary HDU is laid out as the NRES pipeline reads it', async (t) => {
  const path = join(t.testdir({}), 'TRACxyz.fits')
  writeFits(path, tracesHdus(example(), [['ORDWIDTH', 4.5]]))
  const file = openFits(path)
  const image = imageHdu(file)
  t.same(image.axes, [5, 2, 2, 3], 'row or coefficient, order, fibre, coefficients and a plane for each block')
  const pixels = readPixels(image)
  const at = (k: number, order: number, fibre: number, plane: number) =>
    pixels[k + 5 * (order + 2 * (fibre + 2 * plane))]
  t.equal(at(0, 0, 0, 0), Math.fround(20.123456789))
  t.same([at(0, 1, 1, 0), at(1, 1, 1, 0), at(2, 1, 1, 0), at(3, 1, 1, 0)], [40, 2, 1, 0])
  t.same([at(0, 1, 0, 0), at(2, 1, 0, 1)], [0, 0], 'a fibre without light is zero')
  t.equal(at(4, 1, 1, 2), Math.fround(example().profiles[(4 + 3) * 5 + 4]!))
  file.close()
})

t.test('traces are read as they were written, to the last bit', async (t) => {
  const path = join(t.testdir({}), 'trace.fits')
  const traces = example()
  const values = Float32Array.from({ length: 2 * 2 * 2 * 51 }, (_, k) => k / 3)
  writeFits(path, tracesHdus({ ...traces, fine: { perRow: 10, samples: 51, values } }))
  const read = readTraces(path)
  t.same(read.profiles, Float64Array.from(traces.profiles, Math.fround))
  t.same({ ...read, profiles: 0, fine: 0 }, { ...traces, profiles: 0, fine: 0 })
  t.same([read.fine!.perRow, read.fine!.samples, [...read.fine!.values]], [10, 51, [...values]])
})

t.test('a file of the NRES pipeline has only the first HDU, and columns then follow from the rows', async (t) => {
  const path = join(t.testdir({}), 'trace.fits')
  const [primary] = tracesHdus(example())
  writeFits(path, [primary!])
  const read = readTraces(path, { firstOrder: 52, orderStep: 1 })
  t.equal(read.first[3], 0)
  t.equal(read.last[3], 99)
  t.equal(read.last[2], -1)
  t.ok(Number.isNaN(read.coefficients[6]))
  t.equal(read.height, 60)
})
