import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { numberOf, readFrame } from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import { FIXTURES, lackingFixtures, lackingPython, PYTHON, scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { makeNight, named, reduction } from './support/night.js'

const RATIR = join(FIXTURES, 'imaging_raw/ratir_c1')
const noRatir = lackingFixtures('imaging_raw/ratir_c1')

t.test(
  'RATIR C1: masters are made of its calibrations, and the sky scatters by its noise',
  { skip: noRatir },
  async (t) => {
    const out = join(scratch(), 'out')
    const { code, stdout, stderr } = reduction(
      '-s',
      RATIR,
      '-r',
      out,
      ...set('instrument.profile=ratir-c1', 'frame.unit=adu'),
    )
    t.equal(code, 0, stderr)
    const products = stdout.trim().split('\n')
    t.equal(products.length, 5)
    for (const path of products) {
      const { pixels, error, mask, header } = readFrame(path)
      const sky = Float32Array.from(pixels.filter((_, p) => mask![p] === 0))
      const level = medianOf(sky)
      const sigma = 1.4826 * medianOf(sky.map((v) => Math.abs(v - level)))
      // raw frames have 4.69 adu; 2.42 of that is read noise
      t.ok(sigma < 2.97, `sigma of the sky ${sigma.toFixed(3)} adu`)
      t.ok(Math.abs(medianOf(error!) / sigma - 1) < 0.05, `error ${medianOf(error!).toFixed(3)} adu`)
      t.ok(Math.abs(numberOf(header, 'SKYSIG')! / sigma - 1) < 0.03, 'and the header says so')
    }
  },
)

t.test(
  'RATIR C1: pixels agree with ccdproc on the same masters',
  { skip: noRatir || lackingPython('ccdproc') },
  async (t) => {
    const folder = scratch()
    const out = join(folder, 'out')
    const off = set('instrument.profile=ratir-c1', 'frame.unit=adu', 'cosmic rays.method=none')
    t.equal(reduction('-s', RATIR, '-r', out, ...off).code, 0)
    writeFileSync(
      join(folder, 'theirs.py'),
      `
import sys, warnings, numpy as np, ccdproc
warnings.simplefilter('ignore')
from astropy.nddata import CCDData
from astropy.io import fits
from astropy import units as u
out, raw = sys.argv[1:]
read = lambda name, unit: CCDData(fits.getdata(out + '/calibrations/' + name).astype(float), unit=unit)
bias, dark, flat = read('bias_RATIR-C1_2x2.fits', 'adu'), read('dark_RATIR-C1_2x2.fits', 'adu'), read('flat_RATIR-C1_i_2x2.fits', 'adu')
ccd = CCDData(fits.getdata(raw).astype(float), unit='adu')
ccd = ccdproc.subtract_bias(ccd, bias)
ccd = ccdproc.subtract_dark(ccd, dark, dark_exposure=1 * u.s, data_exposure=10 * u.s, scale=True)
# by its values: flat_correct would divide by the mean once more
ccd = ccd.divide(flat.data)
ccd.data.astype(np.float32).tofile(out + '/theirs')`,
    )
    execFileSync(PYTHON, [join(folder, 'theirs.py'), out, join(RATIR, 'object/20130716T110452C1o.fits.gz')])
    const bytes = readFileSync(join(out, 'theirs'))
    const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    const { pixels } = readFrame(join(out, '20130716T110452C1o.fits'))
    let worst = 0
    let count = 0
    for (let p = 0; p < pixels.length; p++) {
      if (Number.isNaN(pixels[p])) continue
      count++
      // our arithmetic is float32: counts of 700 under a difference keep 4e-5, more where the flat is low
      worst = Math.max(worst, Math.abs(pixels[p] - theirs[p]) / (700 + Math.abs(theirs[p])))
    }
    t.ok(count > 0.999 * pixels.length)
    t.ok(worst < 1e-6, `largest difference ${worst.toExponential(1)} of the counts`)
  },
)

t.test(
  'errors agree with those of ccdproc where a pixel is what is expected of it',
  { skip: lackingPython('ccdproc') },
  async (t) => {
    const night = makeNight({ light: 5000, stars: 0, deep: 4 })
    const out = join(night.folder, 'out')
    t.equal(reduction('-s', night.raw, '-r', out, ...named(night)).code, 0)
    const script = `
import sys, numpy as np, ccdproc, warnings
warnings.simplefilter('ignore')
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy import units as u
raw, out, b, d, f = sys.argv[1:]
def master(path, unit):
    h = fits.open(path)
    return CCDData(h[0].data.astype(float), unit=unit, uncertainty=StdDevUncertainty(h['ERR'].data.astype(float)))
ccd = CCDData(fits.getdata(raw).astype(float), unit='adu')
data = ccd.data[:, :200] - np.mean(ccd.data[:, 200:])
bias, dark, flat = master(b, 'adu'), master(d, 'adu'), master(f, u.dimensionless_unscaled)
net = CCDData(data - bias.data, unit='adu')
net = ccdproc.create_deviation(net, gain=2 * u.electron / u.adu, readnoise=6 * u.electron)
net.uncertainty = StdDevUncertainty(np.hypot(net.uncertainty.array, bias.uncertainty.array))
net = net.subtract(dark.multiply(30))
net = net.divide(flat)
(2 * net.uncertainty.array).astype(np.float32).tofile(out + '/theirs')`
    execFileSync(PYTHON, ['-c', script, night.raw, out, ...night.masters])
    const bytes = readFileSync(join(out, 'theirs'))
    const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    const { error } = readFrame(join(out, 'm67.fits'))
    const ratios = Float32Array.from(error!, (e, p) => e / theirs[p])
    // theirs take each pixel's own value for its photons, so they scatter about ours
    t.ok(Math.abs(medianOf(ratios) - 1) < 0.003, `median ratio ${medianOf(ratios).toFixed(4)}`)
  },
)
