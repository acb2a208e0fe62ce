import { join } from 'node:path'
import { DataError, defineCommand, type Job, type Request, type Row, type Tools } from '@nightpipe/command'
import { FITS_EXTENSIONS, writeAtomically } from '@nightpipe/files'
import { buildField } from './build.js'
import { companionsOf } from './collect.js'
import { pageOf } from './page.js'
import { readEvent } from './read-event.js'
import { schema } from './schema.js'

interface PageJob {
  paths: string[]
  output: string
}

/** A page for each field: images, catalogue, light curves, candidates. */
export const summary = defineCommand({
  name: 'summary',
  summary: 'a page for each field: images, catalogue, light curves, candidates',
  description:
    'Collects what the other commands made of a field into one HTML page that needs nothing else, and its facts into a ' +
    'JSON: the deepest image in each filter with its catalogue and the candidates over it, the candidates with their ' +
    'stamps (new, reference, difference), light curves (since the event, where its time is known), the course of seeing, ' +
    'sky and zero point, warnings, and links to all products. The page opens from the disk, on a phone too.',
  examples: [
    { run: 'summary --input red/GRB260101A/ --output red/GRB260101A/summary', doc: 'all products below a folder' },
    { run: 'summary -s red/m67/ -r pages/m67 --t0 2026-01-01T02:03:04', doc: 'light curves since an event' },
  ],
  schema,
  flags: {
    title: { type: 'text', doc: 'title of the page', config: 'page.title' },
    trigger: { type: 'text', doc: 'trigger file of the event', config: 'event.trigger', placeholder: 'FILE' },
    t0: { type: 'text', doc: 'time of the event', config: 'event.t0', placeholder: 'DATE' },
  },
  extensions: [...FITS_EXTENSIONS, '.csv'],
  measurements: [
    { name: 'pictures', doc: 'pictures on the page', type: 'integer' },
    { name: 'frames', doc: 'frames that were measured', type: 'integer' },
    { name: 'candidates', doc: 'candidates in the table', type: 'integer' },
    { name: 'curves', doc: 'light curves drawn', type: 'integer' },
    { name: 'warnings', doc: 'warnings on the page', type: 'integer' },
  ],
  parallel: 'strips',
  plan({ inputs, output, config }: Request<typeof schema>) {
    if (inputs.length === 0) throw new DataError('there are no products to show', 'give the folder of a field')
    const products = ['html', 'json'].map((extension) => join(output, `${config.page.name}.${extension}`))
    // Figures are products too, and are handed on in a pipe: they have nothing to tell us.
    const told = inputs.filter(({ path }) => !/\.(svg|png|html|json|txt)$/i.test(path))
    const paths = [...new Set(told.flatMap(({ path }) => [path, ...companionsOf(path)]))].sort()
    const { trigger } = config.event
    const parents = [
      ...paths.map((path) => ({ path, role: 'product' })),
      ...(trigger ? [{ path: trigger, role: 'trigger' }] : []),
    ]
    readEvent(trigger) // a wrong one is told before the first picture is drawn
    return { jobs: [{ name: 'page', inputs: [], products, parents, params: { paths, output } }] }
  },
  job: makePage,
})

function makePage({ products, params }: Job<PageJob>, { config, profile }: Tools<typeof schema>): Row[] {
  const built = buildField({ ...params, config, profile })
  const { field } = built
  writeAtomically(products[1]!, `${JSON.stringify(field, null, 1)}\n`)
  writeAtomically(products[0]!, pageOf(built, config.event.linear))
  const measurements = {
    ...{ pictures: field.pictures.length, frames: field.frames.length, candidates: field.candidates.length },
    ...{ curves: field.curves.length, warnings: field.warnings.length },
  }
  return products.map((product) => ({ input: 'page', status: 'done', product, measurements }))
}
