import { defineTable, type RowOf } from '@nightpipe/table'

/** What is to be sent, and what became of it. */
export const outboxTable = defineTable({
  name: 'outbox.csv',
  columns: [
    { name: 'sha256', type: 'text', doc: 'of the file', required: true },
    { name: 'to', type: 'text', doc: 'the store', required: true },
    { name: 'file', type: 'text', doc: 'where it lies', required: true },
    { name: 'state', type: 'text', doc: 'waiting, sent or refused', required: true },
    { name: 'attempts', type: 'integer', doc: 'how often it was tried' },
    { name: 'sent_utc', type: 'text', doc: 'when it was acknowledged' },
    { name: 'answer', type: 'text', doc: 'what the store said last' },
  ],
  key: ['sha256', 'to'],
})
export type OutboxRow = RowOf<typeof outboxTable>
