import { randomUUID } from 'node:crypto'
import type { Announce, Change, Message } from '@nightpipe/store'
import type { Notice } from './journal.js'

/** Puts what became of an upload into a message: `products.product.new.LC_GFT_FGFT` and the facts as JSON. */
export const announcer =
  (subject: string): Announce =>
  (change) => ({
    id: idOf(change),
    subject: [subject, change.what, change.state, cardOf(change)].join('.'),
    body: JSON.stringify({ what: change.what, state: change.state, ...factsOf(change) }),
  })

/** The same for what was refused. */
export const refusalMessage = (subject: string, notice: Notice): Message => ({
  id: randomUUID(),
  subject: [subject, notice.what, notice.state].join('.'),
  body: JSON.stringify({ ...notice, date_utc: new Date().toISOString() }),
})

/** A product enters once: should it be told twice, JetStream sees that it is the same. */
const idOf = (change: Change) =>
  change.what === 'product' && change.state !== 'unchanged'
    ? `${change.product.sha256}.${change.product.card}.${change.product.version}`
    : randomUUID()

/** Words of subjects have neither dots nor blanks. */
const cardOf = (change: Change) =>
  (change.what === 'product' ? change.product.card : change.facts.card).replace(/[^A-Za-z0-9_-]/g, '_')

function factsOf(change: Change): Record<string, unknown> {
  if (change.what === 'card') {
    const { card, name, instrument, sha256 } = change.facts
    return { card, name, instrument, sha256, sender: change.sender, date_utc: new Date().toISOString() }
  }
  const { id, card, name, version, burstId, obsId, program, instrument, sha256, size, sender, received } =
    change.product
  return {
    ...{ id, card, name, version, burst_id: burstId, obs_id: obsId, program, instrument, sha256, size, sender },
    date_utc: received,
  }
}
