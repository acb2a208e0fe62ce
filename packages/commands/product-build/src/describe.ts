import { basename, join } from 'node:path'
import { DataError, defineCommand, type Job, type Row, type Tools } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import {
  descriptorJson,
  type Fault,
  METADATA_COLUMNS,
  metadataEntries,
  metadataJson,
  parseDescriptor,
} from '@nightpipe/products'
import { readText, setReader, told } from './find-descriptor.js'

const schema = {}
type Kind = 'descriptor' | 'metadata' | 'set'

/** Tab-separated descriptions into JSON. */
export const describeProducts = defineCommand({
  name: 'product-build',
  subcommand: 'describe',
  summary: 'descriptors of products from tab-separated text to JSON, with every fault and its line',
  description:
    'Reads descriptors (rows CARD, [HDU] sections, a row for each keyword and column, [imported keywords] for shared sets), ' +
    'and sets of keywords for the import of metadata (eight columns: name, description, format, unit, default value, ' +
    'expected value, remark, SdB). Makes <CARD>.json and sdb_upload_<name>.json. All faults of a file are told in one run, ' +
    'each with its line: keywords that stand twice, names that no header can have, tables without columns, gaps between ' +
    'columns, rows of the wrong length, unknown types, defaults that are not of their type or out of their range. Shared ' +
    'sets among the files are checked, and make no JSON.',
  examples: [
    { run: 'product-build describe --input tsv/ --output json/', doc: 'a folder of descriptors' },
    { run: 'product-build describe -s DT_GFT_FGFT.tsv -r json/', doc: 'one of them' },
  ],
  schema,
  measurements: [
    { name: 'kind', type: 'text', doc: 'descriptor, metadata or set' },
    { name: 'keywords', type: 'integer', doc: 'keywords of headers' },
    { name: 'columns', type: 'integer', doc: 'columns of tables' },
    { name: 'faults', type: 'integer', doc: 'what is wrong with it' },
  ],
  extensions: ['.tsv', '.txt'],
  parallel: 'jobs',
  plan: ({ inputs, output }) => ({
    jobs: inputs.map(({ path, name, stem }) => {
      const kind = kindOfFile(path)
      const base = basename(stem).replace(/\.(tsv|txt)$/i, '')
      const products = { descriptor: [`${base}.json`], metadata: [`sdb_upload_${base}.json`], set: [] }[kind]
      return {
        ...{ name, inputs: [path], products: products.map((file) => join(output, file)) },
        ...{ parents: [{ path, role: 'description' }], params: { kind } },
      }
    }),
  }),
  job: describeOne,
})

/** A file that cannot be read is told of when its turn comes, and stops no other. */
function kindOfFile(path: string): Kind {
  try {
    return kindOf(readText(path))
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return 'descriptor'
  }
}

/** What a file is, by its rows: a whole product, a set for the import of metadata, or a shared set. */
function kindOf(text: string): Kind {
  const rows = text.split(/\r\n|\n|\r/).filter((row) => row.trim() !== '' && !row.startsWith('#'))
  if (rows.some((row) => /^"?(card\t|\[)/i.test(row.replace(/^\ufeff/, '')))) return 'descriptor'
  const head = rows[0]?.toLowerCase() ?? ''
  const named = METADATA_COLUMNS.filter((name) => head.split('\t').includes(name.toLowerCase())).length
  return head.includes('data_type') ? 'set' : named >= 4 ? 'metadata' : 'descriptor'
}

async function describeOne(job: Job<{ kind: Kind }>, { log }: Tools<typeof schema>): Promise<Row[]> {
  const [input] = job.inputs as [string]
  const { kind } = job.params
  const { json, keywords, columns, faults } = read(input, kind)
  const measurements = { kind, keywords, columns, faults: faults.length }
  if (faults.length > 0) for (const line of told(faults).split('\n')) log.warn(line)
  if (faults.length > 0) {
    const count = faults.length === 1 ? 'a fault' : `${faults.length} faults, the first`
    const [{ line, message, file }] = faults as [Fault]
    const where = file === basename(input) ? `line ${line}` : `line ${line} of ${file}`
    return [{ input, status: 'failed', reason: `${count} in ${where}: ${message}`, measurements }]
  }
  const [product] = job.products
  if (!product) return [{ input, status: 'done', measurements }]
  writeAtomically(product, `${JSON.stringify(json, undefined, 2)}\n`)
  return [{ input, status: 'done', product, measurements }]
}

function read(path: string, kind: Kind) {
  const text = readText(path)
  const name = basename(path)
  if (kind === 'metadata') {
    const { entries, faults } = metadataEntries(text, name, 'metadata')
    return { json: metadataJson(entries), keywords: entries.length, columns: 0, faults }
  }
  const sets = setReader(path)
  // A shared set is checked as a product that imports it, and nothing else.
  const whole = kind === 'set' ? shell(name, text) : text
  const { descriptor, faults } = parseDescriptor(whole, name, kind === 'set' ? () => text : sets.read)
  const own = kind === 'set' ? faults.filter(({ file, line }) => file === SET && line > 0) : faults
  const columns = descriptor.entries.filter(({ column }) => column !== undefined).length
  return {
    json: descriptorJson(descriptor),
    ...{ keywords: descriptor.entries.length - columns, columns },
    faults: own.map((fault) => (fault.file === SET ? { ...fault, file: name } : fault)),
  }
}

const SET = 'the set itself'

/** A product around a shared set: in its table if the set has columns, else in its primary header. */
function shell(name: string, text: string): string {
  if (text.trim() === '') throw new DataError(`${name} is empty`)
  const place = /\[\s*col\s*#/i.test(text) ? '[HDU]\tTABLE\n' : ''
  return `CARD\tcard\t${name}\nCARD\tinstrument\tany\n[HDU]\tPrimaryHDU\n${place}[imported keywords]\t${SET}\n`
}
