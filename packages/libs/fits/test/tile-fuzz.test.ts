import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allocate, scoped } from '@nightpipe/kernels'
import { REPOSITORY } from '@nightpipe/testing'
import t from 'tap'
import { FitsError, openFits, readPixels, readPixels64 } from '../src/index.js'
import { type Decoded, decodeTile, requireEnough } from '../src/tile/decode.js'
import { encodeIntegers } from '../src/tile/encode.js'
import { TileError } from '../src/tile/error.js'
import type { Algorithm } from '../src/tile/layout.js'
import { cpuSeconds } from './fuzz/cpu.js'

/** More of both with NIGHTPIPE_FUZZ, a factor; another seed with NIGHTPIPE_SEED. */
const FACTOR = Number(process.env.NIGHTPIPE_FUZZ ?? 1)
let state = Number(process.env.NIGHTPIPE_SEED ?? 4711)
const random = (below: number) => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return Math.floor(((state >>> 0) / 2 ** 32) * below)
}

/** A few changes of the kinds that disks, lines and malice make. */
function damaged(bytes: Uint8Array): Uint8Array {
  let out = Uint8Array.from(bytes)
  for (let k = 1 + random(4); k > 0; k--) {
    const at = random(out.length)
    const kind = random(6)
    if (kind === 0) out[at] ^= 1 << random(8)
    else if (kind === 1) out[at] = random(256)
    else if (kind === 2) out = out.slice(0, at)
    else if (kind === 3) out.fill(random(2) * 255, at, at + random(16))
    else if (kind === 4) out.copyWithin(at, random(out.length), random(out.length))
    else
      out = Uint8Array.from([
        ...out.slice(0, at),
        ...Array.from({ length: random(9) }, () => random(256)),
        ...out.slice(at),
      ])
    if (out.length === 0) break
  }
  return out
}

const CODECS: { algorithm: Algorithm; bitpix: 8 | 16 | 32; blockSize: number; bytePix: number; smooth: boolean }[] = [
  { algorithm: 'RICE_1', bitpix: 8, blockSize: 32, bytePix: 1, smooth: false },
  { algorithm: 'RICE_1', bitpix: 16, blockSize: 16, bytePix: 2, smooth: false },
  { algorithm: 'RICE_1', bitpix: 32, blockSize: 32, bytePix: 4, smooth: false },
  { algorithm: 'GZIP_1', bitpix: 16, blockSize: 32, bytePix: 4, smooth: false },
  { algorithm: 'GZIP_2', bitpix: 32, blockSize: 32, bytePix: 4, smooth: false },
  { algorithm: 'HCOMPRESS_1', bitpix: 16, blockSize: 32, bytePix: 4, smooth: true },
  { algorithm: 'HCOMPRESS_1', bitpix: 32, blockSize: 32, bytePix: 4, smooth: false },
  { algorithm: 'PLIO_1', bitpix: 16, blockSize: 32, bytePix: 4, smooth: false },
]

function validTile(codec: (typeof CODECS)[number], size: [number, number]): Uint8Array {
  const n = size[0] * size[1]
  const type = { 8: Uint8Array, 16: Int16Array, 32: Int32Array }[codec.bitpix]
  const kind = random(3)
  return scoped(() => {
    const values = allocate(type as Int32ArrayConstructor, n)
    for (let i = 0; i < n; i++) values[i] = kind === 0 ? 7 : kind === 1 ? 100 + random(30) : random(120) ** 2 / 200
    const settled = {
      ...{ type: codec.algorithm, tile: size, blockSize: codec.blockSize, scale: random(2) * 4, offset: 0 },
      last: new Float64Array(3),
    }
    return encodeIntegers(settled, values, size, codec.bitpix).slice()
  })
}

function pixelsOf(decoded: Decoded): number {
  return decoded.kind === 'integers' ? decoded.values.length : decoded.bytes.length / decoded.width
}

const GUARD = 64

