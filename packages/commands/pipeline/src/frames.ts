import { statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { type Conducting, digestOf } from '@nightpipe/command'
import { describeFrame, type FrameFacts } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, imageHdu, openFits, textOf } from '@nightpipe/fits'
import { defineTable, readTable, upsertRows } from '@nightpipe/table'
import { groupOf, type Workspace } from './groups.js'
import type { PipelineSchema } from './schema.js'

/** A raw frame as the pipeline sees it. */
export interface RawFrame {
  path: string
  /** bias, dark, flat, arc, object, focus, unknown; `reduced` for what reduction made, `product` for what other commands did */
  type: string
  /** folder of its group below the output: `GRB260101A/C1/r`; undefined for calibrations */
  group?: string
  mjd?: number
  /** where the telescope pointed, degrees */
  ra?: number
  dec?: number
  digest: string
  /** why it cannot be used */
  reason?: string
}

/** The raw frames that the pipeline has met, so that their headers are read once. */
export const framesTable = defineTable({
  name: 'frames',
  doc: 'raw frames, what they are and where they belong; it saves time only',
  columns: [
    { name: 'file', type: 'text', doc: 'the frame, relative to this table', required: true },
    { name: 'type', type: 'text', doc: 'type of the frame', required: true },
    { name: 'group', type: 'text', doc: 'folder of its group' },
    { name: 'mjd', type: 'number', doc: 'start of the exposure, UTC', unit: 'd' },
    { name: 'reason', type: 'text', doc: 'why it cannot be used' },
    { name: 'digest', type: 'text', doc: 'SHA-256 of its bytes', required: true },
    { name: 'stamp', type: 'text', doc: 'size and time of the file when it was read', required: true },
    { name: 'reader', type: 'text', doc: 'digest of the rules by which it was read', required: true },
    { name: 'ra', type: 'number', doc: 'where the telescope pointed', unit: 'deg' },
    { name: 'dec', type: 'number', doc: 'where the telescope pointed', unit: 'deg' },
  ],
  key: ['file'],
  sort: ['file'],
})

/**
 * What every frame of the night is, and the group that it belongs to: from headers, or from an earlier look at them.
 * `reduces`: the stages begin with reduction.
 */
export async function indexFrames(
  request: Conducting<PipelineSchema>,
  workspace: Workspace,
  reduces: boolean,
): Promise<{ frames: RawFrame[]; skipped: number }> {
  const { output, inputs, dryRun } = request
  const table = join(output, 'frames.csv')
  const known = new Map(readTable(table, framesTable, { orEmpty: true }).map((row) => [resolve(output, row.file), row]))
  const fresh: Parameters<typeof upsertRows<typeof framesTable>>[2][number][] = []
  const frames: RawFrame[] = []
  for (const input of inputs) {
    if (input.path.startsWith(output + sep)) continue // our own products, where the output lies in the input
    const stamp = stampOf(input.path)
    const row = known.get(input.path)
    if (row && row.stamp === stamp && row.reader === workspace.digest) {
      frames.push({
        path: input.path,
        type: row.type,
        group: row.group,
        mjd: row.mjd,
        ra: row.ra,
        dec: row.dec,
        digest: row.digest,
        reason: row.reason,
      })
      continue
    }
    const frame = lookAt(input, request, workspace)
    frames.push(frame)
    const { path, ...facts } = frame
    fresh.push({ ...facts, file: relative(output, path), stamp, reader: workspace.digest })
  }
  if (fresh.length > 0 && !dryRun) await upsertRows(table, framesTable, fresh)
  const raw = frames.filter(({ type }) => type !== 'product' && type !== 'reduced')
  const reduced = frames.filter(({ type }) => type === 'reduced')
  // Frames that were reduced before are what the later stages work on, where nobody gives raw ones.
  const taken = !reduces && !raw.some(({ group }) => group !== undefined) ? [...raw, ...reduced] : raw
  return { frames: taken, skipped: frames.length - taken.length }
}

const whenAndWhere = ({ mjd, raDeg, decDeg }: FrameFacts) => ({ mjd, ra: raDeg, dec: decDeg })

function stampOf(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true })
  return `${size}-${mtimeNs}`
}

/** A frame that cannot be read is no reason to stop: it is told of, and the others go on. */
function lookAt({ path }: InputFile, { profile }: Conducting<PipelineSchema>, workspace: Workspace): RawFrame {
  try {
    const digest = digestOf(path)
    const file = openFits(path)
    try {
      const ours = file.hdus.slice(0, 2).find((hdu) => textOf(hdu.header, 'NP_ID'))
      const reduced = ours !== undefined && textOf(ours.header, 'NP_CMD') === 'reduction'
      if (ours && !reduced) return { path, type: 'product', digest }
      const hdu = imageHdu(file)
      const [width, height] = hdu.axes as [number, number]
      const lookup = cardLookup(hdu)
      const facts = describeFrame(lookup, profile, { width, height, name: path })
      const science = facts.type === 'object' || facts.type === 'unknown'
      const group = science ? groupOf(workspace, lookup, facts) : undefined
      return { path, type: reduced ? 'reduced' : facts.type, group, ...whenAndWhere(facts), digest }
    } finally {
      file.close()
    }
  } catch (error) {
    return { path, type: 'unreadable', digest: 'none', reason: (error as Error).message }
  }
}
