import { join, resolve } from 'node:path'
import { defineTable, readTable, upsertRows } from '@nightpipe/table'
import { freshDigests, remember } from './digest.js'
import { pathInReport } from './report.js'

/** Digests of raw frames that took long enough to make. It saves time only: remove it at will. */
const digestTable = defineTable({
  name: 'digests',
  columns: [
    { name: 'file', type: 'text', doc: 'the file, relative to this table', required: true },
    { name: 'bytes', type: 'integer', doc: 'its size', required: true },
    { name: 'sha256', type: 'text', doc: 'the digest of its bytes, as sha256sum gives it', required: true },
    {
      name: 'stamp',
      type: 'text',
      doc: 'inode and times of the file: when they differ the digest is made anew',
      required: true,
    },
  ],
  key: ['file'],
  sort: ['file'],
})

export const digestTablePath = (output: string, command: string) => join(output, `${command}.digests.csv`)

/** Less than this is digested again sooner than a table is written. */
const WORTH_BYTES = 64 * 2 ** 20

/** What earlier runs digested, for as long as the files are not touched. */
export function loadDigests(path: string, output: string): void {
  for (const { file, bytes, sha256, stamp } of readTable(path, digestTable, { orEmpty: true })) {
    remember(resolve(output, file), { bytes, stamp, digest: { id: sha256, kind: 'sha256' }, fresh: false })
  }
}

/** Keeps what this run digested, if that took long enough to matter. */
export async function saveDigests(path: string, output: string, worth = WORTH_BYTES): Promise<void> {
  const fresh = freshDigests()
  if (fresh.reduce((sum, [, { bytes }]) => sum + bytes, 0) < worth) return
  const rows = fresh.map(([file, { bytes, stamp, digest }]) => {
    return { file: pathInReport(output, file), bytes, sha256: digest.id, stamp }
  })
  await upsertRows(path, digestTable, rows)
}
