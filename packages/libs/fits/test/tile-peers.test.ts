import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lacking, lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import { type Compression, type Hdu, type NewImage, openFits, readPixels64, writeFits } from '../src/index.js'

const noFpack = lacking('fpack', 'funpack')
const noVerify = lacking('fitsverify')
const noAstropy = lackingPython('astropy')

const SHAPES: { axes: number[]; tiles: (number[] | undefined)[] }[] = [
  { axes: [41, 23], tiles: [undefined, [41, 23], [16, 6], [41, 5]] },
  { axes: [24, 10, 3], tiles: [undefined, [9, 10, 1]] },
]
const DITHERS = ['none', 'SUBTRACTIVE_DITHER_1', 'SUBTRACTIVE_DITHER_2'] as const

let state = 12345
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return (state >>> 0) / 2 ** 32
}
const normal = () => uniform() + uniform() + uniform() + uniform() + uniform() + uniform() - 3

/** A sky of noise with a few stars, saturated ones among them. */
function sky(n: number, scale: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => 500 + scale * normal() + (i % 211 === 7 ? 20000 : 0))
}

function integerImage(bitpix: 8 | 16 | 32, unsigned: boolean, axes: number[], compress: Compression): NewImage {
  const values = sky(
    axes.reduce((a, b) => a * b),
    12,
  )
  const offset = bitpix === 8 ? -128 : 2 ** (bitpix - 1)
  const limit = bitpix === 8 ? 255 : compress.type === 'PLIO_1' || bitpix === 16 ? 32767 : 2e9
  const top = compress.type === 'PLIO_1' ? Math.min(limit, 30000) : limit
  const pixels = values.map((v) => Math.min(top, Math.max(0, Math.round(bitpix === 32 && top > 1e6 ? v * 1e5 : v))))
  const stored = bitpix === 8 && unsigned ? pixels.map((v) => v + offset) : pixels
  return { kind: 'image', bitpix, unsigned, axes, pixels: stored, compress }
}

/** NaN and zeros among the floats; no NaN where CFITSIO 4.2 gets lost: tiles narrower than the image, of several rows. */
function floatImage(bitpix: -32 | -64, axes: number[], compress: Compression): NewImage {
  const values = sky(
    axes.reduce((a, b) => a * b),
    7,
  )
  const narrow = compress.tile !== undefined && compress.tile[0] < axes[0]
  for (let i = 0; i < values.length; i += 13) values[i] = i % 2 && !narrow ? Number.NaN : 0
  const pixels = bitpix === -32 ? Float32Array.from(values) : values
  return { kind: 'image', bitpix, axes, pixels, compress }
}

/** Every BITPIX, dithering and shape of tile that the algorithm allows. */
function everyImage(type: Compression['type']): NewImage[] {
  const images: NewImage[] = []
  for (const { axes, tiles } of SHAPES) {
    for (const tile of tiles) {
      if (type === 'HCOMPRESS_1' && tile?.[1] === 5) continue // leaves 3 rows at the edge: too thin
      for (const bitpix of [8, 16, 32] as const) {
        for (const unsigned of [false, true]) {
          // CFITSIO compresses unsigned 32 bits with PLIO only by chance.
          if (type === 'PLIO_1' && unsigned && bitpix !== 16) continue
          images.push(integerImage(bitpix, unsigned, axes, { type, tile }))
        }
      }
      if (type === 'PLIO_1') continue
      for (const bitpix of [-32, -64] as const) {
        for (const dither of DITHERS) {
          images.push(floatImage(bitpix, axes, { type, tile, quantize: { level: 4, dither, seed: 9990 } }))
        }
      }
    }
  }
  return images.map((image, k) => ({ ...image, name: `IMAGE${k}` }))
}

/** Floats as they are. In files of their own: funpack 4.2 reads quantised GZIP images wrongly after one of these. */
function losslessImages(type: Compression['type']): NewImage[] {
  const shapes = SHAPES.flatMap(({ axes, tiles }) => tiles.map((tile) => ({ axes, tile })))
  const images = shapes.flatMap(({ axes, tile }) => [
    floatImage(-32, axes, { type, tile }),
    floatImage(-64, axes, { type, tile }),
  ])
  return images.map((image, k) => ({ ...image, name: `IMAGE${k}` }))
}

function describe({ bitpix, unsigned, axes, compress }: NewImage): string {
  const { type, tile, quantize } = compress!
  return `${type} BITPIX ${bitpix}${unsigned ? ' unsigned' : ''} ${axes.join('x')} tiles ${tile?.join('x') ?? 'default'} ${quantize?.dither ?? ''}`
}

const images = (path: string): Hdu[] => openFits(path).hdus.filter((hdu) => hdu.kind === 'image')

