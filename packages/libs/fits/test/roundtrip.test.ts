import t from 'tap'
import {
  encodeFits,
  imageHdu,
  type NewImage,
  openFits,
  readBigIntegers,
  readIntegers,
  readPixels,
  readPixels64,
} from '../src/index.js'
import { images, width } from './sample-images.js'

for (const [name, image] of images) {
  t.test(`${name} pixels come back as they were written`, async (t) => {
    const hdu = imageHdu(openFits(encodeFits([image])))
    t.same(readPixels64(hdu), Float64Array.from(image.pixels as Float64Array, Number))
    t.same(
      readPixels(hdu, { firstRow: 3, rows: 2 }),
      Float32Array.from(image.pixels as Float32Array, Number).subarray(3 * width, 5 * width),
    )
    if (name !== 'scaled int16' && (image.bitpix === 8 || image.bitpix === 16))
      t.same([...readIntegers(hdu)], [...(image.pixels as Int16Array)])
    if (image.bitpix === 64) t.same(readBigIntegers(hdu), image.pixels)
  })

  t.test(`${name} pixels that are read and written again give the same bytes`, async (t) => {
    const bytes = encodeFits([image])
    const hdu = imageHdu(openFits(bytes))
    const pixels = image.bitpix === 64 ? readBigIntegers(hdu) : readPixels64(hdu)
    t.same(encodeFits([{ ...image, header: hdu.header, pixels }]), bytes)
  })
}

t.test('pixels that do not fit are refused', async (t) => {
  const write = (image: Partial<NewImage>) => () =>
    encodeFits([{ kind: 'image', axes: [1], bitpix: 16, ...image } as NewImage])
  t.throws(write({ pixels: Float32Array.of(40000) }), /pixel value 40000 does not fit in BITPIX 16/)
  t.throws(
    write({ unsigned: true, pixels: Int16Array.of(-1) }),
    /pixel value -1 does not fit in BITPIX 16 with BZERO 32768/,
  )
  t.throws(write({ pixels: Float32Array.of(Number.NaN) }), /NaN needs a blank value/)
  t.throws(write({ bitpix: 64, pixels: BigUint64Array.of(2n ** 63n) }), /does not fit/)
  t.throws(write({ bitpix: 64, pixels: Float64Array.of(Number.POSITIVE_INFINITY) }), /does not fit/)
  t.throws(write({ bitpix: -32, unsigned: true, pixels: Float32Array.of(1) }), /only integers do/)
  t.throws(write({ pixels: new Int16Array(2) }), /2 pixels for an image of 1/)
  t.throws(write({ axes: [] as number[], pixels: new Int16Array(0) }), /an image of axes \[\]/)
})

t.test('integers that do not fit in what is asked for are refused', async (t) => {
  const hdu = imageHdu(
    openFits(
      encodeFits([{ kind: 'image', axes: [2, 1], bitpix: 16, unsigned: true, pixels: Uint16Array.of(1, 65535) }]),
    ),
  )
  t.same(readIntegers(hdu), Int32Array.of(1, 65535))
  t.throws(() => readIntegers(hdu, { into: new Int16Array(2) }), /pixel value 65535 does not fit in 16 bits/)
})
