import { closeSync, ftruncateSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { encodeFits, FitsError, imageHdu, openFits, readPixels, readPixels64, verifySums } from '../src/index.js'
import { cpuSeconds } from './fuzz/cpu.js'
import { dataBlock, fileOfLines, headerBlock, line, minimal } from './raw.js'

const image = encodeFits([
  { kind: 'image', bitpix: 16, axes: [50, 40], pixels: Int16Array.from({ length: 2000 }, (_, i) => i) },
  { kind: 'image', name: 'ERR', bitpix: -32, axes: [50, 40], pixels: new Float32Array(2000) },
])

const FOREIGN: [string, Buffer, RegExp][] = [
  ['an empty file', Buffer.alloc(0), /x.fits: is empty/],
  ['zeros', Buffer.alloc(10000), /begins with zeros/],
  ['a text file', Buffer.from('name,flux\nvega,1\n'), /is a text file, not FITS/],
  ['a web page', Buffer.from('<!DOCTYPE html>\n<html>404'), /is a web page/],
  ['a bzip2 file', Buffer.from('BZh91AY&SY'), /is a bzip2 file, not FITS/],
  ['an LZW file', Buffer.from([0x1f, 0x9d, 0x90, 1]), /LZW/],
  ['a zip archive', Buffer.from('PK\x03\x04....'), /is a zip archive/],
  ['an LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS pointer/],
  ['an extension alone', headerBlock(["XTENSION= 'IMAGE   '"]), /primary HDU is missing/],
  ['noise', Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 2654435761) & 255)), /does not begin with SIMPLE/],
  ['gzipped text', gzipSync('hello\n'), /inside the gzip: is a text file/],
  ['half a gzip', gzipSync(image).subarray(0, 900), /the gzip is damaged/],
  ['gzip in name only', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), /gzip/],
]

for (const [what, bytes, message] of FOREIGN) {
  t.test(`${what} is named and refused`, async (t) => {
    t.throws(() => openFits(bytes, { name: 'x.fits' }), { name: 'FitsError', message })
  })
}

t.test('a gzip is read whatever its name is', async (t) => {
  const path = join(t.testdir(), 'plain.fits')
  writeFileSync(path, gzipSync(image))
  const file = openFits(path)
  t.equal(readPixels(file.hdus[0]!)[1999], 1999)
  t.ok(verifySums(file).every((one) => one.checksum === 'right'))
  file.close()
})

const HEADERS: [string, string[], RegExp][] = [
  ['BITPIX missing', [minimal[0]!, line('NAXIS', 0)], /HDU 0, byte 0: BITPIX is undefined/],
  ['BITPIX 12', [minimal[0]!, line('BITPIX', 12), line('NAXIS', 0)], /BITPIX is 12, not one of/],
  ['NAXIS missing', minimal.slice(0, 2), /NAXIS is missing/],
  ['NAXIS negative', [...minimal.slice(0, 2), line('NAXIS', -1)], /NAXIS is -1, not a count/],
  ['NAXIS 1000', [...minimal.slice(0, 2), line('NAXIS', 1000)], /NAXIS is 1000, more than 999/],
  ['an axis missing', [...minimal.slice(0, 2), line('NAXIS', 2), line('NAXIS1', 3)], /NAXIS2 is missing/],
  ['an axis negative', [...minimal.slice(0, 2), line('NAXIS', 1), line('NAXIS1', -3)], /NAXIS1 is -3/],
  ['an axis fractional', [...minimal.slice(0, 2), line('NAXIS', 1), line('NAXIS1', 2.5)], /NAXIS1 is 2.5/],
  [
    'an axis beyond all numbers',
    [...minimal.slice(0, 2), line('NAXIS', 1), line('NAXIS1', '9'.repeat(19))],
    /NAXIS1 is 9+/,
  ],
  [
    'axes whose product overflows',
    [...minimal.slice(0, 2), line('NAXIS', 3), ...[1, 2, 3].map((k) => line(`NAXIS${k}`, 2 ** 31))],
    /more than any file can/,
  ],
  [
    'more data than bytes',
    [...minimal.slice(0, 2), line('NAXIS', 1), line('NAXIS1', 1e12)],
    /promises 1000000000000 bytes of data/,
  ],
]

for (const [what, lines, message] of HEADERS) {
  t.test(`${what}: refused, with HDU and byte`, async (t) => {
    t.throws(() => openFits(fileOfLines(lines), { name: 'x.fits' }), { name: 'FitsError', message })
  })
}

t.test('a file cut anywhere says in which HDU and at which byte, or is whole', async (t) => {
  for (let size = 0; size < image.length; size += 517) {
    try {
      const file = openFits(image.subarray(0, size), { name: 'x.fits' })
      // Only the fill behind the last data may be missing, or the second HDU as a whole.
      t.ok(size >= 8640 - 1760, `${size} bytes`)
      t.equal(readPixels64(imageHdu(file)).length, 2000)
    } catch (error) {
      t.ok(error instanceof FitsError && /x.fits(, HDU \d, byte \d+)?: /.test(error.message), `${size} bytes: ${error}`)
    }
  }
})

