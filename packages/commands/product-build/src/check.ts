import { type Conducting, defineConductor, Exit } from '@nightpipe/command'
import { path } from '@nightpipe/config'
import { DataError } from '@nightpipe/files'
import { openFits } from '@nightpipe/fits'
import { cardOf, checkProduct, type Difference } from '@nightpipe/products'
import { alignColumns } from '@nightpipe/table'
import { findDescriptor, loadDescriptor } from './find-descriptor.js'

const schema = {
  check: {
    descriptor: path('', 'descriptor (JSON or tab-separated), or a folder of them; empty: those of configs/products'),
  },
}

/** A file against what it should be. */
export const checkProducts = defineConductor({
  name: 'product-build',
  subcommand: 'check',
  summary: 'products against their descriptors: what is missing, too much, of another type or unit, or out of range',
  description:
    'Reads the CARD of each file, finds its descriptor and prints every difference. Exit code 4 when there is one. Cards ' +
    'that FITS itself wants, NP_ cards and a PROVENANCE table are no differences; a keyword or cell without a value is none ' +
    'either.',
  examples: [
    { run: 'product-build check --input DT_GFT_FGFT.fits', doc: 'against the shipped descriptor' },
    { run: 'product-build check -s products/ --descriptor json/', doc: 'against ones of your own' },
  ],
  schema,
  flags: {
    descriptor: {
      type: 'text',
      doc: 'descriptor, or folder of descriptors',
      placeholder: 'PATH',
      config: 'check.descriptor',
    },
  },
  measurements: [],
  prints: true,
  conduct: check,
})

async function check(request: Conducting<typeof schema>): Promise<number> {
  let failed = 0
  let differing = 0
  for (const { path: file, shown } of request.inputs) {
    try {
      const { card, differences } = compare(file, request.config.check.descriptor)
      if (differences.length > 0) differing++
      if (request.json)
        await request.print(differences.map((one) => `${JSON.stringify({ file: shown, card, ...one })}\n`).join(''))
      else await request.print(told(shown, card, differences))
    } catch (error) {
      if (!(error instanceof DataError) && (error as Error).name !== 'FitsError') throw error
      failed++
      request.log.warn((error as Error).message)
    }
  }
  if (differing > 0) return Exit.verdictNo
  if (failed === 0) return Exit.done
  return failed === request.inputs.length ? Exit.noProduct : Exit.someFailed
}

function compare(file: string, folder: string): { card: string; differences: Difference[] } {
  const fits = openFits(file)
  try {
    const card = cardOf(fits)
    if (card === undefined && folder === '')
      throw new DataError(`${file} has no CARD`, 'say by --descriptor what it should be')
    const { descriptor } = loadDescriptor(findDescriptor(card ?? '', folder))
    return { card: descriptor.card, differences: checkProduct(fits, descriptor) }
  } finally {
    fits.close()
  }
}

function told(shown: string, card: string, differences: readonly Difference[]): string {
  if (differences.length === 0) return `${shown}: as ${card} wants it\n`
  const head = ['extension', 'name', 'difference', 'expected', 'found']
  const rows = differences.map(({ extension, name, kind, expected, found }) => [extension, name, kind, expected, found])
  const count = `${differences.length} difference${differences.length > 1 ? 's' : ''}`
  return `${shown}: ${count} from ${card}\n${alignColumns([head, ...rows])}\n`
}
