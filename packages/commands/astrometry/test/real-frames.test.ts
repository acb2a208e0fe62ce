import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, imageHdu, openFits, readFrame, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { readWcs, type Wcs } from '@nightpipe/sky'
import { findStars } from '@nightpipe/stars'
import { call, FIXTURES } from '@nightpipe/testing'
import t from 'tap'

const absent = existsSync(FIXTURES) ? false : 'the folder of real frames is not there'
const TYCHO = '/usr/share/astrometry/index-tycho2-07.littleendian.fits'
const node = (cwd: string, command: string, ...args: string[]) => call(command, args, { cwd })

function wcsIn(path: string): Wcs {
  const file = openFits(path)
  const { cards } = imageHdu(file).header
  const wcs = readWcs((keyword) => cards.find((card) => card.keyword === keyword)?.value)
  file.close()
  return wcs!
}

/** Largest distance over the frame, pixels. */
function apart(found: Wcs, truth: Wcs, width: number, height: number): number {
  let most = 0
  for (const x of [0, width / 2, width - 1]) {
    for (const y of [0, height / 2, height - 1]) {
      const at = found.toPixel(...truth.toSky(x, y))
      most = Math.max(most, at ? Math.hypot(at[0] - x, at[1] - y) : 1e9)
    }
  }
  return most
}

for (const path of [
  'imaging_wcs/coatli/20180620-grb-180620a.fits.fz',
  'imaging_wcs/coatli/20180709-grb-180709a.fits.fz',
  'imaging_wcs/panoptes/solved.fits.fz',
  'imaging_series/skycamz/z_e_20130610_210_1_1_1.fits',
]) {
  const name = path.split('/').at(-1)
  t.test(`the plate solution of ${name} is recovered after it is stripped`, { skip: absent }, async (t) => {
    const cwd = t.testdir({})
    const truth = wcsIn(join(FIXTURES, path))
    const frame = readFrame(join(FIXTURES, path))
    const { width, height, pixels } = frame
    const { stars } = findStars(frame)
    // no catalogue as deep as these frames is at hand: their own stars, by the solution that they came with, among others
    const dice = random(4)
    const [ra0, dec0] = truth.toSky(width / 2, height / 2)
    const rows = ['ra,dec,r']
    for (let k = 0; k < stars.count; k++) {
      if (!(stars.flux[k]! > 0) || dice.uniform() < 0.15) continue
      const [ra, dec] = truth.toSky(stars.x[k]! + 0.1 * dice.normal(), stars.y[k]! + 0.1 * dice.normal())
      rows.push([ra, dec, 20 - 2.5 * Math.log10(stars.flux[k]!) + 0.2 * dice.normal()].join(','))
    }
    const field = (truth.scaleArcsec * width) / 3600
    for (let k = 0; k < 20 * stars.count; k++) {
      const [east, north] = [(dice.uniform() - 0.5) * 6 * field, (dice.uniform() - 0.5) * 6 * field]
      if (Math.max(Math.abs(east), Math.abs(north)) < 0.8 * field) continue
      rows.push([ra0 + east / Math.cos((dec0 * Math.PI) / 180), dec0 + north, 10 + 8 * dice.uniform()].join(','))
    }
    writeFileSync(join(cwd, 'stars.csv'), `${rows.join('\n')}\n`)
    const header = createHeader([
      ['RA', ra0 + 0.5 * field],
      ['DEC', dec0 - 0.5 * field],
      ['PIXSCALE', truth.scaleArcsec * 1.09],
    ])
    writeFits(join(cwd, 'bare.fits'), [{ kind: 'image', header, bitpix: -32, axes: [width, height], pixels }])
    const { status, stderr } = node(cwd, 'astrometry', '-s', 'bare.fits', '-r', 'out', '--catalogue', 'stars.csv')
    t.equal(status, 0, stderr)
    const off = apart(wcsIn(join(cwd, 'out/bare.fits')), truth, width, height)
    t.ok(off < 0.3, `${off} px at most`)
  })
}

const noTycho = absent || (existsSync(TYCHO) ? false : 'astrometry-data-tycho2-07 is not installed')
t.test(
  'PANOPTES and SkyCamZ frames are solved on Tycho-2, from pointings that are degrees off',
  { skip: noTycho },
  async (t) => {
    const cwd = t.testdir({})
    const made = node(cwd, 'catalogue', 'import', '--input', TYCHO, '--output', 'tycho2', '--quiet')
    t.equal(made.status, 0, made.stderr)
    const frames = [
      'imaging_wcs/panoptes/unsolved.fits',
      'imaging_wcs/panoptes/solved.fits.fz',
      'imaging_series/skycamz/z_e_20130610_210_1_1_1.fits',
    ]
    const hints = ['--set', 'pointing.radius=5', '--set', 'pointing.scale=3,12']
    const { status, stderr } = node(
      cwd,
      'astrometry',
      '-s',
      ...frames.map((path) => join(FIXTURES, path)),
      '-r',
      'out',
      '--catalogue',
      'tycho2',
      ...hints,
    )
    t.equal(status, 0, stderr)
    const off = apart(wcsIn(join(cwd, 'out/solved.fits')), wcsIn(join(FIXTURES, frames[1]!)), 700, 700)
    t.ok(off < 6, `${off} px from the solution that it came with, which bends in the corners`)
    const sky = wcsIn(join(cwd, 'out/z_e_20130610_210_1_1_1.fits'))
    const said = wcsIn(join(FIXTURES, frames[2]!))
    t.ok(apart(sky, said, 1024, 1024) * sky.scaleArcsec < 90, 'its own solution is good to a minute of arc')
    t.ok(
      sky.linear.matrix[0] * sky.linear.matrix[3] - sky.linear.matrix[1] * sky.linear.matrix[2] > 0,
      'a mirrored field',
    )
  },
)
