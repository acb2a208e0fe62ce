import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '@nightpipe/command'
import { kindOf } from '@nightpipe/products'
import { type ProductTable, readProduct } from './read-product.js'
import { download, newestOfBurst, type StoreAccess, type Stored } from './store-client.js'

/** The products of one observation of a burst as the store has them. */
export interface OldProduct extends Stored {
  /** file name in the folder old/ */
  file: string
}

/** What the products say of their burst: the new ones say the same. */
export interface BurstFacts {
  burst: string
  obsId: string
  triggerMjd?: number
  telescopeId: string
  observationId: string
  program: string
  /** FGFT or CGFT, as the cards end */
  instrument: string
  filters: string[]
  /** of the new products */
  processing: number
}

/** Fetches what the store has of an observation into `folder`; what is there already is not fetched again. */
export async function fetchOld(
  store: StoreAccess,
  { burst, observation, folder }: { burst: string; observation: string; folder: string },
  signal: AbortSignal,
): Promise<OldProduct[]> {
  const all = (await newestOfBurst(store, burst, signal)).filter(({ card }) => kindOf(card) !== undefined)
  const observations = [...new Set(all.map((one) => one.observation))].sort()
  const wanted = observation || (observations.length === 1 ? observations[0] : undefined)
  if (all.length === 0)
    throw new DataError(`${store.url} has no products of burst ${burst}`, 'see /search/result/products of the store')
  if (wanted === undefined || !observations.includes(wanted))
    throw new DataError(
      `burst ${burst} has the observations ${observations.map((name) => name || '(none)').join(', ')}`,
      'choose one by --observation',
    )
  const mine = all.filter((one) => one.observation === wanted).map((one) => ({ ...one, file: `${one.card}.fits` }))
  const twice = mine.find(({ file }, k) => mine.findIndex((one) => one.file === file) !== k)
  if (twice) throw new DataError(`the store has ${twice.card} of two programs for observation ${wanted || '(none)'}`)
  mkdirSync(folder, { recursive: true })
  for (const product of mine) await download(store, product, join(folder, product.file), signal)
  const names = new Set(mine.map(({ file }) => file))
  for (const name of readdirSync(folder)) if (name.endsWith('.fits') && !names.has(name)) rmSync(join(folder, name))
  return mine
}

/** What all of them say; the processing that follows is one more than any of them knows. */
export function factsOfOld(folder: string, products: readonly OldProduct[], burst: string): BurstFacts {
  const tables = products.map((one) => ({ ...one, table: readProduct(join(folder, one.file)) }))
  const said = (name: string) =>
    tables.map(({ table }) => table.keywords.get(name)).find((value) => value !== undefined)
  const word = (name: string) => String(said(name) ?? '').trim()
  const trigger = said('TRIG_MJD')
  const known = tables.map(({ table, version }) => Math.max(version, Number(table.keywords.get('MY_VERS') ?? 1)))
  return {
    ...{ burst, obsId: word('OBS_ID'), telescopeId: word('GFT_TGID'), observationId: word('GFT_OBID') },
    ...(typeof trigger === 'number' ? { triggerMjd: trigger } : {}),
    ...{ program: word('PROGRAM'), instrument: products[0]!.card.split('_').at(-1)! },
    filters: filtersOf(tables.map(({ table }) => table)),
    processing: 1 + Math.max(...known),
  }
}

/** Those that were configured: DT, QF and QTI have a row for each. */
function filtersOf(products: readonly ProductTable[]): string[] {
  const rows = products.filter(({ card }) => /^(DT|QF|QTI)_/.test(card)).flatMap((product) => product.rows)
  return [...new Set(rows.flatMap(({ FILTER }) => (typeof FILTER === 'string' ? [FILTER] : [])))]
}
