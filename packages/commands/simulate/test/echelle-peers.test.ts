import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lacking, lackingPython, PYTHON, scratch } from '@nightpipe/testing'
import t from 'tap'
import { lines, program, simulate } from './small.js'
import { preset } from './small-echelle.js'

const NIGHT = [
  ...['echelle', '--quiet', '--compress', '--config', preset('small'), '--output', 'night'],
  ...['bias.count=1', 'dark.count=0', 'flat.count=1', 'arc.count=1', 'star.frames=1'].flatMap((set) => ['--set', set]),
]

// One night serves both.
const cwd = scratch()
const night = await simulate(NIGHT, cwd)

t.test(
  'astropy reads the container as that of NRES, and finds the true flux in it',
  { skip: lackingPython('astropy') },
  async (t) => {
    t.equal(night.code, 0)
    writeFileSync(
      join(cwd, 'check.py'),
      `
import glob, warnings
import numpy as np
from astropy.io import fits
warnings.simplefilter('ignore')
flat = sorted(glob.glob('night/sml/nres91/20240312/raw/*-w00.fits.fz'))[0]
with fits.open(flat) as raw:
    names = [h.name for h in raw]
    image = raw['SPECTRUM'].data.astype(float)
    z = raw[1]._header
    print(','.join(names), raw['SPECTRUM'].header['OBJECTS'], image.shape, z['ZCMPTYPE'], z['ZBITPIX'], image.dtype.kind)
image = image[:, :512] - np.median(image[:, 518:], axis=1)[:, None]
name = flat.split('/')[-1].replace('.fits.fz', '')
truth = fits.open(glob.glob(f'night/truth/frames/{name}*')[0])
trace = fits.open(glob.glob('night/truth/traces.fits*')[0])['TRACE'].data + truth[0].header['DRIFTY']
flux, scattered = truth['FLUX'].data, truth['SCATTERED'].data
pulls = []
for order in range(1, 11):
    for x in range(40, 480, 5):
        middle = trace[:2, order, x].mean()
        low = int(round(middle)) - 11
        rows = image[low:low + 23, x]
        level = scattered[min(int(middle) // 16, 31), x // 16]
        both = flux[0, order, x] + flux[1, order, x]
        pulls.append((rows.sum() - 23 * level - both) / np.sqrt(rows.sum() + 23 * 25))
pulls = np.array(pulls)
print(len(pulls), np.median(pulls), 1.4826 * np.median(abs(pulls - np.median(pulls))))
`,
    )
    const { stdout, stderr } = (await program(PYTHON, ['check.py'], cwd))!
    const [container, numbers] = lines(stdout)
    const names = 'PRIMARY,SPECTRUM,EXPOSURE_METER,AGU_1,AGU_2,TELESCOPE_1,TELESCOPE_2'
    t.equal(container, `${names} tung&tung&none (512, 550) RICE_1 16 f`, stderr)
    const [count, median, scatter] = numbers!.split(' ').map(Number)
    t.equal(count, 880)
    // The response of pixels, 0.6 %, adds to the noise of photons: half of it again at 100000 electrons.
    t.ok(Math.abs(median!) < 0.25, `median ${median}`)
    t.ok(scatter! > 0.95 && scatter! < 1.5, `scatter ${scatter}`)
  },
)

t.test('fitsverify finds no fault in frames and truth', { skip: lacking('fitsverify') }, async (t) => {
  const files = readdirSync(join(cwd, 'night'), { recursive: true }).map(String)
  const fits = files.filter((file) => /\.fits(\.fz)?$/.test(file)).map((file) => join('night', file))
  t.ok(fits.length > 10)
  const { stdout } = (await program('fitsverify', ['-q', ...fits], cwd))!
  for (const line of lines(stdout)) t.match(line, /^verification OK/)
})

t.test(
  'astropy gives the barycentric velocities and times of a star that moves, through a year',
  { skip: lackingPython('astropy') },
  async (t) => {
    const sets = ['optics.orders=1', 'detector.height=32', 'detector.width=32', 'trace.centre=16', 'files.truth=tables']
    const none = ['bias', 'dark', 'flat', 'arc'].map((type) => `${type}.count=0`)
    const nights = ['night.nights=6', 'night.interval=60.2', 'sky.clouds=0']
    const flags = [...sets, ...none, ...nights].flatMap((set) => ['--set', set])
    const made = await simulate(['echelle', '--quiet', '-c', preset('year'), '-r', 'year', ...flags], cwd)
    t.equal(made.code, 0, made.stderr)
    writeFileSync(
      join(cwd, 'bary.py'),
      `
import csv, warnings
import numpy as np
warnings.simplefilter('ignore')
from astropy.utils import iers
iers.conf.auto_download = False
iers.conf.iers_degraded_accuracy = 'warn'
import astropy.units as u
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time
site = EarthLocation.from_geodetic(-70.8047, -30.1673, 2198)
star = SkyCoord(155.2 * u.deg, 31.4 * u.deg, pm_ra_cosdec=-1210 * u.mas / u.yr, pm_dec=480 * u.mas / u.yr,
    distance=1000 / 110 * u.pc, radial_velocity=-21.7 * u.km / u.s, obstime=Time('J2000'))
for row in csv.DictReader(open('year/truth/frames.csv')):
    time = Time(float(row['mjd_middle']), format='mjd', scale='utc')
    moved = star.apply_space_motion(new_obstime=time)
    place = SkyCoord(moved.ra, moved.dec)
    # the light comes evenly: the mean over the exposure
    pieces = Time(float(row['mjd']) + float(row['exposure_s']) / 86400 * (np.arange(9) + 0.5) / 9, format='mjd', scale='utc')
    velocity = np.mean([place.radial_velocity_correction(obstime=at, location=site).to_value('m/s') for at in pieces])
    there = Time(float(row['mjd_middle']), format='mjd', scale='utc', location=site)
    bjd = (there.tdb + there.light_travel_time(place)).jd
    print(float(row['barycentric_km_s']) * 1000 - velocity, (float(row['bjd_tdb']) - bjd) * 86400)
`,
    )
    const { stdout, stderr } = (await program(PYTHON, ['bary.py'], cwd))!
    const rows = lines(stdout).map((line) => line.split(' ').map(Number))
    t.equal(rows.length, 12, stderr)
    // 1 cm/s: light deflection by the Sun, and UT1 that an astropy without network does not know.
    t.ok(
      rows.every(([velocity]) => Math.abs(velocity!) < 0.015),
      JSON.stringify(rows),
    )
    t.ok(rows.every(([, seconds]) => Math.abs(seconds!) < 0.002))
  },
)
