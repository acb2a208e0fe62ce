// Finding stars: one calibrated frame on disk to a catalogue on disk, in each of source-extractor's usual modes.
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare as prepareNight } from './calibration.mjs'

const frameOf = (data) => join(data, 'stars', 'frame.fits')
const settingsOf = (data) => join(data, 'stars', 'sex')

/** Reduces one frame of the night, and writes what source-extractor wants to be told. */
export function prepare({ root, data, size, bin, run }) {
  prepareNight({ root, data, size, bin, run })
  const folder = settingsOf(data)
  mkdirSync(folder, { recursive: true })
  if (!existsSync(frameOf(data))) {
    const made = join(data, 'stars', 'reduced')
    const keys = [`calibration.folder=${join(data, 'bank')}`, 'frame.error=no', 'frame.mask=no']
    run([bin('reduction'), '-s', join(data, 'one'), '-r', made, '--quiet', ...keys.flatMap((key) => ['--set', key])])
    const [name] = readdirSync(made).filter((file) => file.endsWith('.fits'))
    renameSync(join(made, name), frameOf(data))
  }
  const common = ['NUMBER', 'X_IMAGE', 'Y_IMAGE', 'FLUX_AUTO', 'FLUXERR_AUTO', 'FLUX_APER(3)', 'FLUXERR_APER(3)']
  const shapes = [
    'A_IMAGE',
    'B_IMAGE',
    'THETA_IMAGE',
    'KRON_RADIUS',
    'FLUX_RADIUS',
    'FWHM_IMAGE',
    'ELONGATION',
    'FLAGS',
  ]
  const plain = [...common, ...shapes]
  writeFileSync(join(folder, 'plain.param'), `${plain.join('\n')}\n`)
  writeFileSync(join(folder, 'windowed.param'), `${[...plain, 'XWIN_IMAGE', 'YWIN_IMAGE'].join('\n')}\n`)
}

export function works({ data, bin, python }) {
  const out = (name) => join(data, 'out', name)
  const ours = (name, ...more) => ({
    argv: [bin('findstars'), '-s', frameOf(data), '-r', out(name), '--quiet', ...more],
    output: [out(name)],
  })
  const peer = (name, parameters, ...more) => ({
    name,
    needs: ['source-extractor'],
    argv: [
      ...['source-extractor', frameOf(data), '-c', '/usr/share/source-extractor/default.sex'],
      ...['-FILTER_NAME', '/usr/share/source-extractor/default.conv'],
      ...['-STARNNW_NAME', '/usr/share/source-extractor/default.nnw', '-CATALOG_TYPE', 'FITS_1.0'],
      ...['-PARAMETERS_NAME', join(settingsOf(data), parameters), '-CATALOG_NAME', join(data, 'stars', 'sex.cat')],
      ...['-PHOT_APERTURES', '5,10,20', '-VERBOSE_TYPE', 'QUIET', ...more],
    ],
    target: '0.6',
  })
  const deep = ['-FILTER_NAME', '/usr/share/source-extractor/gauss_3.0_7x7.conv', '-DETECT_MINAREA', '1']
  return [
    {
      id: 'find-stars',
      title: 'background, detection, deblending, AUTO + 3 apertures, windowed positions',
      ours: ours('find'),
      peers: [
        peer('source-extractor', 'windowed.param'),
        peer('source-extractor, matched filter at 5 sigma', 'windowed.param', ...deep, '-DETECT_THRESH', '1.35'),
        peer('source-extractor without windowed positions', 'plain.param'),
        {
          name: 'sep',
          needs: [python],
          check: [python, '-c', 'import sep'],
          argv: [
            ...[python, '-c'],
            'import sys,numpy as np,sep;from astropy.io import fits;' +
              'sep.set_extract_pixstack(10**7);d=np.ascontiguousarray(fits.getdata(sys.argv[1]).astype("f4"));' +
              'b=sep.Background(d);b.subfrom(d);o=sep.extract(d,1.5*b.globalrms);x,y=o["x"],o["y"];' +
              'k,_=sep.kron_radius(d,x,y,o["a"],o["b"],o["theta"],6);' +
              'f=sep.sum_ellipse(d,x,y,o["a"],o["b"],o["theta"],2.5*np.maximum(k,.1),err=b.globalrms)[0];' +
              'c=[sep.sum_circle(d,x,y,r,err=b.globalrms)[0] for r in (2.5,5,10)];' +
              'r,_=sep.flux_radius(d,x,y,6*o["a"],.5,normflux=f);w=sep.winpos(d,x,y,.85*r);' +
              'np.savez(sys.argv[2],o,f,np.array(c),w[0],w[1])',
            frameOf(data),
            join(data, 'stars', 'sep.npz'),
          ],
          target: '0.6',
        },
      ],
    },
    {
      id: 'find-stars-classic',
      title: 'the same as SExtractor does it, its sources and sums',
      ours: ours('find-classic', '--set', 'detection.method=sextractor'),
      peers: [peer('source-extractor', 'windowed.param')],
    },
  ]
}
