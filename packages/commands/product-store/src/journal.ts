import { join } from 'node:path'
import { appendRows, defineTable } from '@nightpipe/table'

/** One line of the journal of a store. */
export interface Notice {
  what: 'card' | 'product' | 'refused'
  /** new, version, changed or unchanged; of a refusal its status */
  state: string
  card?: string
  name?: string
  sender: string
  sha256?: string
  id?: number
  version?: number
  reason?: string
}

/** Everything that a store was asked to take, and what became of it. */
export const journalTable = defineTable({
  name: 'journal.csv',
  columns: [
    { name: 'date_utc', type: 'text', doc: 'when', required: true },
    { name: 'what', type: 'text', doc: 'card, product or refused', required: true },
    { name: 'state', type: 'text', doc: 'new, version, changed, unchanged; the status of a refusal' },
    { name: 'card', type: 'text', doc: 'kind of product' },
    { name: 'id', type: 'integer', doc: 'number of the product' },
    { name: 'version', type: 'integer', doc: 'of the product' },
    { name: 'name', type: 'text', doc: 'name of the file' },
    { name: 'sender', type: 'text', doc: 'by its key' },
    { name: 'sha256', type: 'text', doc: 'of the file' },
    { name: 'reason', type: 'text', doc: 'of a refusal' },
  ],
  key: [],
})

export const noteDown = (folder: string, notice: Notice) =>
  appendRows(join(folder, journalTable.name), journalTable, [{ date_utc: new Date().toISOString(), ...notice }])
