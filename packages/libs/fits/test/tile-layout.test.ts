import t from 'tap'
import type { CardValue } from '../src/header.js'
import { encodeFits, FitsError, type NewImage, openFits, readPixels64 } from '../src/index.js'
import { compressImage, readTiledRows, TileError, tiledImage, tileLayout } from '../src/tile/index.js'
import type { TileOptions } from '../src/tile/write.js'

const AXES = [30, 7]
const PIXELS = AXES[0] * AXES[1]

/** A compressed image in parts that a test can change: its keywords, the rows of its table, its heap. */
function parts(bitpix: 16 | -32, options: TileOptions) {
  const plain = new Uint8Array((PIXELS * Math.abs(bitpix)) / 8)
  const view = new DataView(plain.buffer)
  for (let i = 0; i < PIXELS; i++) {
    const value = 100 + ((i * 7919) % 61) + (bitpix < 0 ? 0.25 * (i % 3) : 0)
    if (bitpix === 16) view.setInt16(2 * i, value)
    else view.setFloat32(4 * i, i === 40 ? Number.NaN : value)
  }
  const rows = (first: number, into: Uint8Array) => {
    const at = (first * plain.length) / AXES[1]
    into.set(plain.subarray(at, at + into.length))
  }
  const cards = [
    { keyword: 'XTENSION', value: 'IMAGE', comment: '' },
    { keyword: 'BITPIX', value: bitpix, comment: '' },
    { keyword: 'NAXIS', value: 2, comment: '' },
    ...AXES.map((length, k) => ({ keyword: `NAXIS${k + 1}`, value: length, comment: '' })),
  ]
  const made = compressImage({ cards, bitpix, axes: AXES, rows }, options)
  const keywords = new Map<string, CardValue>(made.cards.map((card) => [card.keyword, card.value]))
  const rowBytes = Number(keywords.get('NAXIS1'))
  const count = Number(keywords.get('NAXIS2'))
  const table = Array.from({ length: count }, (_, k) => made.bytes.slice(k * rowBytes, (k + 1) * rowBytes))
  return { plain, keywords, table, heap: made.bytes.slice(rowBytes * count) }
}

type Parts = ReturnType<typeof parts>

/** The image that the parts make, all of it. */
function read({ keywords, table, heap }: Parts): Uint8Array {
  const bytes = Uint8Array.from(Buffer.concat([...table, heap]))
  const source = {
    bytes: bytes.length,
    read: (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)),
  }
  const image = tiledImage(
    tileLayout((keyword) => keywords.get(keyword)),
    source,
  )
  const out = new Uint8Array(image.layout.lines * image.layout.lineBytes)
  readTiledRows(image, 0, image.layout.lines, out)
  return out
}

const RICE: TileOptions = { type: 'RICE_1' }
const QUANTISED: TileOptions = {
  type: 'RICE_1',
  quantize: { level: 16, dither: 'SUBTRACTIVE_DITHER_1', seed: 3 },
}

t.test('RICE_ONE is RICE_1', async (t) => {
  const made = parts(16, RICE)
  made.keywords.set('ZCMPTYPE', 'RICE_ONE')
  t.same(read(made), made.plain)
})

t.test('descriptors of 64 bits, and a gap between the table and the heap', async (t) => {
  const made = parts(16, RICE)
  const wide = made.table.map((row) => {
    const [from, to] = [new DataView(row.buffer), new DataView(new ArrayBuffer(16))]
    to.setBigInt64(0, BigInt(from.getInt32(0)))
    to.setBigInt64(8, BigInt(from.getInt32(4)))
    return new Uint8Array(to.buffer)
  })
  made.keywords.set('TFORM1', '1QB(99)').set('NAXIS1', 16)
  t.same(read({ ...made, table: wide }), made.plain)
  made.keywords.set('THEAP', 16 * wide.length + 100)
  t.same(read({ ...made, table: wide, heap: Uint8Array.from([...new Uint8Array(100), ...made.heap]) }), made.plain)
})

