import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Announce, CardFacts, Note } from './facts.js'
import { enterMessage } from './outbox.js'
import { cardOf, enterCard, enterProduct } from './rows.js'
import type { Queries, Sql } from './sql.js'

/** Files with notes that the database does not know: those of a process that died before its commit, or of a lost database. */
export async function enterAll(folder: string, sql: Sql, announce?: Announce): Promise<void> {
  for (const name of readdirSync(join(folder, 'cards')).filter((file) => file.endsWith('.json'))) {
    const facts = JSON.parse(readFileSync(join(folder, 'cards', name), 'utf8')) as CardFacts
    const known = await cardOf(sql, facts.card)
    if (known?.sha256 === facts.sha256) continue
    const state = known ? 'changed' : 'new'
    await sql.transaction(async (queries) => {
      await enterCard(queries, facts)
      if (announce) await enterMessage(queries, announce({ what: 'card', state, facts, sender: '' }))
    })
  }
  const rows = await sql.query<{ card: string; sha256: string }>('select card, sha256 from products')
  const known = new Set(rows.map(({ card, sha256 }) => `${sha256}.${card}.json`))
  const missing: Note[] = []
  for (const part of readdirSync(join(folder, 'files'))) {
    for (const name of readdirSync(join(folder, 'files', part))) {
      if (!name.endsWith('.json') || known.has(name)) continue
      const note = JSON.parse(readFileSync(join(folder, 'files', part, name), 'utf8')) as Note
      if (existsSync(join(folder, 'files', part, `${note.facts.sha256}.fits`))) missing.push(note)
    }
  }
  missing.sort((a, b) => a.version - b.version || (a.facts.sha256 < b.facts.sha256 ? -1 : 1))
  for (const note of missing) await sql.transaction((queries) => enterAgain(queries, note, announce))
}

/** Its version may have been given to another one meanwhile: then it is the next. */
async function enterAgain(queries: Queries, note: Note, announce?: Announce): Promise<void> {
  const { card, unicity, sha256 } = note.facts
  const rows = await queries.query('select version, sha256 from products where card = $1 and unicity = $2', [
    card,
    unicity,
  ])
  if (rows.some((row) => row.sha256 === sha256)) return
  const taken = rows.map(({ version }) => Number(version))
  const version = taken.includes(note.version) ? Math.max(...taken) + 1 : note.version
  const product = await enterProduct(queries, { ...note, version })
  if (announce)
    await enterMessage(queries, announce({ what: 'product', product, state: version > 1 ? 'version' : 'new' }))
}
