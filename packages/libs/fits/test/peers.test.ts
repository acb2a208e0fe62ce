import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lacking, lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import { type Compression, createHeader, encodeFits, type NewHdu, type NewImage } from '../src/index.js'
import { digestNumbers, digestTexts } from './reference.js'
import { images } from './sample-images.js'
import { everyColumn, rows } from './sample-table.js'

const noAstropy = lackingPython('astropy')
const noFitsverify = lacking('fitsverify')

/** A header with everything that cards can hold. */
const header = createHeader([
  ['OBJECT', "Barnard's star / fast one", 'a quote and a slash'],
  ['EXPTIME', 0.1, '[s] not exact in binary'],
  ['TINY', 1e-300],
  ['COUNT', 123456],
  ['SIMULATD', false],
  ['LONGNOTE', 'it goes on and on, '.repeat(12).trim(), 'a long string'],
  ['ESO DET OUT1 GAIN', 1.5, 'a long keyword'],
  ['HISTORY', 'made by a test '.repeat(9)],
])

const imageFile: NewHdu[] = images.map(([name, image], k) => ({
  ...image,
  ...(k > 0 && { name: name.toUpperCase() }),
  header,
}))
const tableFile: NewHdu[] = [{ kind: 'table', name: 'TAB', header, columns: everyColumn, rows }]

/** Rice, of integers and of floats, and an image that is the primary one when it is unpacked. */
const lossy: Compression = { type: 'RICE_1', quantize: { level: 16, dither: 'SUBTRACTIVE_DITHER_2', seed: 3 } }
const compressedFile: NewHdu[] = images
  .filter(([, { bitpix }]) => bitpix !== 64)
  .map(
    ([name, image]): NewImage => ({
      ...image,
      name: name.toUpperCase(),
      header,
      compress: image.bitpix < 0 ? lossy : { type: 'RICE_1' },
    }),
  )

function runPython(program: string, path: string): unknown {
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-W', 'error', '-c', program, path], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const READ_IMAGES = `
import sys, json, hashlib, numpy as np
from astropy.io import fits
def digest(v):
    v = np.ascontiguousarray(v, dtype='<f8').ravel().copy(); b = v.view('<u8'); b[np.isnan(v)] = 0x7ff8000000000000
    return hashlib.sha256(b.tobytes()).hexdigest()[:16]
with fits.open(sys.argv[1], checksum=True) as f:
    h = f[0].header
    print(json.dumps([[digest(x.data.astype('f8')) for x in f], [h[k] for k in ('OBJECT','EXPTIME','TINY','COUNT','SIMULATD','LONGNOTE','ESO DET OUT1 GAIN')]]))
`

t.test(
  'astropy reads the pixels of every BITPIX that we write, the header too, and finds the sums right',
  { skip: noAstropy },
  async (t) => {
    const path = join(t.testdir(), 'images.fits')
    writeFileSync(path, encodeFits(imageFile))
    const [pixels, values] = runPython(READ_IMAGES, path) as [string[], unknown[]]
    images.forEach(([name, image], k) => {
      t.equal(pixels[k], digestNumbers(image.pixels!), name)
    })
    const mine = ['OBJECT', 'EXPTIME', 'TINY', 'COUNT', 'SIMULATD', 'LONGNOTE', 'ESO DET OUT1 GAIN']
    t.same(
      values,
      mine.map((keyword) => header.cards.find((card) => card.keyword === keyword)!.value),
    )
  },
)

const READ_TABLE = `
import sys, json, hashlib, numpy as np
from astropy.io import fits
def digest(v):
    v = np.ascontiguousarray(v, dtype='<f8').ravel().copy(); b = v.view('<u8'); b[np.isnan(v)] = 0x7ff8000000000000
    return hashlib.sha256(b.tobytes()).hexdigest()[:16]
out = {}
with fits.open(sys.argv[1], checksum=True) as f:
    d = f[1].data
    for n in d.names:
        v = d[n]
        if n in ('C', 'M'): v = np.asarray(v).astype('c16').view('f8')
        if n == 'VC': v = [np.asarray(c).view('f4') for c in v]
        if n.startswith('V'): v = np.concatenate([np.asarray(c).ravel() for c in v])
        v = np.asarray(v)
        out[n] = [str(x).rstrip() for x in v.ravel()] if v.dtype.kind in 'SU' else digest(v.astype('f8'))
print(json.dumps(out))
`

/** It has no TNULL of scaled columns, no logicals and no unsigned numbers of variable length, and no substrings. */
const LIMITS = ['SCALED', 'VL', 'VUI', 'SUB']

t.test('astropy reads every column that we write', { skip: noAstropy }, async (t) => {
  const path = join(t.testdir(), 'table.fits')
  // It does not know variable-length bits, and warns of a column without values.
  const columns = everyColumn.filter(({ name }) => name !== 'VX' && name !== 'NONE')
  writeFileSync(path, encodeFits([{ kind: 'table', columns, rows }]))
  const read = runPython(READ_TABLE, path) as Record<string, string | string[]>
  for (const { name, values } of columns) {
    if (LIMITS.includes(name)) continue
    const flat =
      (values as unknown[])[0] instanceof Object
        ? (values as unknown as number[][]).flatMap((cell) => [...cell])
        : values
    if (name === 'L') t.equal(read[name], digestNumbers([1, 0, 0]), 'L, where undefined is false')
    else if (typeof flat[0] === 'string') {
      const strings = name === 'VA' ? [...(values as string[]).join('')] : (values as string[])
      t.equal(digestTexts(read[name] as string[]), digestTexts(strings), name)
    } else t.equal(read[name], digestNumbers(flat as number[]), name)
  }
})

for (const [what, hdus] of [
  ['images of every BITPIX', imageFile],
  ['a table of every type', tableFile],
  ['compressed images', compressedFile],
  ['an empty file', [{ kind: 'empty' }]],
  [
    'an image of one pixel with a table and an empty extension',
    [{ kind: 'image', bitpix: 8, axes: [1], pixels: Uint8Array.of(1) }, ...tableFile, { kind: 'empty', name: 'NIL' }],
  ],
] as [string, NewHdu[]][]) {
  t.test(`fitsverify has nothing to say about ${what}`, { skip: noFitsverify }, async (t) => {
    const path = join(t.testdir(), 'x.fits')
    writeFileSync(path, encodeFits(hdus))
    const { stdout } = spawnSync('fitsverify', [path], { encoding: 'utf8' })
    t.match(
      stdout,
      /Verification found 0 warning\(s\) and 0 error\(s\)/,
      `${stdout.match(/\*\*\* (Warning|Error).*/g)}`,
    )
  })
}
