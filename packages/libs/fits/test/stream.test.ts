import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  type Compression,
  createFits,
  createHeader,
  encodeFits,
  type NewHdu,
  type NewImage,
  openFits,
  readFrame,
  readPixels,
  verifySums,
  writeFits,
  writeFitsBehind,
  writeStrip,
} from '../src/index.js'

const width = 101
const height = 67
const noise = Float32Array.from({ length: width * height }, (_, i) => 100 + 30 * Math.sin(i * i) + (i % width))
const mask = Int16Array.from(noise, (value) => (value > 220 ? 2 : 0))

/** The three images of a product; without pixels, to be streamed. */
function product(withPixels: boolean, compress?: Compression): NewImage[] {
  const header = createHeader([
    ['BUNIT', 'adu'],
    ['LEVEL', 0, 'set at the end'],
  ])
  const axes = [width, height]
  const image = (one: Partial<NewImage>, pixels: NewImage['pixels']) => {
    const lossless = one.bitpix === 16 && compress ? { type: compress.type } : compress
    return {
      kind: 'image',
      bitpix: -32,
      axes,
      ...one,
      ...(withPixels && { pixels }),
      ...(compress && { compress: lossless }),
    } as NewImage
  }
  return [image({ header }, noise), image({ name: 'ERR' }, noise), image({ name: 'MASK', bitpix: 16 }, mask)]
}

const table: NewHdu = {
  kind: 'table',
  name: 'PROVENANCE',
  columns: [{ name: 'PARENT', values: ['a.fits', 'b.fits'] }],
  rows: 2,
}
const rice: Compression = { type: 'RICE_1', quantize: { level: 16, dither: 'SUBTRACTIVE_DITHER_1', seed: 7 } }

/** The product with its level set, as one file. */
function whole(compress?: Compression): Uint8Array {
  const images = product(true, compress)
  images[0]!.header = createHeader([
    ['BUNIT', 'adu'],
    ['LEVEL', 42.5, 'set at the end'],
  ])
  return encodeFits([...images, table])
}

for (const [how, compress] of [
  ['plain', undefined],
  ['Rice-compressed', rice],
] as const) {
  t.test(`a ${how} file written by strips in any order has the bytes of one written at once`, async (t) => {
    const path = join(t.testdir(), 'product.fits')
    const writer = createFits(path, product(false, compress))
    for (const first of [40, 0, 60, 20]) {
      const rows = noise.subarray(first * width, (first + 20) * width)
      writer.writeRows(0, first, rows)
      writer.addSum(1, writeStrip(writer.plan, 1, first, rows))
      writer.writeRows(2, first, mask.subarray(first * width, (first + 20) * width))
    }
    writer.setCard(0, 'LEVEL', 42.5)
    t.throws(() => writer.setCard(0, 'ABSENT', 1), RangeError)
    writer.finish([table])
    t.ok(Buffer.from(whole(compress)).equals(readFileSync(path)))
    const file = openFits(path)
    t.ok(verifySums(file).every((one) => one.checksum === 'right' && one.datasum === 'right'))
    file.close()
    t.same(readdirSync(join(path, '..')), ['product.fits'], 'nothing else is left in the folder')
  })
}