t.test('tiles may lie in the heap in any order, and share their bytes', async (t) => {
  const made = parts(16, RICE)
  const shuffled = made.table.map((row) => Uint8Array.from(row))
  const pieces: Uint8Array[] = []
  let at = 0
  for (const k of [5, 0, 6, 1, 4, 2, 3]) {
    const view = new DataView(shuffled[k].buffer)
    const [bytes, pointer] = [view.getInt32(0), view.getInt32(4)]
    view.setInt32(4, at)
    pieces.push(made.heap.slice(pointer, pointer + bytes))
    at += bytes
  }
  t.same(read({ ...made, table: shuffled, heap: Uint8Array.from(Buffer.concat(pieces)) }), made.plain)
  const same = { ...made, table: made.table.map(() => made.table[2]) }
  const line = made.plain.slice(2 * 60, 3 * 60)
  t.same(read(same), Uint8Array.from(Buffer.concat(Array(7).fill(line))))
})

t.test('one scale and zero for all tiles stand in keywords', async (t) => {
  const made = parts(-32, { type: 'RICE_1', tile: [30, 7], quantize: QUANTISED.quantize })
  const expected = read(made)
  const row = new DataView(made.table[0].buffer)
  made.keywords.set('ZSCALE', row.getFloat64(8)).set('ZZERO', row.getFloat64(16))
  made.keywords.set('TFIELDS', 1).set('NAXIS1', 8)
  t.same(read({ ...made, table: [made.table[0].slice(0, 8)] }), expected)
})

t.test('each tile may have its own integer for NaN, in a column', async (t) => {
  const made = parts(-32, QUANTISED)
  const expected = read(made)
  made.keywords.delete('ZBLANK')
  made.keywords.set('TFIELDS', 4).set('TTYPE4', 'ZBLANK').set('TFORM4', '1J').set('NAXIS1', 28)
  const table = made.table.map((row) => Uint8Array.from([...row, 0x80, 0, 0, 1]))
  t.same(read({ ...made, table }), expected)
})

t.test('a tile without compressed data is taken from UNCOMPRESSED_DATA', async (t) => {
  const made = parts(16, RICE)
  made.keywords.set('TFIELDS', 2).set('TTYPE2', 'UNCOMPRESSED_DATA').set('TFORM2', '1PI(30)').set('NAXIS1', 16)
  const table = made.table.map((row, k) => {
    const view = new DataView(new ArrayBuffer(16))
    if (k !== 3) new Uint8Array(view.buffer).set(row)
    else {
      view.setInt32(8, 30)
      view.setInt32(12, made.heap.length)
    }
    return new Uint8Array(view.buffer)
  })
  const heap = Uint8Array.from([...made.heap, ...made.plain.slice(3 * 60, 4 * 60)])
  t.same(read({ ...made, table, heap }), made.plain)
})

t.test('the sizes of compressed and of stored pixels may differ', async (t) => {
  // Old files say ZBITPIX 16 and nothing of BYTEPIX, which is then 4.
  const made = parts(16, { type: 'GZIP_1' })
  made.keywords.set('ZBITPIX', 32)
  const wide = read(made)
  const view = new DataView(wide.buffer)
  const stored = new DataView(made.plain.buffer)
  for (let i = 0; i < PIXELS; i++) if (view.getInt32(4 * i) !== stored.getInt16(2 * i)) t.fail(`pixel ${i}`)
  made.keywords.set('ZBITPIX', 16)
  t.same(read(made), made.plain)
})

t.test('what is wrong with a table of tiles is said of its tile', async (t) => {
  const lies: [(made: Parts) => void, RegExp][] = [
    [({ table }) => new DataView(table[4].buffer).setInt32(0, 0), /tile 5 of 7: no data/],
    [({ table }) => new DataView(table[4].buffer).setInt32(0, -5), /tile 5 of 7: a descriptor of -5 elements/],
    [({ table }) => new DataView(table[4].buffer).setInt32(4, 1 << 30), /tile 5 of 7: data at bytes/],
    [({ table }) => new DataView(table[0].buffer).setInt32(0, 2), /tile 1 of 7: 2 bytes of RICE_1 data, 3 needed/],
    [({ keywords }) => keywords.set('ZCMPTYPE', 'BZIP2_1'), /ZCMPTYPE 'BZIP2_1' is not one of/],
    [({ keywords }) => keywords.set('ZTILE1', 15), /7 rows for 14 tiles/],
    [({ keywords }) => keywords.set('TFORM1', '1J'), /not of variable length/],
    [({ keywords }) => keywords.set('THEAP', 3), /THEAP 3 lies inside the table/],
    [({ keywords }) => keywords.set('ZVAL1', 0), /ZVAL1 is 0/],
    [({ keywords }) => keywords.set('ZVAL2', 3), /BYTEPIX is 3/],
    [({ keywords }) => keywords.delete('ZNAXIS2'), /no ZNAXIS2/],
  ]
  for (const [lie, message] of lies) {
    const made = parts(16, RICE)
    lie(made)
    t.throws(() => read(made), message)
    t.throws(() => read(made), TileError)
  }
})