t.test('what follows the last HDU does not matter', async (t) => {
  const junk = Buffer.concat([image, Buffer.from('junk behind the end')])
  t.equal(openFits(junk).hdus.length, 2)
})

t.test('an extension whose first card is damaged is not passed over in silence', async (t) => {
  const damaged = Uint8Array.from(image)
  damaged[8640]! ^= 1
  t.throws(() => openFits(damaged), /HDU 1, byte 8640: the header of an extension does not begin with XTENSION/)
})

t.test('a pipe or a folder is not waited for', async (t) => {
  t.throws(() => openFits(t.testdir()), /is not a file/)
})

t.test('fill that is missing behind the last data does not matter', async (t) => {
  const file = openFits(image.subarray(0, image.length - 2880 + (8000 % 2880)))
  t.equal(readPixels(file.hdus[1]!).length, 2000)
  t.ok(verifySums(file).every((one) => one.checksum === 'right'))
})

t.test('one changed byte is noticed by the sums', async (t) => {
  const damaged = Uint8Array.from(image)
  damaged[3000]! ^= 4
  t.same(verifySums(openFits(damaged)), [
    { hdu: 0, checksum: 'wrong', datasum: 'wrong' },
    { hdu: 1, checksum: 'right', datasum: 'right' },
  ])
})

t.test('a header without END is refused, however long the file', async (t) => {
  const endless = headerBlock([...minimal, ...Array.from({ length: 33 }, (_, k) => `COMMENT ${k}`)], false)
  t.throws(() => openFits(endless), /HDU 0, byte 2880: the header has no END card/)
  const path = join(t.testdir(), 'sparse.fits')
  writeFileSync(path, endless)
  truncateSync(path, 2 ** 31)
  const before = process.memoryUsage().rss
  const start = cpuSeconds()
  t.throws(() => openFits(path), /the header has no END card/)
  t.ok(cpuSeconds() - start < 1)
  t.ok(process.memoryUsage().rss - before < 100e6)
})

t.test('a header of comments without end is refused before it fills the memory', async (t) => {
  const path = join(t.testdir(), 'endless.fits')
  const fd = openSync(path, 'wx')
  writeSync(fd, headerBlock(minimal, false).subarray(0, 240))
  const comments = Buffer.from('COMMENT'.padEnd(80).repeat(20_000))
  for (let k = 0; k < 20; k++) writeSync(fd, comments)
  ftruncateSync(fd, 2 ** 31)
  closeSync(fd)
  t.throws(() => openFits(path), /the header has no END card/)
})

t.test('a sparse image of two gigabytes is not taken into memory by accident', async (t) => {
  const path = join(t.testdir(), 'large.fits')
  writeFileSync(
    path,
    fileOfLines([minimal[0]!, line('BITPIX', 8), line('NAXIS', 2), line('NAXIS1', 2 ** 15), line('NAXIS2', 2 ** 16)]),
  )
  truncateSync(path, 2880 + 2 ** 31)
  const file = openFits(path)
  const hdu = imageHdu(file)
  t.throws(() => readPixels(hdu), /2147483648 pixels at once are too many/)
  t.same(readPixels(hdu, { firstRow: 2 ** 16 - 1, rows: 1 }), new Float32Array(2 ** 15), 'but its rows can be read')
  file.close()
})

t.test('a gzip that inflates without end is refused', async (t) => {
  const bomb = gzipSync(Buffer.concat([headerBlock(minimal), Buffer.alloc(420 * 2 ** 20)]), { level: 1 })
  t.throws(() => openFits(bomb), /inflates to more than \d+ bytes/)
})

t.test('a scale that is not a number is refused, not guessed', async (t) => {
  const lines = [minimal[0]!, line('BITPIX', 16), line('NAXIS', 1), line('NAXIS1', 2)]
  const read = (...more: string[]) =>
    readPixels(openFits(fileOfLines([...lines, ...more], Buffer.from([0, 1, 0, 2]))).hdus[0]!)
  t.throws(() => read("BSCALE  = 'abc'"), /BSCALE is 'abc', not a number/)
  t.same(read("BSCALE  = '2.0'", 'BZERO   ='), Float32Array.of(2, 4), 'but a number in quotes is one')
})

t.test('without an image there is a clear answer', async (t) => {
  const file = openFits(encodeFits([{ kind: 'empty' }, { kind: 'table', name: 'CAT', columns: [], rows: 0 }]), {
    name: 'x.fits',
  })
  t.throws(() => imageHdu(file), /x.fits: holds no two-dimensional image/)
  t.throws(() => imageHdu(file, 'sci'), /x.fits: has no SCI/)
  t.throws(() => imageHdu(file, 'cat'), /CAT is not an image \(table\)/)
  t.throws(() => imageHdu(file, 9), /has no HDU 9/)
})

t.test('an image without pixels is read as such', async (t) => {
  const lines = [minimal[0]!, line('BITPIX', -32), line('NAXIS', 2), line('NAXIS1', 777777701), line('NAXIS2', 0)]
  t.equal(readPixels(openFits(Buffer.concat([headerBlock(lines), dataBlock(new Uint8Array(0))])).hdus[0]!).length, 0)
})
