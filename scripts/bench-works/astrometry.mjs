// Astrometry against the peers: one frame from its pixels to its WCS, and ten frames from their tables of stars to WCSs with a
// common distortion. Peers get the same frames, the same pointing and scale, and the same references (as an index of
// astrometry.net, as a FITS-LDAC catalogue of SCAMP). Ours writes the header alone, as they do, and no plot.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { starFrames } from '../truth/star-frames.mjs'

const COLUMNS = [
  ...['XWIN_IMAGE', 'YWIN_IMAGE', 'ERRAWIN_IMAGE', 'ERRBWIN_IMAGE', 'ERRTHETAWIN_IMAGE', 'FLUX_AUTO', 'FLUXERR_AUTO'],
  ...['FLAGS', 'FLUX_RADIUS', 'ELONGATION', 'SNR_WIN', 'FLUX_MAX'],
]

const folderOf = (data) => join(data, 'astrometry')

export function prepare({ root, data, size, bin, run }) {
  const folder = folderOf(data)
  if (existsSync(join(folder, 'ready'))) return
  mkdirSync(join(folder, 'one'), { recursive: true })
  starFrames(folder, { size, count: 10, stars: Math.round((2000 * size * size) / 4096 ** 2) })
  symlinkSync(join(folder, 'frames/field00.fits'), join(folder, 'one/field00.fits'))
  run([bin('catalogue'), 'import', '-s', join(folder, 'stars.csv'), '-r', join(folder, 'catalogue'), '--quiet'])
  run([bin('findstars'), '-s', join(folder, 'frames'), '-r', join(folder, 'tables'), '--quiet'])
  writeSettings(folder, join(root, 'scripts/peers'), size)
  writeFileSync(join(folder, 'ready'), '')
}

/** Configurations of source-extractor, solve-field and scamp, and a script for each chain. */
function writeSettings(folder, peers, size) {
  const write = (name, ...lines) => writeFileSync(join(folder, name), `${lines.join('\n')}\n`)
  write('se.param', ...COLUMNS)
  for (const [name, type] of [
    ['se.sex', 'FITS_1.0'],
    ['ldac.sex', 'FITS_LDAC'],
  ]) {
    write(
      name,
      `CATALOG_TYPE ${type}`,
      `PARAMETERS_NAME ${join(folder, 'se.param')}`,
      'FILTER N',
      'DETECT_THRESH 5',
      'VERBOSE_TYPE QUIET',
    )
  }
  write('solve.cfg', `add_path ${join(folder, 'index')}`, 'autoindex', 'cpulimit 60')
  const scale = '--scale-units arcsecperpix --scale-low 0.35 --scale-high 0.47 --ra 123.42 --dec 21.48 --radius 2'
  const columns = '--x-column XWIN_IMAGE --y-column YWIN_IMAGE --sort-column FLUX_AUTO'
  write(
    'solve.sh',
    'set -e',
    `[ -d index ] || { mkdir index; python3() { /usr/bin/python3 "$@"; }; python3 ${join(peers, 'reference_tables.py')} stars.csv; build-astrometry-index -i stars-ref.fits -A RA -D DEC -S MAG -E -o index/index-bench.fits -P 4 -I 1 > /dev/null; }`,
    'source-extractor one/field00.fits -c se.sex -CATALOG_NAME se.fits',
    `solve-field --config solve.cfg --overwrite --no-plots --dir solved ${columns} --width ${size} --height ${size} ${scale} --no-verify se.fits > solve.log 2>&1`,
    '[ -f solved/se.wcs ]',
  )
  write(
    'scamp.sh',
    'set -e',
    `[ -f stars-ref.cat ] || /usr/bin/python3 ${join(peers, 'reference_tables.py')} stars.csv`,
    `[ -f ldac09.cat ] || for k in 00 01 02 03 04 05 06 07 08 09; do source-extractor frames/field$k.fits -c ldac.sex -CATALOG_NAME ldac$k.cat; /usr/bin/python3 ${join(peers, 'rough_wcs.py')} frames/field$k.fits ldac$k.ahead; done`,
    'scamp ldac*.cat -ASTREF_CATALOG FILE -ASTREFCAT_NAME stars-ref.cat -ASTREFCENT_KEYS RA,DEC -ASTREFERR_KEYS ERRA,ERRB,ERRT -ASTREFMAG_KEY MAG -POSITION_MAXERR 3 -PIXSCALE_MAXERR 1.2 -POSANGLE_MAXERR 30 -DISTORT_DEGREES 3 -SOLVE_PHOTOM N -CHECKPLOT_TYPE NONE -WRITE_XML N -VERBOSE_TYPE QUIET -NTHREADS 2',
  )
}

export function works({ data, bin }) {
  const folder = folderOf(data)
  const out = join(data, 'out', 'astrometry')
  const ours = [
    '--catalogue',
    join(folder, 'catalogue'),
    '--quiet',
    '--set',
    'catalogue.epoch=2000',
    '--set',
    'products.plot=no',
  ]
  return [
    {
      id: 'plate-solution',
      title: 'plate solution with hints, image to WCS',
      ours: {
        argv: [bin('astrometry'), '-s', join(folder, 'one'), '-r', out, ...ours, '--set', 'products.write=header'],
        output: [out],
      },
      peers: [
        {
          name: 'source-extractor + solve-field',
          target: '0.6',
          needs: ['source-extractor', 'solve-field', 'build-astrometry-index'],
          argv: ['sh', 'solve.sh'],
          cwd: folder,
        },
      ],
    },
    {
      id: 'astrometric-fit',
      title: 'astrometric fit of 10 frames, common distortion, from tables of stars',
      ours: {
        argv: [
          bin('astrometry'),
          '-s',
          join(folder, 'tables'),
          '-r',
          out,
          ...ours,
          '--set',
          'fit.common=yes',
          '--set',
          'catalogue.error=30',
        ],
        output: [out],
      },
      peers: [
        { name: 'scamp', target: '0.1', needs: ['scamp', 'source-extractor'], argv: ['sh', 'scamp.sh'], cwd: folder },
      ],
    },
  ]
}
