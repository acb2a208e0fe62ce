import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataError, flushFolder, tryLock, writeAtomically } from '@nightpipe/files'
import {
  type Announce,
  CARD_COLUMNS,
  type CardFacts,
  type Criterion,
  type Note,
  PRODUCT_COLUMNS,
  type Product,
  type ProductFacts,
  type Taken,
} from './facts.js'
import { enterMessage, forgetMessages, type Message, waitingMessages } from './outbox.js'
import { enterAll } from './recover.js'
import { cardOf, enterCard, enterProduct, productOf, search } from './rows.js'
import { isServer, openSql, type Sql } from './sql.js'
import { migrate } from './tables.js'

export interface Store {
  folder: string
  /** Enters a description, or replaces the one of its card. */
  putCard(facts: CardFacts, sender?: string): Promise<'new' | 'changed' | 'unchanged'>
  card(card: string): Promise<CardFacts | undefined>
  /**
   * Takes a file that lies in `incoming()`. When the promise is kept, the product is on disk and in the database, whatever
   * happens next; when it is broken, or the process dies, it is there whole or not at all.
   */
  takeProduct(path: string, facts: ProductFacts, received: string): Promise<Taken>
  product(id: number): Promise<Product | undefined>
  /** Where the bytes of a product lie. */
  fileOf(sha256: string): string
  searchCards(criteria: readonly Criterion[]): Promise<Record<string, unknown>[]>
  searchProducts(criteria: readonly Criterion[], limit?: number): Promise<Record<string, unknown>[]>
  /** A path for a file that is coming in; on the disk of the store, so that it can be renamed. */
  incoming(): string
  /** Puts a message into the outbox that tells of nothing in the tables. */
  post(message: Message): Promise<void>
  /** The oldest messages of the outbox; they stay there until `arrived` is told their ids. */
  waiting(most: number): Promise<Message[]>
  arrived(ids: readonly string[]): Promise<void>
  close(): Promise<void>
}

export interface StorePlaces {
  folder: string
  /** URL of a PostgreSQL server; empty: an embedded database in the folder */
  database?: string
  /** The message that tells of a change; it enters the outbox with the change, or neither does. Without it: no messages. */
  announce?: Announce
}

let serial = 0

/** Opens a store, and makes it where there is none. An embedded one is open in one process at a time. */
export async function openStore({ folder, database = '', announce }: StorePlaces): Promise<Store> {
  for (const name of ['files', 'incoming', 'cards']) mkdirSync(join(folder, name), { recursive: true })
  const place = isServer(database) ? database : join(folder, 'database')
  const lock = isServer(database) ? undefined : await tryLock(join(folder, 'database'))
  if (!isServer(database) && !lock)
    throw new DataError(`the store ${folder} is open in another process`, 'talk to that one, or end it')
  const sql = await openSql(place)
  try {
    await migrate(sql)
    clearIncoming(join(folder, 'incoming'))
    await enterAll(folder, sql, announce)
  } catch (error) {
    await sql.close()
    await lock?.release()
    throw error
  }
  const fileOf = (sha256: string) => join(folder, 'files', sha256.slice(0, 2), `${sha256}.fits`)
  return {
    folder,
    fileOf,
    putCard: (facts, sender = '') => putCard(folder, sql, { facts, sender, announce }),
    card: (card) => cardOf(sql, card),
    takeProduct: (path, facts, received) => takeProduct({ fileOf, sql, announce }, path, facts, received),
    async product(id) {
      const [row] = await sql.query('select * from products where id = $1', [id])
      return row && productOf(row)
    },
    searchCards: (criteria) => search(sql, 'cards', CARD_COLUMNS, criteria, 10000),
    searchProducts: (criteria, limit = 10000) => search(sql, 'products', PRODUCT_COLUMNS, criteria, limit),
    incoming: () => join(folder, 'incoming', `${process.pid}-${++serial}.part`),
    post: (message) => enterMessage(sql, message),
    waiting: (most) => waitingMessages(sql, most),
    arrived: (ids) => forgetMessages(sql, ids),
    async close() {
      await sql.close()
      await lock?.release()
    },
  }
}

/** What a process left behind that died while it received; that of living ones stays. */
function clearIncoming(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1])
    if (pid && pid !== process.pid && isAlive(pid)) continue
    rmSync(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface Card {
  facts: CardFacts
  sender: string
  announce: Announce | undefined
}

async function putCard(
  folder: string,
  sql: Sql,
  { facts, sender, announce }: Card,
): Promise<'new' | 'changed' | 'unchanged'> {
  const before = await cardOf(sql, facts.card)
  const state = before?.sha256 === facts.sha256 ? 'unchanged' : before ? 'changed' : 'new'
  if (state !== 'unchanged')
    writeAtomically(join(folder, 'cards', `${facts.card}.json`), `${JSON.stringify(facts, undefined, 1)}\n`)
  await sql.transaction(async (queries) => {
    if (state !== 'unchanged') await enterCard(queries, facts)
    if (announce) await enterMessage(queries, announce({ what: 'card', state, facts, sender }))
  })
  return state
}

interface Places {
  fileOf(sha256: string): string
  sql: Sql
  announce: Announce | undefined
}

async function takeProduct(
  { fileOf, sql, announce }: Places,
  path: string,
  facts: ProductFacts,
  received: string,
): Promise<Taken> {
  const target = fileOf(facts.sha256)
  mkdirSync(join(target, '..'), { recursive: true })
  return sql.transaction(async (queries) => {
    // One at a time for each thing that a product can be a version of.
    await queries.query('select pg_advisory_xact_lock(hashtext($1))', [`${facts.card}\n${facts.unicity}`])
    const same = await queries.query('select * from products where card = $1 and unicity = $2 order by version', [
      facts.card,
      facts.unicity,
    ])
    const there = same.find((row) => row.sha256 === facts.sha256)
    const tell = async (taken: Taken) => {
      if (announce) await enterMessage(queries, announce({ what: 'product', ...taken }))
      return taken
    }
    if (there) {
      rmSync(path, { force: true })
      return tell({ product: { ...productOf(there), sender: facts.sender }, state: 'unchanged' })
    }
    const version = same.length > 0 ? Number(same.at(-1)!.version) + 1 : 1
    keep(path, target)
    writeAtomically(noteOf(target, facts), `${JSON.stringify({ facts, version, received } satisfies Note)}\n`)
    const product = await enterProduct(queries, { facts, version, received })
    return tell({ product, state: version > 1 ? 'version' : 'new' })
  })
}

/** The same bytes may be products of several cards: each has its own note. */
const noteOf = (target: string, { card, sha256 }: ProductFacts) => join(target, '..', `${sha256}.${card}.json`)

/** Flushed, then renamed: the name stands for the whole. */
function keep(path: string, target: string): void {
  const file = openSync(path, 'r+')
  fsyncSync(file)
  closeSync(file)
  renameSync(path, target)
  flushFolder(join(target, '..'))
}
