import { join } from 'node:path'
import { type Conducting, VERSION } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { formatCsv } from '@nightpipe/table'
import { compareProducts } from './compare-products.js'
import { configChanges } from './config-changes.js'
import { countStates, type Difference, differencesTable, tableRow } from './differences.js'
import { matchSources, sourcesOf } from './match-sources.js'
import type { BurstFacts, OldProduct } from './old-products.js'
import { page } from './page.js'
import { drawPictures, type Shown } from './pictures.js'
import { readProduct } from './read-product.js'
import type { schema } from './schema.js'
import { writeSeal } from './seal.js'
import type { StoreAccess } from './store-client.js'
import { imagePairs } from './workspace.js'

/** What there is to compare. */
export interface Made {
  old: readonly OldProduct[]
  facts: BurstFacts
  /** new products and charts */
  made: readonly string[]
  store: StoreAccess
  before?: string
  after: string
}

/** Compares, draws, writes the page, and seals it all. */
export async function writeReport(
  { config, output, log }: Conducting<typeof schema>,
  { old, facts, made, store, before, after }: Made,
): Promise<{ counts: ReturnType<typeof countStates>; files: string[] }> {
  const left = old.map((one) => readProduct(join(output, 'old', one.file)))
  const right = made.filter((path) => path.endsWith('.fits')).map((path) => readProduct(path))
  const [was, is] = [sourcesOf(left), sourcesOf(right)]
  const names = matchSources(was, is, config.compare.radius)
  const cards = [...new Set([...left, ...right].map(({ card }) => card))].sort()
  const differences = cards.flatMap((card) => {
    const of = (all: typeof left) => all.find((one) => one.card === card)
    return compareProducts(card.split('_')[0]!, of(left), of(right), names)
  })
  const counts = countStates(differences)
  writeDifferences(output, differences)
  const { fields } = config.pipeline
  const renamed = is.map((one): Shown => ({ name: names.get(one.name) ?? one.name, new: one }))
  const shown = [
    ...renamed.map((one) => ({ ...one, old: was.find(({ name }) => name === one.name) })),
    ...was.filter(({ name }) => !renamed.some((one) => one.name === name)).map((one) => ({ name: one.name, old: one })),
  ]
  const pairs = imagePairs(before, after, fields)
  if (before === undefined) log.info('no images of the earlier pipeline: --before or --before-pipeline shows them too')
  const pictures = await drawPictures(join(output, 'pictures'), pairs, shown, config.pictures)
  const changes = before === undefined ? undefined : configChanges(before, after)
  const charts = made.filter((path) => path.endsWith('.png')).map((path) => path.slice(output.length + 1))
  const text = page({ facts, store: store.url, old, counts, differences, pictures, changes, charts })
  writeAtomically(join(output, 'index.html'), text)
  const replaces = old.map(({ card, id, version, sha256, file }) => ({ card, id, version, sha256, file }))
  const { burst, observationId: observation, processing } = facts
  const facts2 = { burst, observation, store: store.url, processing, version: VERSION, differences: counts, replaces }
  const { files } = writeSeal(output, facts2)
  return { counts, files: Object.keys(files).map((file) => join(output, file)) }
}

function writeDifferences(output: string, differences: readonly Difference[]): void {
  const names = differencesTable.columns.map(({ name }) => name)
  const rows = differences.map((one) => {
    const row = tableRow(one) as Record<string, string | number | undefined>
    return names.map((name) => String(row[name] ?? ''))
  })
  writeAtomically(join(output, 'differences.csv'), formatCsv([names, ...rows]))
  writeAtomically(join(output, 'differences.json'), `${JSON.stringify(differences, null, 1)}\n`)
}
