import { existsSync, readdirSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { stemOf } from '@nightpipe/files'
import { defineTable, readTable } from '@nightpipe/table'

/** What is read of the tables of a pipeline; it has more columns. */
const stepsTable = defineTable({
  name: 'steps.csv',
  columns: [
    { name: 'group', type: 'text', doc: 'folder of the group' },
    { name: 'stage', type: 'text', doc: 'stage', required: true },
    { name: 'status', type: 'text', doc: 'what became of it', required: true },
  ],
  key: ['group', 'stage'],
})
const framesTable = defineTable({
  name: 'frames.csv',
  columns: [
    { name: 'file', type: 'text', doc: 'the raw frame, relative to the table', required: true },
    { name: 'type', type: 'text', doc: 'type of the frame', required: true },
  ],
  key: ['file'],
})

/** Whether a folder is the output of a pipeline. */
export const isWorkspace = (folder: string): boolean =>
  existsSync(join(folder, 'steps.csv')) && existsSync(join(folder, 'frames.csv'))

/** The raw frames that a pipeline worked on. */
export const rawFramesOf = (workspace: string): string[] =>
  readTable(join(workspace, 'frames.csv'), framesTable)
    .filter(({ type }) => type !== 'product')
    .map(({ file }) => resolve(workspace, file))

/** The products of a stage that was done, of all groups of some fields. */
function productsOf(workspace: string, stages: readonly string[], fields: readonly string[]): string[] {
  const steps = readTable(join(workspace, 'steps.csv'), stepsTable)
  const mine = steps.filter(
    ({ group, stage, status }) =>
      group && status === 'done' && stages.includes(stage) && (fields.length === 0 || fields.includes(fieldOf(group))),
  )
  return mine
    .map(({ group, stage }) => join(workspace, group!, stage))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .sort()
}

const fieldOf = (group: string) => group.split('/')[0]!
const isFrame = (path: string) => /\.fits(\.fz|\.gz)?$/.test(path)

export const reducedFrames = (workspace: string): string[] => productsOf(workspace, ['reduction'], []).filter(isFrame)

/** Tables and frames that products are filled from: of the photometry and the differences, and the frames of the sky. */
export function resultsOf(workspace: string, fields: readonly string[]): string[] {
  const tables = productsOf(workspace, ['photometry', 'subtraction'], fields).filter((path) => path.endsWith('.csv'))
  const made = [['astrometry'], ['reduction'], ['alignment']].map((stage) => productsOf(workspace, stage, fields))
  const frames = made.map((paths) => paths.filter(isFrame)).find((paths) => paths.length > 0) ?? []
  return [...tables.filter((path) => !isReport(path)), ...frames]
}

/** The table that each command keeps of its inputs. */
const isReport = (path: string) => /(photometry|subtraction|reduction|astrometry)\.csv$/.test(path)

/** The same image of two pipelines. */
export interface ImagePair {
  /** GRB/C1/r/stack_GRB_r */
  name: string
  old?: string
  new: string
}

/** The stacks, or where a pipeline makes none the frames, each with its twin of the earlier pipeline. */
export function imagePairs(before: string | undefined, after: string, fields: readonly string[]): ImagePair[] {
  for (const stages of [['stacking'], ['alignment'], ['astrometry'], ['reduction']]) {
    const fresh = productsOf(after, stages, fields).filter(isFrame)
    if (fresh.length === 0) continue
    return fresh.map((path) => {
      const inside = relative(after, path)
      const twin = before === undefined ? undefined : join(before, inside)
      const [folder, name] = [inside.split('/').slice(0, -2).join('/'), stemOf(basename(path))]
      return { name: `${folder}/${name}`, new: path, ...(twin && existsSync(twin) ? { old: twin } : {}) }
    })
  }
  return []
}

/** A product of each stage, for what it says of its configuration. */
export function exampleOfStages(workspace: string): Map<string, string> {
  const steps = readTable(join(workspace, 'steps.csv'), stepsTable).filter(({ status }) => status === 'done')
  const found = new Map<string, string>()
  for (const { group, stage } of steps) {
    const folder = group ? join(workspace, group, stage) : join(workspace, stage)
    const first = existsSync(folder) ? readdirSync(folder).filter(isFrame).sort()[0] : undefined
    if (first && !found.has(stage)) found.set(stage, join(folder, first))
  }
  return found
}