for (const codec of CODECS) {
  t.test(
    `${codec.algorithm} of ${codec.bitpix} bits: damaged tiles give an error or pixels, and touch nothing else`,
    async (t) => {
      let refused = 0
      const rounds = 400 * FACTOR
      for (let round = 0; round < rounds; round++) {
        const size: [number, number] = [4 + random(40), 4 + random(12)]
        const bytes =
          round % 4 === 3
            ? Uint8Array.from({ length: random(300) }, () => random(256))
            : damaged(validTile(codec, size))
        const began = cpuSeconds()
        scoped(() => {
          const before = allocate(Uint8Array, GUARD).fill(0xa5)
          const source = allocate(Uint8Array, bytes.length)
          source.set(bytes)
          try {
            const pixels = size[0] * size[1]
            requireEnough({ ...codec, offset: 0, quantised: false }, bytes.length, pixels)
            const decoded = decodeTile({ ...codec, offset: 0, quantised: false }, source, size, pixels)
            if (pixelsOf(decoded) !== pixels) t.fail(`${pixelsOf(decoded)} of ${pixels} pixels`)
          } catch (error) {
            if (!(error instanceof TileError)) throw error
            refused++
          }
          if (before.some((byte) => byte !== 0xa5)) t.fail(`round ${round} wrote before its memory`)
          if (source.some((byte, i) => byte !== bytes[i])) t.fail(`round ${round} changed its source`)
        })
        if (cpuSeconds() - began > 2) t.fail(`round ${round} took long`)
      }
      t.ok(refused > rounds / 20, `${refused} of ${rounds} refused`)
    },
  )
}

t.test('damaged files of compressed images are refused with a FitsError, or read', async (t) => {
  const folder = join(REPOSITORY, 'fixtures/tile-compression')
  const names = readdirSync(folder).filter((name) => name.endsWith('.fz'))
  const counts = { read: 0, refused: 0 }
  for (let round = 0; round < 700 * FACTOR; round++) {
    const name = names[random(names.length)]
    const bytes = damagedFile(readFileSync(join(folder, name)))
    const began = cpuSeconds()
    try {
      const file = openFits(bytes, { name })
      for (const hdu of file.hdus) {
        if (hdu.kind !== 'image') continue
        const pixels = round % 2 ? readPixels(hdu) : readPixels64(hdu)
        if (pixels.length !== hdu.axes.reduce((a, b) => a * b, 1)) t.fail(`round ${round}: ${pixels.length} pixels`)
      }
      counts.read++
    } catch (error) {
      if (!(error instanceof FitsError)) throw error
      if (!error.message.startsWith(name)) t.fail(`round ${round}: ${error.message}`)
      counts.refused++
    }
    if (cpuSeconds() - began > 2) t.fail(`round ${round}, ${name}, took ${cpuSeconds() - began} s`)
  }
  t.ok(counts.read > 0 && counts.refused > 0, `${counts.read} read, ${counts.refused} refused`)
})

/** Most of a small file is header: digits of the description of the tiles, and the table, are hit on purpose. */
function damagedFile(file: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(file)
  const text = Buffer.from(bytes).toString('latin1')
  const described = /(?:ZTILE|ZNAXIS|ZBITPIX|ZVAL|NAXIS|TFORM|PCOUNT|ZDITHER0|ZCMPTYPE|ZBLANK)\d? *= *'?/g
  const keywords = [...text.matchAll(described)]
  for (let k = 1 + random(2); k > 0; k--) {
    const hit = keywords[random(keywords.length)]
    const at = hit.index + hit[0].length - random(8)
    if (random(2)) bytes[at] = '0123456789-.P Q(T'.charCodeAt(random(17))
    else
      bytes[random(2) ? 2880 * (2 + random(bytes.length / 2880 - 2)) + random(200) : random(bytes.length)] = random(256)
  }
  return bytes
}

t.test('a description that lies is refused at once, whatever it promises', async (t) => {
  const original = readFileSync(join(REPOSITORY, 'fixtures/tile-compression/rice.fits.fz'))
  const lies: [string, number, string][] = [
    ['ZNAXIS1 ', 999999999, 'a thousand million columns'],
    ['ZNAXIS2 ', 999999999, 'as many rows'],
    ['ZTILE1  ', 0, 'tiles without width'],
    ['ZTILE2  ', -1, 'a negative tile'],
    ['ZNAXIS  ', 999, 'axes that are not there'],
    ['ZBITPIX ', 17, 'a BITPIX that does not exist'],
    ['ZVAL1   ', 0, 'blocks without pixels'],
    ['ZVAL2   ', 3, 'pixels of three bytes'],
    ['NAXIS2  ', 1, 'a table with one row'],
    ['TFIELDS ', 0, 'a table without columns'],
  ]
  for (const [keyword, value, what] of lies) {
    const bytes = Uint8Array.from(original)
    const at = Buffer.from(bytes).indexOf(`${keyword}=`, 2880)
    bytes.set(Buffer.from(`${keyword}= ${String(value).padStart(20)}`), at)
    t.throws(() => readEverything(bytes), FitsError, what)
  }
})

function readEverything(bytes: Uint8Array): void {
  for (const hdu of openFits(bytes, { name: 'lie.fits.fz' }).hdus) if (hdu.kind === 'image') readPixels(hdu)
}
