import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { ConfigError, DataError } from '@nightpipe/command'
import { sha256OfFile, writeAtomically } from '@nightpipe/files'
import { askStore } from '@nightpipe/products'

/** A product in the store. */
export interface Stored {
  id: number
  card: string
  name: string
  version: number
  sha256: string
  program: string
  /** GFT_OBID */
  observation: string
}

/** A store, and the key that it may ask for. */
export interface StoreAccess {
  url: string
  key: string
}

export function storeAccess(url: string, keyFile: string): StoreAccess {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError(url === '' ? 'no store is named' : `'${url}' is no address of a store`, 'give --store URL')
  return { url: new URL(url).origin, key: keyFrom(keyFile) }
}

function keyFrom(file: string): string {
  if (file === '') return process.env.NIGHTPIPE_STORE_KEY?.trim() ?? ''
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`cannot read the key in ${file}: ${(error as Error).message}`)
  }
}

/** The newest version of every product of a burst, by card and observation. */
export async function newestOfBurst(store: StoreAccess, burst: string, signal: AbortSignal): Promise<Stored[]> {
  const query = new URLSearchParams({
    s: '101',
    a: 'id;card;name;version;sha256;program',
    c: `burst_id::eq::${burst}`,
  })
  const { rows } = (await (await ask(store, `/search/result/products?${query}`, signal)).json()) as {
    rows: [number, string, string, number, string, string | null][]
  }
  const newest = new Map<string, Stored>()
  for (const [id, card, name, version, sha256, program] of rows) {
    const facts = await (await ask(store, `/export/v0/products/${Number(id)}`, signal)).json()
    const { keywords } = facts as { keywords: Record<string, unknown> }
    const observation = String(keywords.GFT_OBID ?? '').trim()
    const one = { id: Number(id), card, name, version: Number(version), sha256, program: program ?? '', observation }
    const key = `${card}\t${one.program}\t${observation}`
    if ((newest.get(key)?.version ?? 0) < one.version) newest.set(key, one)
  }
  return [...newest.values()].sort((a, b) => (a.card < b.card ? -1 : 1) || a.id - b.id)
}

/** The file of a product, unless it is there already: its digest is that of the store, or it is not kept. */
export async function download(
  store: StoreAccess,
  { id, sha256 }: Stored,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(path) && sha256OfFile(path) === sha256) return
  const answer = await ask(store, `/export/v0/products/${id}/file`, signal)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const got = createHash('sha256').update(bytes).digest('hex')
  if (got !== sha256)
    throw new DataError(`product ${id} of ${store.url} came with other bytes than the store says it has`, 'try again')
  writeAtomically(path, bytes)
}

const ask = ({ url, key }: StoreAccess, route: string, signal: AbortSignal): Promise<Response> =>
  askStore(url + route, { key, signal })
