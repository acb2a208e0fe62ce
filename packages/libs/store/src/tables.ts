import type { Sql } from './sql.js'

/** Every change of the tables since the first version, in order; what was applied is never changed. */
const CHANGES = [
  `create table cards (
     card text primary key, name text not null, description text not null, dstream text not null, instrument text not null,
     dp_level text not null, prdm_ver text not null, programs text not null, descriptor jsonb not null, sha256 text not null)`,
  `create table products (
     id bigint generated always as identity primary key, card text not null, name text not null, version integer not null,
     burst_id text, obs_id text, program text, received text not null, dstream text, instrument text, sha256 text not null,
     size bigint not null, sender text not null, unicity text not null, keywords jsonb not null,
     unique (card, unicity, version), unique (card, unicity, sha256))`,
  'create index products_burst on products (burst_id)',
  `create table outbox (
     number bigint generated always as identity primary key, id text not null, subject text not null, body text not null)`,
]

/** Makes the tables, or brings those of an older version up to date. One process at a time does so. */
export async function migrate(sql: Sql): Promise<void> {
  await sql.transaction(async ({ query }) => {
    await query('select pg_advisory_xact_lock(710711)')
    await query('create table if not exists changes (number integer primary key)')
    const [{ done = 0 } = {}] = await query<{ done: number }>('select count(*)::integer as done from changes')
    for (let k = done; k < CHANGES.length; k++) {
      await query(CHANGES[k]!)
      await query('insert into changes (number) values ($1)', [k + 1])
    }
  })
}