/** Physical values of every image of the files as astropy reads them, one after another. */
function astropyPixels(paths: string[], folder: string): Float64Array {
  const out = join(folder, 'astropy.bin')
  const script = `
import sys, numpy as np
from astropy.io import fits
with open(sys.argv[1], 'wb') as out:
    for path in sys.argv[2:]:
        with fits.open(path) as hdus:
            for hdu in hdus[1:]:
                out.write(np.ascontiguousarray(hdu.data, dtype='<f8').tobytes())
`
  execFileSync(PYTHON, ['-W', 'ignore', '-c', script, out, ...paths])
  const bytes = readFileSync(out)
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

const WRITTEN: [string, () => NewImage[]][] = [
  ...(['RICE_1', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1', 'PLIO_1'] as const).map((type): [string, () => NewImage[]] => [
    type,
    () => everyImage(type),
  ]),
  ...(['GZIP_1', 'GZIP_2'] as const).map((type): [string, () => NewImage[]] => [
    `lossless ${type}`,
    () => losslessImages(type),
  ]),
]

for (const [what, make] of WRITTEN) {
  t.test(`${what}: what we write`, async (t) => {
    const made = make()
    const folder = t.testdir()
    const path = join(folder, 'ours.fits.fz')
    writeFits(path, made)
    const ours = images(path).map((hdu) => readPixels64(hdu))

    t.test('gives the pixels back: integers as they were, floats within a step', async (t) => {
      made.forEach((image, k) => {
        const lossless = image.bitpix > 0 || !image.compress!.quantize
        // The noise is 5; a step is a quarter of what a short tile shows of it, give or take, and errors are half of it.
        const tolerance = lossless ? 0 : 3
        const worst = ours[k].reduce((most, v, i) => {
          const wanted = Number(image.pixels![i])
          if (Number.isNaN(v) && Number.isNaN(wanted)) return most
          return v === wanted ? most : Math.max(most, Number.isNaN(v - wanted) ? Infinity : Math.abs(v - wanted))
        }, 0)
        t.ok(worst <= tolerance, `${describe(image)}: ${worst}`)
      })
    })

    t.test('funpack reads as we do, to the last bit', { skip: noFpack }, async (t) => {
      const plain = join(folder, 'funpacked.fits')
      execFileSync('funpack', ['-O', plain, path])
      images(plain).forEach((hdu, k) => {
        t.equal(firstDifference(ours[k], readPixels64(hdu)), -1, describe(made[k]))
      })
      if (!noVerify) t.match(verified(plain), /verification OK/)
    })

    t.test('passes fitsverify without error or warning', { skip: noVerify }, async (t) => {
      t.match(verified(path), /verification OK/)
    })
  })
}

t.test('astropy reads what we write as we do, but for NaN, which it loses', { skip: noAstropy }, async (t) => {
  const folder = t.testdir()
  // It knows nothing of the offset that CFITSIO gives to unsigned 16 bits in PLIO_1.
  const known = (image: NewImage) => !(image.compress!.type === 'PLIO_1' && image.unsigned)
  // Some shapes of tiles suffice: astropy takes its time.
  const some = ({ axes, compress }: NewImage) => compress!.tile?.[0] === (axes.length === 2 ? 16 : 9)
  const files = WRITTEN.map(([, make], k) => ({
    path: join(folder, `${k}.fits.fz`),
    made: make().filter((image) => known(image) && some(image)),
  }))
  for (const { path, made } of files) writeFits(path, made)
  const theirs = astropyPixels(
    files.map(({ path }) => path),
    folder,
  )
  let at = 0
  for (const { path, made } of files) {
    images(path).forEach((hdu, k) => {
      const ours = readPixels64(hdu)
      const part = theirs.slice(at, at + ours.length)
      at += ours.length
      const sound = part.map((v, i) => (Number.isNaN(ours[i]) ? Number.NaN : v))
      t.equal(firstDifference(ours, sound), -1, describe(made[k]))
    })
  }
})

function verified(path: string): string {
  const { stdout, stderr } = spawnSync('fitsverify', ['-q', path], { encoding: 'utf8' })
  return stdout + stderr
}

function firstDifference(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length)
  return a.findIndex((value, i) => value !== b[i] && !(Number.isNaN(value) && Number.isNaN(b[i])))
}

const FPACKED: [options: string, kind: 'integers' | 'positive' | 'squares' | 'floats'][] = [
  ['-r', 'integers'],
  ['-r -t 13,4', 'integers'],
  ['-r -w', 'integers'],
  ['-g1', 'integers'],
  ['-g2', 'integers'],
  ['-h', 'squares'],
  ['-h -w', 'squares'],
  ['-h -s 3', 'squares'],
  ['-p', 'positive'],
  ['-r -q9 4', 'floats'],
  ['-r -qz9 4', 'floats'],
  ['-r -q0 4', 'floats'],
  ['-r -q9 16 -w', 'floats'],
  ['-g1 -q9 4', 'floats'],
  ['-g2 -qz10000 4', 'floats'],
  ['-g1 -q 0', 'floats'],
  ['-g2 -q 0', 'floats'],
  ['-h -q9 4', 'floats'],
]

