import t from 'tap'
import { encodeFits, imageHdu, type NewImage, openFits, readIntegers, readPixels, readPixels64 } from '../src/index.js'

const width = 37
const height = 11
const count = width * height

/** One image of each kind of pixels, up to both ends of its range. */
const images: [string, NewImage][] = (
  [
    ['bytes', { bitpix: 8, pixels: Uint8Array.from({ length: count }, (_, i) => 255 - i) }],
    ['signed bytes', { bitpix: 8, unsigned: true, pixels: Int8Array.from({ length: count }, (_, i) => i) }],
    ['int16', { bitpix: 16, pixels: Int16Array.from({ length: count }, (_, i) => 32767 - 161 * i) }],
    ['uint16', { bitpix: 16, unsigned: true, pixels: Uint16Array.from({ length: count }, (_, i) => 65535 - 161 * i) }],
    ['int32', { bitpix: 32, pixels: Int32Array.from({ length: count }, (_, i) => 2 ** 31 - 1 - 1e7 * i) }],
    [
      'uint32',
      { bitpix: 32, unsigned: true, pixels: Uint32Array.from({ length: count }, (_, i) => 2 ** 32 - 1 - 1e7 * i) },
    ],
    ['float32', { bitpix: -32, pixels: Float32Array.from({ length: count }, (_, i) => (i % 7 ? 1 / i : Number.NaN)) }],
    ['float64', { bitpix: -64, pixels: Float64Array.from({ length: count }, (_, i) => Math.exp(i) / 3) }],
  ] as const
).map(([name, image]) => [name, { kind: 'image', axes: [width, height], ...image }])

for (const [name, image] of images) {
  t.test(`${name} pixels come back as they were written`, async (t) => {
    const hdu = imageHdu(openFits(encodeFits([image])))
    t.same(readPixels64(hdu), Float64Array.from(image.pixels as Float64Array))
    t.same(
      readPixels(hdu, { firstRow: 3, rows: 2 }),
      Float32Array.from(image.pixels as Float32Array).subarray(3 * width, 5 * width),
    )
    if (image.bitpix === 8 || image.bitpix === 16) t.same([...readIntegers(hdu)], [...(image.pixels as Int16Array)])
  })
}
