// The model of the profile: one calibrated frame on disk to a model on disk, and the photometry of all its stars.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare as prepareStars } from './stars.mjs'

const frameOf = (data) => join(data, 'stars', 'frame.fits')
const fileOf = (data, name) => join(data, 'stars', name)

/** What psfex wants of source-extractor, and a shell line that runs both. */
export function prepare({ root, data, size, bin, run }) {
  prepareStars({ root, data, size, bin, run })
  const columns = ['NUMBER', 'X_IMAGE', 'Y_IMAGE', 'VIGNET(35,35)', 'FLUX_RADIUS', 'SNR_WIN', 'FLUX_APER(1)']
  const more = ['FLUXERR_APER(1)', 'ELONGATION', 'FLAGS']
  writeFileSync(fileOf(data, 'psf.param'), `${[...columns, ...more].join('\n')}\n`)
  const sex = [
    `source-extractor ${frameOf(data)} -c /usr/share/source-extractor/default.sex`,
    '-FILTER_NAME /usr/share/source-extractor/default.conv -STARNNW_NAME /usr/share/source-extractor/default.nnw',
    `-PARAMETERS_NAME ${fileOf(data, 'psf.param')} -CATALOG_TYPE FITS_LDAC -CATALOG_NAME ${fileOf(data, 'psf.cat')}`,
    '-PHOT_APERTURES 10 -VERBOSE_TYPE QUIET',
  ].join(' ')
  const psfex = `psfex ${fileOf(data, 'psf.cat')} -CHECKIMAGE_TYPE NONE -CHECKPLOT_TYPE NONE -WRITE_XML N -VERBOSE_TYPE QUIET -PSF_DIR ${join(data, 'stars')} -PSFVAR_DEGREES 2`
  if (!existsSync(fileOf(data, 'psf.sh'))) writeFileSync(fileOf(data, 'psf.sh'), `set -e\n${sex}\n${psfex}\n`)
}

export function works({ data, bin }) {
  const out = join(data, 'out', 'psf')
  return [
    {
      id: 'psf-model',
      title: 'model of the profile of a frame, of order 2 over the field',
      ours: {
        argv: [bin('photometry'), '-s', frameOf(data), '-r', out, '--quiet', '--set', 'psf.model=only'],
        output: [out],
      },
      peers: [
        {
          name: 'source-extractor + psfex',
          needs: ['source-extractor', 'psfex'],
          argv: ['sh', fileOf(data, 'psf.sh')],
          target: '0.5',
        },
      ],
    },
  ]
}