function plainImages(kind: 'integers' | 'positive' | 'squares' | 'floats'): NewImage[] {
  const compress = { type: kind === 'positive' ? 'PLIO_1' : 'RICE_1' } as const
  const shapes = kind === 'integers' ? [[41, 23], [24, 10, 3], [77]] : [[41, 24]]
  const made = shapes.flatMap((axes) => {
    if (kind === 'floats') return ([-32, -64] as const).map((bitpix) => floatImage(bitpix, axes, compress))
    const sizes = kind === 'positive' ? ([8, 16] as const) : ([8, 16, 32] as const)
    return sizes.flatMap((bitpix) => [false, true].map((unsigned) => integerImage(bitpix, unsigned, axes, compress)))
  })
  return made.map((image) => ({ ...image, compress: undefined }))
}

for (const [options, kind] of FPACKED) {
  t.test(`what fpack ${options} writes of ${kind} reads as funpack reads it`, { skip: noFpack }, async (t) => {
    const folder = t.testdir()
    const [source, packed, plain] = ['source.fits', 'packed.fits.fz', 'plain.fits'].map((name) => join(folder, name))
    writeFits(source, [{ kind: 'empty' }, ...plainImages(kind)])
    execFileSync('fpack', [...options.split(' '), '-O', packed, source])
    execFileSync('funpack', ['-O', plain, packed])
    const theirs = images(plain)
    images(packed).forEach((hdu, k) => {
      t.ok(hdu.compressed)
      t.equal(firstDifference(readPixels64(hdu), readPixels64(theirs[k])), -1, `image ${k}, BITPIX ${hdu.bitpix}`)
      t.same(userCards(hdu), userCards(theirs[k]))
    })
  })
}

const TWINS: [string, 'integers' | 'positive' | 'squares' | 'floats', Compression][] = [
  ['-r', 'integers', { type: 'RICE_1' }],
  ['-r -t 13,4', 'integers', { type: 'RICE_1', tile: [13, 4, 1] }],
  ['-h', 'squares', { type: 'HCOMPRESS_1' }],
  ['-h -t 23,9', 'squares', { type: 'HCOMPRESS_1', tile: [23, 9] }],
  ['-p', 'positive', { type: 'PLIO_1' }],
  ['-r -q77 4', 'floats', { type: 'RICE_1', quantize: { level: 4, dither: 'SUBTRACTIVE_DITHER_1', seed: 77 } }],
  ['-r -qz77 9', 'floats', { type: 'RICE_1', quantize: { level: 9, dither: 'SUBTRACTIVE_DITHER_2', seed: 77 } }],
  ['-r -q0 4', 'floats', { type: 'RICE_1', quantize: { level: 4, dither: 'none', seed: 1 } }],
  ['-r -q5 -2.5', 'floats', { type: 'RICE_1', quantize: { level: -2.5, dither: 'SUBTRACTIVE_DITHER_1', seed: 5 } }],
  [
    '-r -q5 4 -w',
    'floats',
    { type: 'RICE_1', tile: [41, 24], quantize: { level: 4, dither: 'SUBTRACTIVE_DITHER_1', seed: 5 } },
  ],
  ['-h -q5 4', 'floats', { type: 'HCOMPRESS_1', quantize: { level: 4, dither: 'SUBTRACTIVE_DITHER_1', seed: 5 } }],
]

for (const [options, kind, compress] of TWINS) {
  t.test(`our table of tiles is byte by byte that of fpack ${options}, for ${kind}`, { skip: noFpack }, async (t) => {
    const folder = t.testdir()
    const [source, theirs, ours] = ['source.fits', 'theirs.fits.fz', 'ours.fits.fz'].map((name) => join(folder, name))
    const plain = plainImages(kind)
    writeFits(source, [{ kind: 'empty' }, ...plain])
    execFileSync('fpack', [...options.split(' '), '-O', theirs, source])
    writeFits(ours, [{ kind: 'empty' }, ...plain.map((image) => ({ ...image, compress }))])
    plain.forEach((image, k) => {
      t.ok(dataOf(ours, k).equals(dataOf(theirs, k)), `image ${k}, BITPIX ${image.bitpix} ${image.axes.join('x')}`)
    })
  })
}

/** The data unit of a compressed image: table and heap. */
function dataOf(path: string, index: number): Buffer {
  const { dataStart, dataBytes } = images(path)[index]
  return readFileSync(path).subarray(dataStart, dataStart + dataBytes)
}

/** What a person or an instrument wrote into the header. */
function userCards(hdu: Hdu): unknown[] {
  const structural = /^(SIMPLE|XTENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|CHECKSUM|DATASUM|COMMENT|HISTORY|)$/
  return hdu.header.cards.filter((card) => !structural.test(card.keyword)).map((card) => [card.keyword, card.value])
}
