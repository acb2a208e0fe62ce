import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  type Compression,
  createHeader,
  encodeFits,
  type Hdu,
  imageOf,
  openFits,
  readStored,
  textOf,
  verifySums,
  writeFits,
} from '../src/index.js'
import { images } from './sample-images.js'

const noFunpack =
  spawnSync('sh', ['-c', 'command -v funpack']).status === 0 ? false : ('funpack is not installed' as const)

const fileOf = (image: ReturnType<typeof imageOf>) => openFits(encodeFits([image]), { name: 'copy' })
const pictureIn = (file: ReturnType<typeof openFits>) => file.hdus.find(({ kind }) => kind === 'image')!

/** The bytes of the pixels, and what the header says of them. */
function contentOf(hdu: Hdu) {
  const pixels = hdu.axes.reduce((a, b) => a * b, 1)
  const bytes = readStored(hdu, { into: new Uint8Array((pixels * Math.abs(hdu.bitpix)) / 8) })
  const cards = ['BSCALE', 'BZERO', 'BLANK', 'OBJECT'].map((name) => textOf(hdu.header, name))
  return { axes: hdu.axes, bitpix: hdu.bitpix, cards, bytes: Buffer.from(bytes).toString('hex') }
}

t.test(
  'an image is copied as it is stored, whatever its pixels; packed and unpacked it is the same again',
  async (t) => {
    const header = createHeader([['OBJECT', 'M 67']])
    for (const [name, image] of images) {
      const original = pictureIn(openFits(encodeFits([{ ...image, header }])))
      const wanted = contentOf(original)
      const plain = fileOf(imageOf(original))
      t.same(contentOf(pictureIn(plain)), wanted, name)
      const type: Compression['type'] = image.bitpix < 0 || image.bitpix === 64 ? 'GZIP_2' : 'RICE_1'
      const packed = fileOf({ ...imageOf(original), compress: { type } })
      t.ok(pictureIn(packed).compressed, `${name}, packed`)
      const unpacked = fileOf(imageOf(pictureIn(packed)))
      t.same(contentOf(pictureIn(unpacked)), wanted, `${name}, unpacked`)
      for (const file of [plain, packed, unpacked]) {
        t.ok(
          verifySums(file).every(({ datasum, checksum }) => datasum === 'right' && checksum === 'right'),
          `sums of ${name}`,
        )
      }
    }
  },
)

t.test('a cube is copied plane after plane, and one larger than a strip strip after strip', async (t) => {
  const axes = [1021, 307, 3]
  const pixels = Int16Array.from({ length: 1021 * 307 * 3 }, (_, i) => (i * 7919) % 30011)
  const original = pictureIn(openFits(encodeFits([{ kind: 'image', bitpix: 16, axes, pixels }])))
  const packed = fileOf({ ...imageOf(original), compress: { type: 'RICE_1' } })
  t.same(contentOf(pictureIn(fileOf(imageOf(pictureIn(packed))))), contentOf(original))
})

t.test('quantised floats are unpacked to the bytes that funpack makes', { skip: noFunpack }, async (t) => {
  const folder = t.testdir()
  const axes = [501, 203]
  const pixels = Float32Array.from({ length: 501 * 203 }, (_, i) =>
    i % 1009 === 5 ? Number.NaN : 100 + 12 * Math.sin(i * i) + (i % 503 === 3 ? 4e4 : 0),
  )
  for (const dither of ['none', 'SUBTRACTIVE_DITHER_1', 'SUBTRACTIVE_DITHER_2'] as const) {
    const [packed, ours, theirs] = ['fz', 'ours', 'theirs'].map((end) => join(folder, `${dither}.${end}`))
    const compress: Compression = { type: 'RICE_1', quantize: { level: 4, dither, seed: 9999 } }
    writeFits(packed!, [{ kind: 'image', bitpix: -32, axes, pixels, compress }])
    const file = openFits(packed!)
    writeFits(ours!, [imageOf(pictureIn(file))])
    file.close()
    execFileSync('funpack', ['-O', theirs!, packed!])
    const [a, b] = [ours!, theirs!].map((path) => contentOf(pictureIn(openFits(readFileSync(path), { name: path }))))
    t.same(a, b, dither)
  }
})
