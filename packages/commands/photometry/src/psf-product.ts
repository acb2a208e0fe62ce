import { createHeader, type Header, type NewHdu, setCard } from '@nightpipe/fits'
import { type Psf, psfToTable } from '@nightpipe/stars'
import { withoutPlate } from './frame-header.js'

/** The HDUs of <stem>.psf.fits: the parameters of the model, and a picture of it in the middle of the field. */
export function psfHdus(frame: Header, psf: Psf): NewHdu[] {
  const { shape, norm, table, ...facts } = psfToTable(psf)
  const header = withoutPlate(frame)
  const parameters = createHeader()
  const set = (keyword: string, value: number, comment: string) => {
    if (Number.isFinite(value)) setCard(parameters, keyword, value, comment)
  }
  set('PSFNX', facts.width, '[pix] width of the frame')
  set('PSFNY', facts.height, '[pix] height of the frame')
  set('PSFHALF', facts.half, '[pix] half side of the model')
  set('PSFBETA', facts.beta, 'exponent of the Moffat profile')
  set('PSFORDER', facts.order, 'order of the polynomials over the field')
  set('PSFSTEP', facts.step, '[pix] spacing of the table')
  set('PSFNODES', facts.nodes, 'nodes of the table along a side')
  set('PSFSTARS', facts.stars, 'stars of the model')
  set('PSFCHI', facts.chi, 'their residuals over their noise')
  const size = 2 * facts.half + 1
  const picture = psf.render((facts.width - 1) / 2, (facts.height - 1) / 2, size)
  setCard(header, 'BUNIT', '1/pix', 'light of a star of flux 1')
  const vector = (name: string, values: Float64Array, comment: string) => ({
    ...{ name, values, comment, format: `${values.length}D` },
  })
  return [
    { kind: 'image', header, bitpix: -32, axes: [size, size], pixels: picture },
    {
      ...{ kind: 'table', name: 'PSF', header: parameters, rows: 1 },
      columns: [
        vector('SHAPE', shape, 'squared axes sxx, sxy, syy: terms over the field'),
        vector('NORM', norm, 'sum of the profile: terms over the field'),
        vector('TABLE', table, 'what the profile leaves: nodes for each term'),
      ],
    },
  ]
}
