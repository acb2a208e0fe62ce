import { join } from 'node:path'
import { loadProfile } from '@nightpipe/config'
import { createHeader, writeFits } from '@nightpipe/fits'
import t from 'tap'
import { describeOrderFrame, readOrderFrame } from '../src/index.js'

const nres = loadProfile('nres')
const [WIDTH, HEIGHT, OVERSCAN] = [40, 30, 8]

/** A raw flat in the manner of NRES: 2 columns that nobody uses, an overscan, and `extra` rows above the data. */
function writeRaw(path: string, extra: number): void {
  const [columns, rows] = [WIDTH + 2 + OVERSCAN, HEIGHT + extra]
  const pixels = Uint16Array.from({ length: columns * rows }, (_, p) => {
    const [x, y] = [p % columns, Math.floor(p / columns)]
    if (y >= HEIGHT) return 60000 // what the controller leaves there is no light
    return x < WIDTH ? 1000 + 7 * x + 11 * y : 1000
  })
  const header = createHeader([
    ...([
      ['OBSTYPE', 'LAMPFLAT'],
      ['OBJECTS', 'tung&tung&none'],
      ['TELESCOP', 'nres03'],
      ['INSTRUME', 'fa13'],
    ] as const),
    ...([
      ['SITEID', 'cpt'],
      ['MJD-OBS', 58578.1],
      ['EXPTIME', 10],
      ['GAIN', 1],
      ['RDNOISE', 7.3],
    ] as const),
    ['BIASSEC', `[${WIDTH + 3}:${columns},1:${HEIGHT}]`],
    ['TRIMSEC', `[1:${WIDTH},1:${HEIGHT}]`],
    ['DATASEC', `[1:${WIDTH},1:${HEIGHT}]`],
  ])
  writeFits(path, [{ kind: 'image', header, bitpix: 16, unsigned: true, axes: [columns, rows], pixels }])
}

t.test('rows above the data section, as the cameras since 2018 have twelve of, are no part of the frame', async (t) => {
  const folder = t.testdir({})
  const [plain, tall] = [0, 12].map((extra) => {
    const path = join(folder, `w${extra}.fits`)
    writeRaw(path, extra)
    t.match(describeOrderFrame(path, path, nres), { width: WIDTH, height: HEIGHT, lit: [0, 1] })
    return readOrderFrame(path, path, nres)
  })
  t.same([tall!.width, tall!.height], [WIDTH, HEIGHT])
  t.same(tall!.pixels, plain!.pixels)
  t.ok(Math.abs(tall!.pixels[5 * WIDTH + 3]! - (7 * 3 + 11 * 5)) < 1e-3, 'the overscan is off')
})
