import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lacking, lackingPython, PYTHON, scratch } from '@nightpipe/testing'
import t from 'tap'
import { program, simulate } from './small.js'

const NIGHT = [
  ...['imaging', '--quiet', '--output', 'night', '--set', 'detector.width=560', '--set', 'detector.height=520'],
  ...['--set', 'bias.count=1', '--set', 'dark.count=0', '--set', 'flat.count=0', '--set', 'flat.saturated=0'],
  ...[
    '--set',
    'field.frames=2',
    '--set',
    'field.stars=200',
    '--set',
    'telescope.rotation=33',
    '--set',
    'files.wcs=exact',
  ],
  ...['--set', 'detector.prescan=6', '--set', 'telescope.trailed frames=0', '--set', 'events.satellites=0'],
]

const rowsOf = (path: string) => {
  const [head, ...rows] = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  return rows.map((row) => Object.fromEntries(head!.map((name, k) => [name, row[k]!])))
}

t.test(
  'astropy finds every star where the truth says, in the image and in the raw frame',
  {
    skip: lackingPython('astropy'),
  },
  async (t) => {
    const cwd = scratch()
    t.equal((await simulate(NIGHT, cwd)).code, 0)
    writeFileSync(
      join(cwd, 'check.py'),
      `
import csv, sys, warnings
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
warnings.simplefilter('ignore')
for name in ['object-0002', 'object-0005']:
    stars = list(csv.DictReader(open(f'night/truth/stars/{name}.csv')))
    sky = np.array([[float(s['ra_deg']), float(s['dec_deg'])] for s in stars])
    image = np.array([[float(s['x_px']), float(s['y_px'])] for s in stars])
    raw = np.array([[float(s['x_fits']), float(s['y_fits'])] for s in stars])
    with fits.open(f'night/truth/frames/{name}.fits') as truth:
        a = np.abs(WCS(truth['MASK'].header).all_world2pix(sky, 0) - image).max()
    with fits.open(f'night/{name}.fits') as frame:
        b = np.abs(WCS(frame[0].header).all_world2pix(sky, 1) - raw).max()
    print(len(stars), a, b)
`,
    )
    const { code, stdout, stderr } = (await program(PYTHON, ['check.py'], cwd))!
    t.equal(code, 0, stderr)
    for (const line of stdout.trim().split('\n')) {
      const [count, image, raw] = line.split(' ').map(Number) as [number, number, number]
      t.ok(count > 50)
      t.ok(image < 2e-4 && raw < 2e-4, `${line} (the CSV keeps four digits)`)
    }
  },
)

t.test(
  'source-extractor finds the bright stars at their places with their fluxes',
  {
    skip: lacking('source-extractor'),
  },
  async (t) => {
    const cwd = scratch()
    await simulate([...NIGHT, '--set', 'detector.non-linearity=0', '--set', 'telescope.vignetting=0'], cwd)
    writeFileSync(join(cwd, 's.param'), 'XWIN_IMAGE\nYWIN_IMAGE\nFLUX_APER(1)\nFLAGS\n')
    writeFileSync(join(cwd, 's.conv'), 'CONV NORM\n1 2 1\n2 4 2\n1 2 1\n')
    const settings = { CATALOG_NAME: 's.cat', PARAMETERS_NAME: 's.param', FILTER_NAME: 's.conv', DETECT_THRESH: '5' }
    const args = Object.entries({ ...settings, PHOT_APERTURES: '24', SATUR_LEVEL: '50000' }).flatMap(([k, v]) => [
      `-${k}`,
      v,
    ])
    const { code } = (await program('source-extractor', ['night/object-0003.fits', ...args], cwd))!
    t.equal(code, 0)
    const found = readFileSync(join(cwd, 's.cat'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
    const stars = rowsOf(join(cwd, 'night/truth/stars/object-0003.csv')).map((row) => ({
      ...{ x: Number(row.x_fits), y: Number(row.y_fits), flux: Number(row.flux_adu) },
    }))
    const apart = (a: { x: number; y: number }, b: { x: number; y: number }) => Math.hypot(a.x - b.x, a.y - b.y)
    const lonely = stars.filter((star) => {
      const margin = star.x > 30 && star.y > 25 && star.x < 540 && star.y < 495
      return (
        margin &&
        star.flux > 4000 &&
        star.flux < 250000 &&
        !stars.some((o) => o !== star && apart(o, star) < 24 && o.flux > 0.01 * star.flux)
      )
    })
    t.ok(lonely.length > 8, `${lonely.length} stars to compare`)
    const matched = lonely.flatMap((star) => {
      const near = found.find(([x, y]) => Math.hypot(x! - star.x, y! - star.y) < 1)
      return near ? [{ off: Math.hypot(near[0]! - star.x, near[1]! - star.y), ratio: near[2]! / star.flux }] : []
    })
    t.ok(matched.length >= lonely.length - 2, `${matched.length} of ${lonely.length} found`) // a defect may sit on one
    const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
    t.ok(middle(matched.map(({ off }) => off)) < 0.06, 'median offset in pixels')
    // An aperture of 24 px holds 98.6 % of this profile.
    t.ok(Math.abs(middle(matched.map(({ ratio }) => ratio)) - 0.986) < 0.03, 'median flux ratio')
  },
)

t.test(
  'fitsverify has nothing against frames and truth',
  {
    skip: lacking('fitsverify'),
  },
  async (t) => {
    const cwd = scratch()
    await simulate([...NIGHT, '--set', 'files.light=yes'], cwd)
    const files = ['object-0003.fits', 'bias-0001.fits', 'truth/stars.fits', 'truth/bias.fits', 'truth/flat_g.fits']
    for (const file of [
      ...files,
      'truth/frames/object-0003.fits',
      'truth/frames/bias-0001.fits',
      'truth/light/object-0003.fits',
    ]) {
      const { stdout } = (await program('fitsverify', [join('night', file)], cwd))!
      t.match(stdout, /found 0 warning\(s\) and 0 error\(s\)/, file)
    }
  },
)
