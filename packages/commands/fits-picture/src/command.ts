import { basename, join } from 'node:path'
import { DataError, defineCommand, type Job, type Row, type Tools } from '@nightpipe/command'
import { choice, number, text } from '@nightpipe/config'
import { imageHdu, openFits, readPixels, textOf } from '@nightpipe/fits'
import { type Cuts, percentileCuts, pictureFigure, type Stretch, writeFigure, zscale } from '@nightpipe/plot'

const schema = {
  picture: {
    stretch: choice(
      'auto',
      ['auto', 'linear', 'asinh', 'log'],
      'from levels to grey; auto: linear with zscale, else asinh',
    ),
    cuts: choice('zscale', ['zscale', 'percentile', 'given'], 'how the darkest and brightest level are found'),
    low: number(0, 'darkest level when cuts are given', { unit: 'of the image' }),
    high: number(1, 'brightest level when cuts are given', { unit: 'of the image' }),
    side: number(900, 'largest side of the picture', { unit: 'px', min: 50, max: 8000 }),
    hdu: text('', 'name of the HDU, such as ERR or MASK; empty: the first image'),
    format: choice('png', ['png', 'svg'], 'kind of file'),
  },
}

type PictureTools = Tools<typeof schema>

/** A FITS image as a picture that opens anywhere. */
export const fitsPicture = defineCommand({
  name: 'fits-picture',
  summary: 'a FITS image as PNG or SVG, with a bar of its levels',
  description:
    'Makes one picture per image, its first row at the bottom, NaN in red. Levels are cut as DS9 does (zscale) unless ' +
    'told otherwise. Larger images are shrunk by averaging.',
  examples: [
    { run: 'fits-picture --input reduced/ --output pictures/', doc: 'a picture of every frame' },
    {
      run: 'fits-picture --input m67.fits --output . --set picture.hdu=ERR --set picture.cuts=percentile',
      doc: 'its errors',
    },
  ],
  schema,
  measurements: [
    { name: 'low', doc: 'level shown black' },
    { name: 'high', doc: 'level shown white' },
  ],
  parallel: 'jobs',
  plan: ({ inputs, output, config }) => ({
    jobs: inputs.map(({ path, name, stem }) => {
      const part = config.picture.hdu ? `-${config.picture.hdu}` : ''
      const products = [join(output, `${stem}${part}.${config.picture.format}`)]
      return { name, inputs: [path], products, parents: [{ path, role: 'image' }], params: {} }
    }),
  }),
  job: draw,
})

async function draw(job: Job, { config: { picture } }: PictureTools): Promise<Row[]> {
  const [input] = job.inputs
  const file = openFits(input)
  try {
    const hdu = imageHdu(file, picture.hdu || undefined)
    const [width, height] = hdu.axes
    const pixels = readPixels(hdu)
    if (!pixels.some(Number.isFinite))
      throw new DataError(`${basename(input)} holds no finite pixel`, 'nothing can be shown of it')
    const cuts = cutsOf(pixels, picture)
    const stretch: Stretch =
      picture.stretch === 'auto' ? (picture.cuts === 'zscale' ? 'linear' : 'asinh') : picture.stretch
    const unit = textOf(hdu.header, 'BUNIT') ?? ''
    const title = basename(input)
    await writeFigure(
      job.products[0],
      pictureFigure({ title, pixels, width, height, cuts, stretch, unit, side: picture.side }),
    )
    return [{ input, status: 'done', product: job.products[0], measurements: { low: cuts.low, high: cuts.high } }]
  } finally {
    file.close()
  }
}

function cutsOf(pixels: Float32Array, picture: PictureTools['config']['picture']): Cuts {
  if (picture.cuts === 'given') return { low: picture.low, high: picture.high }
  return picture.cuts === 'zscale' ? zscale(pixels) : percentileCuts(pixels)
}
