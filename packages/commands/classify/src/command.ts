import { join } from 'node:path'
import { defineCommand, type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { number } from '@nightpipe/config'
import { readFrame } from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import { addLevel } from './add-level.js'

// Every key of classify.ini, once. Parsing, --help, the sample INI and the manual page all come from this object.
const schema = {
  level: {
    add: number(0, 'constant to add to every pixel', { unit: 'adu' }),
  },
}

/** temperature, gravity, metallicity and rotation of stars, by comparison with templates. */
export const classify = defineCommand({
  name: 'classify',
  summary: 'temperature, gravity, metallicity and rotation of stars, by comparison with templates',
  description: 'Adds a constant to every pixel of every frame: replace this by what the command is for.',
  examples: [{ run: 'classify --input raw/ --output out/ --set level.add=100', doc: 'all frames of a folder' }],
  schema,
  measurements: [{ name: 'median_adu', unit: 'adu', doc: 'median of the product' }],
  parallel: 'jobs',
  // Headers only: what cannot work is refused here.
  plan: ({ inputs, output }) => ({
    jobs: inputs.map(({ name, path, stem }) => ({
      name,
      inputs: [path],
      products: [join(output, `${stem}.fits`)],
      parents: [{ path, role: 'frame' }],
      params: {},
    })),
  }),
  job: shiftFrame,
})

/** Reads a frame, changes it, writes it: disk at both ends, science in the middle. */
function shiftFrame({ inputs, products, parents }: Job, { config, context }: Tools<typeof schema>): Row[] {
  const [input, product] = [inputs[0]!, products[0]!]
  const { header, width, height, pixels } = readFrame(input)
  const shifted = addLevel(pixels, config.level.add)
  writeProduct(
    product,
    [{ kind: 'image', header, bitpix: -32, axes: [width, height], pixels: shifted }],
    context,
    parents,
  )
  return [{ input, status: 'done', product, measurements: { median_adu: medianOf(shifted) } }]
}
