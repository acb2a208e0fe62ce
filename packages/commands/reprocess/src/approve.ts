import { join, relative } from 'node:path'
import { type Conducting, DataError, Exit, runCommand } from '@nightpipe/command'
import { defineTable, readTable, upsertRows } from '@nightpipe/table'
import { readProduct } from './read-product.js'
import type { schema } from './schema.js'
import { brokenSeals, readSeal, type Seal } from './seal.js'
import { newestOfBurst, type StoreAccess, type Stored, storeAccess } from './store-client.js'

type Ask = Conducting<typeof schema>

/** What was published of a folder. */
export const publishedTable = defineTable({
  name: 'published.csv',
  doc: 'the products of a re-processing that the store has taken',
  columns: [
    { name: 'card', type: 'text', doc: 'kind of product', required: true },
    { name: 'file', type: 'text', doc: 'the file, below this folder', required: true },
    { name: 'sha256', type: 'text', doc: 'of the file', required: true },
    { name: 'id', type: 'integer', doc: 'its number in the store', required: true },
    { name: 'version', type: 'integer', doc: 'its version there', required: true },
    { name: 'replaces', type: 'integer', doc: 'number of the product that it takes the place of', required: true },
    { name: 'approved_utc', type: 'text', doc: 'when it was acknowledged', required: true },
  ],
  key: ['card'],
})

const published = (output: string) => readTable(join(output, publishedTable.name), publishedTable, { orEmpty: true })

/** True when everything of the report was published. */
export function wasPublished(output: string): boolean {
  const rows = published(output)
  return rows.length > 0 && rows.length === newProducts(readSeal(output)).length
}

const newProducts = ({ files }: Seal) =>
  Object.entries(files).flatMap(([file, sha256]) => (/^new\/.*\.fits$/.test(file) ? [{ file, sha256 }] : []))

/** Sends what the report shows, if it is still what is there, and if the store still has what it replaces. */
export async function approve(request: Ask): Promise<number> {
  const { output, config, log, signal, dryRun, print } = request
  const seal = readSeal(output)
  const broken = brokenSeals(output, seal)
  if (broken.length > 0) return refuse(request, broken, 'since the report')
  const mine = newProducts(seal).map((one) => ({ ...one, card: readProduct(join(output, one.file)).card }))
  if (mine.length === 0) throw new DataError(`${output} has no new products`, 'run reprocess again')
  const paths = mine.map(({ file }) => join(output, file))
  if (dryRun || wasPublished(output)) {
    if (!dryRun) log.info('all of it was published before')
    await print(paths.map((path) => `${path}\n`).join(''))
    return Exit.done
  }
  const store = storeAccess(config.store.url || seal.store, config.store['key file'])
  const moved = await movedOn(store, seal, mine, signal)
  if (moved.length > 0) return refuse(request, moved, 'in the store')
  const key = config.store['key file'] === '' ? [] : ['--key-file', config.store['key file']]
  const outbox = ['--output', join(output, 'outbox'), '--to', store.url]
  const sent = await runCommand('product-publish', ['--input', ...paths, ...outbox, ...key], signal)
  if (signal.aborted) return Exit.interrupted
  for (const line of sent.code === Exit.done ? [] : sent.stderr.trim().split('\n')) log.warn(line)
  await noteDown(request, store, seal, mine)
  return sent.code
}

function refuse({ log, output }: Ask, reasons: readonly string[], where: string): number {
  for (const reason of reasons) log.warn(reason)
  log.warn(
    `nothing was published: ${reasons.length} changes ${where} (run reprocess into ${output} again, and look at it)`,
  )
  return Exit.verdictNo
}

/** Products of which the store has another newest version than the one that the report compares with. */
async function movedOn(
  store: StoreAccess,
  { burst, observation, replaces }: Seal,
  mine: readonly { card: string; sha256: string }[],
  signal: AbortSignal,
): Promise<string[]> {
  const now = (await newestOfBurst(store, burst, signal)).filter((one) => one.observation === observation)
  return replaces.flatMap(({ card, version, sha256 }) => {
    const newest = now.find((one) => one.card === card)
    const ours = mine.find((one) => one.card === card)?.sha256
    if (newest?.sha256 === sha256 || (newest && newest.sha256 === ours)) return []
    return [`${card}: the store has version ${newest?.version ?? 'none'}, the report compares with ${version}`]
  })
}

/** What the store has of ours now, under which numbers. */
async function noteDown(
  { output, log, print, signal }: Ask,
  store: StoreAccess,
  seal: Seal,
  mine: readonly { card: string; file: string; sha256: string }[],
): Promise<void> {
  const now = await newestOfBurst(store, seal.burst, signal)
  const taken = mine.flatMap((one) => {
    const found = now.find(({ sha256 }) => sha256 === one.sha256)
    return found ? [{ ...one, stored: found }] : []
  })
  const before = new Map(published(output).map((row) => [row.card, row]))
  const row = ({ card, file, sha256, stored }: (typeof taken)[number] & { stored: Stored }) => ({
    ...{ card, file, sha256, id: stored.id, version: stored.version },
    replaces: seal.replaces.find((one) => one.card === card)?.id ?? 0,
    approved_utc: before.get(card)?.approved_utc ?? new Date().toISOString(),
  })
  if (taken.length > 0) await upsertRows(join(output, publishedTable.name), publishedTable, taken.map(row))
  await print(taken.map(({ file }) => `${join(output, file)}\n`).join(''))
  log.info(
    `${taken.length} of ${mine.length} products are in the store; see ${relative('', join(output, 'published.csv'))}`,
  )
}
