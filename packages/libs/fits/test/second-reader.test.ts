import { createRequire } from 'node:module'
import t from 'tap'
import { encodeFits, type NewImage, openFits, readPixels } from '../src/index.js'

// fitsjs 0.6.6 was written for browsers, independently of CFITSIO and of us. It reads plain int16, int32 and float32
// images exactly (docs/decisions/0001-fits-reader-of-our-own.md), and so checks that we read and write them as others do.

interface FitsjsImage {
  bitpix: number
  bzero: number
  bscale: number
  blob: Blob
  _getFrame(buffer: ArrayBuffer, bitpix: number, bzero: number, bscale: number): Float32Array
}
interface Fitsjs {
  hdus: { header: { get(keyword: string): unknown }; data?: FitsjsImage }[]
}

/** What fitsjs needs of the browser's FileReader. */
class FileReaderShim {
  onloadend: ((event: { target: { result: ArrayBuffer } }) => void) | undefined
  readAsArrayBuffer(blob: Blob): void {
    blob.arrayBuffer().then((result) => this.onloadend?.({ target: { result } }))
  }
}

async function readWithFitsjs(bytes: Uint8Array): Promise<Fitsjs> {
  Object.assign(globalThis, { FileReader: FileReaderShim })
  const { astro } = createRequire(import.meta.url)('fitsjs')
  Object.assign(globalThis, { astro }) // its parts find one another through the window
  return new Promise((resolve) => new astro.FITS(new Blob([bytes as BlobPart]), resolve))
}

const width = 101
const height = 75
const count = width * height
const axes = [width, height]

const PLAIN: [string, NewImage][] = [
  ['int16', { kind: 'image', bitpix: 16, axes, pixels: Int16Array.from({ length: count }, (_, i) => i * 7919) }],
  ['int32', { kind: 'image', bitpix: 32, axes, pixels: Int32Array.from({ length: count }, (_, i) => i * 15485863) }],
  [
    'float32',
    {
      kind: 'image',
      bitpix: -32,
      axes,
      pixels: Float32Array.from({ length: count }, (_, i) => Math.exp((i % 170) - 85)),
    },
  ],
  [
    'float32 with NaN',
    {
      kind: 'image',
      bitpix: -32,
      axes,
      pixels: Float32Array.from({ length: count }, (_, i) => (i % 9 ? i / 3 : Number.NaN)),
    },
  ],
  [
    'scaled int16',
    {
      kind: 'image',
      bitpix: 16,
      axes,
      bscale: 0.5,
      bzero: 100.25,
      pixels: Float32Array.from({ length: count }, (_, i) => 100.25 + (i % 5000) / 2),
    },
  ],
]

for (const [name, image] of PLAIN) {
  t.test(`fitsjs reads in our file the ${name} pixels that we read`, async (t) => {
    const bytes = encodeFits([image, { ...image, name: 'AGAIN' }])
    const fits = await readWithFitsjs(bytes)
    t.equal(fits.hdus.length, 2)
    const ours = openFits(bytes).hdus
    for (const [k, { data }] of fits.hdus.entries()) {
      const { bitpix, bzero, bscale, blob } = data!
      const theirs = data!._getFrame(await blob.arrayBuffer(), bitpix, bzero, bscale)
      t.same(Float32Array.from(theirs), readPixels(ours[k]!))
    }
    t.equal(fits.hdus[1]!.header.get('EXTNAME'), 'AGAIN')
  })
}
