import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { FIXTURES } from '@nightpipe/testing'
import { type Compression, createHeader, encodeFits, type NewHdu, type NewImage } from '../../src/index.js'
import { dataBlock, fileOfLines, headerBlock, line, minimal } from '../raw.js'
import { images } from '../sample-images.js'
import { everyColumn, rows } from '../sample-table.js'

export interface Seed {
  name: string
  bytes: Uint8Array
}

const axes = [40, 30]
const counts = Int16Array.from({ length: 1200 }, (_, i) => 500 + ((i * 7919) % 61))
const floats = Float32Array.from(counts, (value, i) => (i % 97 === 0 ? Number.NaN : value / 3))
const mask = Int16Array.from(counts, (value) => (value > 550 ? 2 : 0))

/** Small files of our own making with every kind of HDU and every compression. */
export function ownSeeds(): Seed[] {
  return [
    ...images.map(([name, image]) => ({ name, bytes: encodeFits([image]) })),
    ...compressions().map(([name, image]) => ({ name, bytes: encodeFits([image]) })),
    { name: 'product', bytes: encodeFits(product()) },
    { name: 'table', bytes: encodeFits([{ kind: 'table', name: 'TAB', columns: everyColumn, rows }]) },
    { name: 'ascii table', bytes: asciiTable() },
    { name: 'random groups', bytes: randomGroups() },
    { name: 'header of many kinds', bytes: manyCards() },
    { name: 'gzip', bytes: gzipSync(encodeFits(product())) },
  ]
}

/** The small files of the folder of fixtures, where it is there. */
export function sharedSeeds(): Seed[] {
  return ['edge_cases', 'compressed'].flatMap((folder) => {
    const path = join(FIXTURES, folder)
    if (!existsSync(path)) return []
    const small = readdirSync(path).filter((name) => statSync(join(path, name)).size < 100_000)
    return small.sort().map((name) => ({ name: `${folder}/${name}`, bytes: readFileSync(join(path, name)) }))
  })
}

function compressions(): [string, NewImage][] {
  const integers: [string, Compression][] = [
    ['RICE_1', { type: 'RICE_1' }],
    ['GZIP_1', { type: 'GZIP_1' }],
    ['GZIP_2 in tiles', { type: 'GZIP_2', tile: [16, 16] }],
    ['HCOMPRESS_1', { type: 'HCOMPRESS_1' }],
    ['PLIO_1', { type: 'PLIO_1' }],
  ]
  const quantised = (type: Compression['type'], dither: 'none' | 'SUBTRACTIVE_DITHER_1' | 'SUBTRACTIVE_DITHER_2') =>
    ({ type, quantize: { level: 4, dither, seed: 77 } }) as const
  const real: [string, Compression][] = [
    ['RICE_1 of floats', quantised('RICE_1', 'none')],
    ['RICE_1, dither 1', quantised('RICE_1', 'SUBTRACTIVE_DITHER_1')],
    ['RICE_1, dither 2', quantised('RICE_1', 'SUBTRACTIVE_DITHER_2')],
    ['HCOMPRESS_1 of floats', quantised('HCOMPRESS_1', 'SUBTRACTIVE_DITHER_1')],
    ['GZIP_2 of floats', { type: 'GZIP_2' }],
  ]
  return [
    ...integers.map(([name, compress]): [string, NewImage] => [
      name,
      { kind: 'image', bitpix: 16, axes, pixels: counts, compress },
    ]),
    ...real.map(([name, compress]): [string, NewImage] => [
      name,
      { kind: 'image', bitpix: -32, axes, pixels: floats, compress },
    ]),
  ]
}

function product(): NewHdu[] {
  return [
    { kind: 'image', bitpix: -32, axes, pixels: floats },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: floats },
    { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: mask },
    { kind: 'table', name: 'PROVENANCE', rows: 2, columns: [{ name: 'PARENT', values: ['a.fits', 'b.fits'] }] },
  ]
}

function asciiTable(): Uint8Array {
  const cards = ["XTENSION= 'TABLE   '", line('BITPIX', 8), line('NAXIS', 2), line('NAXIS1', 24), line('NAXIS2', 3)]
  cards.push(
    line('PCOUNT', 0),
    line('GCOUNT', 1),
    line('TFIELDS', 4),
    line('TBCOL1', 1),
    "TFORM1  = 'I4'",
    line('TBCOL2', 5),
  )
  cards.push(
    "TFORM2  = 'E8.2'",
    line('TBCOL3', 13),
    "TFORM3  = 'A6'",
    line('TBCOL4', 19),
    "TFORM4  = 'D6.1'",
    "TNULL4  = '*'",
  )
  const text = ['  42  1.5E3 vega  1.5D0 ', '  -7   -2.5 deneb *     ', '   0  0.001         1   ']
  return Buffer.concat([headerBlock(minimal), headerBlock(cards), dataBlock(Buffer.from(text.join('')))])
}

function randomGroups(): Uint8Array {
  const cards = [
    minimal[0]!,
    line('BITPIX', -32),
    line('NAXIS', 3),
    line('NAXIS1', 0),
    line('NAXIS2', 5),
    line('NAXIS3', 3),
  ]
  cards.push(
    line('GROUPS', 'T'),
    line('PCOUNT', 2),
    line('GCOUNT', 4),
    "PTYPE1  = 'UU'",
    line('PSCAL1', 0.5),
    "PTYPE2  = 'VV'",
  )
  return fileOfLines(cards, Buffer.alloc(4 * 4 * 17, 0x3f))
}

function manyCards(): Uint8Array {
  const header = createHeader([
    ['LONG', "it's long, ".repeat(30)],
    ['ESO DET OUT1 GAIN', 1.5],
    ['COMMENT', 'words '.repeat(40)],
    ['NOTHING', undefined],
    ['BIG', 2n ** 63n],
  ])
  return encodeFits([
    { kind: 'empty', header },
    { kind: 'image', name: 'SCI', header, bitpix: 8, axes: [3, 3], pixels: new Uint8Array(9) },
  ])
}