t.test('threads write strips of one file, and the sums are right', async (t) => {
  const path = join(t.testdir(), 'threads.fits')
  const writer = createFits(path, product(false))
  const script = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { writeStrip } = await import(workerData.fits)
    const { plan, noise, mask, width } = workerData
    for (const first of workerData.firsts) {
      const part = (pixels) => pixels.subarray(first * width, (first + 10) * width)
      for (const [k, pixels] of [noise, noise, mask].entries()) parentPort.postMessage([k, writeStrip(plan, k, first, part(pixels))])
    }`
  const fits = new URL('../src/index.js', import.meta.url).href
  const work = [
    [0, 20, 40, 60],
    [10, 30, 50],
  ].map(
    (firsts) =>
      new Promise<void>((resolve, reject) => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
          workerData: { fits, plan: writer.plan, noise, mask, width, firsts },
          execArgv: [],
        })
        worker.on('message', ([k, sum]) => writer.addSum(k, sum))
        worker.on('error', reject)
        worker.on('exit', () => resolve())
      }),
  )
  await Promise.all(work)
  writer.setCard(0, 'LEVEL', 42.5)
  writer.finish([table])
  t.ok(Buffer.from(whole()).equals(readFileSync(path)))
})

t.test('a file that is given up leaves nothing', async (t) => {
  const folder = t.testdir()
  for (const compress of [undefined, rice]) {
    const writer = createFits(join(folder, 'x.fits'), product(false, compress))
    writer.writeRows(0, 0, noise)
    writer.discard()
    writer.discard()
  }
  t.same(readdirSync(folder), [])
})

t.test('rows outside the image and pixels that do not fit are refused', async (t) => {
  const folder = t.testdir()
  const writer = createFits(join(folder, 'x.fits'), product(false))
  t.throws(() => writeStrip(writer.plan, 0, 60, noise.subarray(0, 10 * width)), RangeError)
  t.throws(() => writeStrip(writer.plan, 0, 0, noise.subarray(0, 10)), RangeError)
  t.throws(() => writeStrip(writer.plan, 3, 0, noise), RangeError)
  t.throws(
    () => writer.writeRows(2, 0, Float32Array.of(40000, ...new Array(width - 1).fill(0))),
    /pixel value 40000 does not fit/,
  )
  t.same(readdirSync(folder), [], 'and what was begun is removed')
})

t.test('a folder that is not there is one line', async (t) => {
  t.throws(() => writeFits(join(t.testdir(), 'no/such/x.fits'), product(true)), { name: 'DataError' })
  t.throws(() => openFits(join(t.testdir(), 'absent.fits')), { name: 'DataError' })
})

t.test('a frame comes with its error and its mask, whole or by rows', async (t) => {
  const path = join(t.testdir(), 'product.fits')
  writeFits(path, product(true))
  const frame = readFrame(path)
  t.same([frame.name, frame.width, frame.height, frame.path], ['product.fits', width, height, path])
  t.same(frame.pixels, noise)
  t.same(frame.error, noise)
  t.same(frame.mask, mask)
  const part = readFrame(path, { firstRow: 5, rows: 2 })
  t.equal(part.height, 2)
  t.same(part.mask, mask.subarray(5 * width, 7 * width))
})

t.test('an error plane of another shape is refused', async (t) => {
  const images = product(true)
  const odd = { ...images[1]!, axes: [height, width] }
  t.throws(() => readFrame(openFits(encodeFits([images[0]!, odd]))), /ERR is 67x101 but the image is 101x67/)
})

t.test('a plane of a cube is read alone', async (t) => {
  const pixels = Float32Array.from({ length: 24 }, (_, i) => i)
  const hdu = openFits(encodeFits([{ kind: 'image', bitpix: -32, axes: [3, 4, 2], pixels }])).hdus[0]!
  t.same(readPixels(hdu), pixels)
  t.same(readPixels(hdu, { plane: 1 }), pixels.subarray(12))
  t.same(readPixels(hdu, { plane: 1, firstRow: 2, rows: 1 }), pixels.subarray(18, 21))
  t.throws(() => readPixels(hdu, { plane: 2 }), RangeError)
})

t.test(
  'a file that is flushed behind has the same bytes, and its pixels may be given up before it is there',
  async (t) => {
    const folder = t.testdir({ sub: {} })
    const [path, other] = [join(folder, 'a.fits'), join(folder, 'b.fits')]
    writeFits(path, product(true))
    const planes = product(true).map((image) => ({ ...image, pixels: image.pixels!.slice() as Float32Array }))
    const done = writeFitsBehind(other, planes)
    for (const { pixels } of planes) pixels.fill(0)
    await done
    t.equal(Buffer.compare(readFileSync(other), readFileSync(path)), 0)
    await t.rejects(writeFitsBehind(join(folder, 'sub'), product(true)), { message: /sub: it is not a plain file$/ })
    t.same(readdirSync(folder).sort(), ['a.fits', 'b.fits', 'sub'])
  },
)