const compressed = (image: Omit<NewImage, 'kind'>) => openFits(encodeFits([{ kind: 'image', ...image }]), { name: 'x' })

t.test('64-bit integers are gzipped without loss', async (t) => {
  for (const type of ['GZIP_1', 'GZIP_2'] as const) {
    const pixels = BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i) ** 15n - 7n)
    const file = compressed({ bitpix: 64, axes: [4, 3], pixels, compress: { type } })
    t.same(readPixels64(file.hdus[1]!), Float64Array.from(pixels, Number))
  }
})

t.test('an image without pixels, one of one pixel, and a line are compressed and read', async (t) => {
  for (const axes of [[0, 5], [5, 0], [1, 1], [1], [77], [1, 9]]) {
    const n = axes.reduce((a, b) => a * b)
    const pixels = Int16Array.from({ length: n }, (_, i) => 3 * i)
    const file = compressed({ bitpix: 16, axes, pixels, compress: { type: 'RICE_1' } })
    t.same(file.hdus[1]!.axes, axes)
    t.same(readPixels64(file.hdus[1]!), Float64Array.from(pixels), axes.join('x'))
  }
})

t.test('what an algorithm cannot hold is refused before anything is written', async (t) => {
  const [axes, floats] = [[8, 8], new Float32Array(64)]
  const quantize = { level: 4, dither: 'none', seed: 1 } as const
  const wrong: [Omit<NewImage, 'kind'>, RegExp][] = [
    [{ bitpix: -32, axes, pixels: floats, compress: { type: 'RICE_1' } }, /floats only when they are quantized/],
    [{ bitpix: -32, axes, pixels: floats, compress: { type: 'PLIO_1', quantize } }, /PLIO_1 holds integers only/],
    [{ bitpix: 64, axes, pixels: floats, compress: { type: 'RICE_1' } }, /cannot hold 64-bit integers/],
    [
      { bitpix: 16, axes, pixels: floats.map(() => -1), compress: { type: 'PLIO_1' } },
      /pixels of 0 to 16777215, not -1/,
    ],
    [{ bitpix: 16, axes: [64], pixels: floats, compress: { type: 'HCOMPRESS_1' } }, /tiles of two dimensions/],
    [{ bitpix: -32, axes, pixels: floats, compress: { type: 'RICE_1', quantize: { ...quantize, seed: 0 } } }, /seed 0/],
  ]
  for (const [image, message] of wrong) t.throws(() => compressed(image), message)
})

t.test('an error in a file names the file, the HDU and the tile', async (t) => {
  const pixels = Int16Array.from({ length: 200 }, (_, i) => i % 17)
  const bytes = encodeFits([{ kind: 'image', bitpix: 16, axes: [20, 10], pixels, compress: { type: 'RICE_1' } }])
  const { dataStart } = openFits(bytes).hdus[1]!
  new DataView(bytes.buffer).setInt32(dataStart + 8 * 6, 2)
  const hdu = openFits(bytes, { name: 'm67.fits.fz' }).hdus[1]!
  t.throws(() => readPixels64(hdu), /^m67\.fits\.fz, HDU 1: tile 7 of 10: 2 bytes of RICE_1 data/)
  t.throws(() => readPixels64(hdu), FitsError)
  t.same(
    readPixels64(hdu, { firstRow: 0, rows: 6 }),
    Float64Array.from(pixels.slice(0, 120)),
    'the tiles before it are read',
  )
})
