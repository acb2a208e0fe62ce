import { join } from 'node:path'
import { defineCommand, productPath, writeProduct } from '@nightpipe/command'
import { productHdus } from '@nightpipe/products'
import { loadDescriptor } from './find-descriptor.js'

/** The empty file of a product. */
export const templateProducts = defineCommand({
  name: 'product-build',
  subcommand: 'template',
  summary: 'the empty FITS of a product, from its descriptor: all keywords and columns, no row',
  description:
    'Makes <CARD>.fits of each descriptor (JSON or tab-separated): the keywords with their defaults, in order, and the ' +
    'tables with their columns, types and units, without rows. Texts without a default are empty; numbers and dates without one are left out: FITS has none that mean nothing.',
  examples: [{ run: 'product-build template --input json/DT_GFT_FGFT.json --output fits/', doc: 'one product' }],
  schema: {},
  measurements: [
    { name: 'card', type: 'text', doc: 'the product' },
    { name: 'keywords', type: 'integer', doc: 'keywords of headers' },
    { name: 'columns', type: 'integer', doc: 'columns of tables' },
  ],
  extensions: ['.json', '.tsv'],
  parallel: 'jobs',
  plan: ({ inputs, output }) => {
    const jobs = inputs
      .map(({ path, name }) => ({ path, name, ...loadDescriptor(path) }))
      .map(({ path, name, descriptor, files }) => ({
        ...{ name, inputs: [path], products: [join(output, `${descriptor.card}.fits`)] },
        ...{ parents: files.map((file) => ({ path: file, role: 'descriptor' })), params: {} },
      }))
    return { jobs }
  },
  job: (job, { context }) => {
    const { descriptor } = loadDescriptor(job.inputs[0]!)
    writeProduct(job.products[0]!, productHdus(descriptor), context, job.parents)
    const columns = descriptor.entries.filter(({ column }) => column !== undefined).length
    const measurements = { card: descriptor.card, keywords: descriptor.entries.length - columns, columns }
    const product = productPath(job.products[0]!, context)
    return [{ input: job.inputs[0]!, status: 'done', product, measurements }]
  },
})
