import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { call, scratch } from '@nightpipe/testing'
import t from 'tap'

t.test(
  'a compressed frame whose data do not agree with their DATASUM fails by itself, and the others make the master',
  async (t) => {
    const folder = scratch()
    mkdirSync(join(folder, 'raw'))
    const { normal } = random(4)
    const header = createHeader([
      ['IMAGETYP', 'bias'],
      ['INSTRUME', 'CAM'],
      ['EXPTIME', 0],
    ])
    const paths = [0, 1, 2, 3].map((k) => {
      const path = join(folder, 'raw', `b${k}.fits.fz`)
      const pixels = Int16Array.from({ length: 64 * 48 }, () => 1000 + 4 * normal())
      writeFits(path, [{ kind: 'image', bitpix: 16, axes: [64, 48], pixels, header, compress: { type: 'RICE_1' } }])
      return path
    })
    const bytes = readFileSync(paths[2])
    bytes[bytes.length - 1880] ^= 0x40
    writeFileSync(paths[2], bytes)
    const { status, stdout, stderr } = call('stack-calibrations', [
      '-s',
      join(folder, 'raw'),
      '-r',
      join(folder, 'out'),
    ])
    t.equal(status, 5, stderr)
    t.equal(stdout, `${join(folder, 'out', 'bias_CAM.fits')}\n`)
    t.match(stderr, /b2\.fits\.fz: HDU 1: the data do not agree with their DATASUM/)
    t.match(stderr, /bias_CAM\.fits done/)
    t.match(stderr, /3 done, 1 failed/)
  },
)
