import type { Queries } from './sql.js'

/** A message that tells the world what became of something. */
export interface Message {
  /** the same message has the same one, however often it is sent */
  id: string
  subject: string
  body: string
}

/** Puts a message where it waits until it is sent: in the transaction of what it tells, so that neither is without the other. */
export async function enterMessage(sql: Queries, { id, subject, body }: Message): Promise<void> {
  await sql.query('insert into outbox (id, subject, body) values ($1, $2, $3)', [id, subject, body])
}

export const waitingMessages = (sql: Queries, most: number): Promise<Message[]> =>
  sql.query<Message & Record<string, unknown>>(
    `select id, subject, body from outbox order by number limit ${Math.floor(most)}`,
  )

/** These have arrived where they were sent to. */
export async function forgetMessages(sql: Queries, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await sql.query('delete from outbox where id = any($1)', [[...ids]])
}
