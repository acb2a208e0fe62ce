import type { CardFacts, Criterion, Note, Product } from './facts.js'
import { OPERATORS } from './facts.js'
import type { Queries } from './sql.js'

export async function enterCard(sql: Queries, facts: CardFacts): Promise<void> {
  await sql.query(
    `insert into cards (card, name, description, dstream, instrument, dp_level, prdm_ver, programs, descriptor, sha256)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (card) do update set name = $2, description = $3, dstream = $4, instrument = $5, dp_level = $6,
       prdm_ver = $7, programs = $8, descriptor = $9, sha256 = $10`,
    [
      ...[facts.card, facts.name, facts.description, facts.dstream, facts.instrument, facts.dpLevel, facts.prdmVer],
      ...[facts.programs.join(';'), JSON.stringify(facts.descriptor), facts.sha256],
    ],
  )
}

export async function cardOf(sql: Queries, card: string): Promise<CardFacts | undefined> {
  const [row] = await sql.query<Record<string, string> & { descriptor: unknown }>(
    'select * from cards where card = $1',
    [card],
  )
  if (!row) return undefined
  return {
    ...{ card: row.card!, name: row.name!, description: row.description!, dstream: row.dstream! },
    ...{ instrument: row.instrument!, dpLevel: row.dp_level!, prdmVer: row.prdm_ver! },
    ...{
      programs: row.programs!.split(';').filter((word) => word !== ''),
      descriptor: row.descriptor,
      sha256: row.sha256!,
    },
  }
}

export async function enterProduct(sql: Queries, { facts, version, received }: Note): Promise<Product> {
  const [row] = await sql.query(
    `insert into products (card, name, version, burst_id, obs_id, program, received, dstream, instrument, sha256, size, sender,
       unicity, keywords) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning *`,
    [
      ...[facts.card, facts.name, version, facts.burstId ?? null, facts.obsId ?? null, facts.program ?? null, received],
      ...[facts.dstream ?? null, facts.instrument ?? null, facts.sha256, facts.size, facts.sender, facts.unicity],
      JSON.stringify(facts.keywords),
    ],
  )
  return productOf(row!)
}

export const productOf = (row: Record<string, unknown>): Product => {
  const text = (key: string) => (row[key] === null || row[key] === undefined ? undefined : String(row[key]))
  return {
    ...{ id: Number(row.id), card: text('card')!, name: text('name')!, version: Number(row.version) },
    ...{ burstId: text('burst_id'), obsId: text('obs_id'), program: text('program'), received: text('received')! },
    ...{ dstream: text('dstream'), instrument: text('instrument'), sha256: text('sha256')!, size: Number(row.size) },
    ...{ sender: text('sender')!, unicity: text('unicity')!, keywords: row.keywords as Record<string, unknown> },
  }
}

export async function search(
  sql: Queries,
  table: string,
  columns: readonly string[],
  criteria: readonly Criterion[],
  limit: number,
): Promise<Record<string, unknown>[]> {
  const values: unknown[] = []
  const conditions = criteria.map(({ column, operator, value }) => {
    if (!columns.includes(column)) throw new RangeError(`no column ${column} in ${table}`)
    const number = column === 'id' || column === 'version'
    if (number && !/^-?\d{1,15}$/.test(value)) throw new RangeError(`${column} is a whole number`)
    values.push(number ? Number(value) : value)
    return `${column} ${OPERATORS[operator]} $${values.length}${number ? '::bigint' : '::text'}`
  })
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''
  const order = table === 'products' ? 'id' : 'card'
  return sql.query(
    `select ${columns.join(', ')} from ${table} ${where} order by ${order} limit ${Math.floor(limit)}`,
    values,
  )
}
