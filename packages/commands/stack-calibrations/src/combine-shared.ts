import type { Broken, CombineArgs, Combined, Recipe } from './combine-rows.js'
import { isBent } from './geometry.js'
import type { MasterTools, Used } from './make-master.js'
import { COUNTERS, type Room, type ShareArgs, type SharedBlock, SLOTS } from './share-rows.js'
import { sourceImage } from './source.js'
import { isInPlace } from './stack.js'

export interface Shared {
  answers: (Combined | Broken)[]
  /** Reads the frames to their end: to be called while the disk writes. */
  readTheRest(): Promise<void>
}

/** Kernel memory that a thread lends at most. */
const ROOM_BYTES = 1 << 26
/** Of so many blocks one, the last ones, is digested when all are combined: the disk has to write meanwhile. */
const LEFT = 8

/** The rows of a master from frames that are read once, by all threads together; undefined where that cannot be. */
export async function combineShared(
  recipe: Recipe,
  used: readonly Used[],
  tasks: readonly CombineArgs[],
  tools: MasterTools,
): Promise<Shared | undefined> {
  const { workers } = tools
  const blocks = blocksOf(recipe, tasks)
  if (!blocks || !used.every(({ look }) => isInPlace(sourceImage(look.source)))) return undefined
  const bytesPerFrame = 2 * recipe.geometry.rawWidth * Math.max(...blocks.map(({ rawRows }) => rawRows))
  const room = SLOTS * used.length * bytesPerFrame
  if (room > Math.min(ROOM_BYTES, recipe.memoryBytes)) return undefined
  const state = new Int32Array(new SharedArrayBuffer(4 * (COUNTERS + 2 * blocks.length)))
  const everyone = Array.from({ length: workers }, (_, thread) => thread)
  const together = <A, R>(task: string, args: (thread: number) => A) =>
    tools.together<A, R>(task, everyone.map(args), state)
  const rooms = await together<number, Room>('lendMemory', () => room)
  const digested = used.map(({ look }) =>
    look.whole === undefined ? blocks.length - Math.floor(blocks.length / LEFT) : 0,
  )
  const args = { recipe, blocks, rooms, bytesPerFrame, digested, state }
  const parts = await together<ShareArgs, (Combined | Broken)[]>('shareRows', (thread) => ({ ...args, thread }))
  const broken = parts.flat().filter((one): one is Broken => 'plane' in one)
  const answers = broken.length > 0 ? broken : blocks.map((_, b) => parts[b % workers][Math.floor(b / workers)])
  return {
    answers,
    async readTheRest() {
      const verdicts = await together<number, [number, boolean][]>('readShared', (thread) => thread)
      for (const [k, whole] of verdicts.flat()) used[k].look.whole = whole
    },
  }
}

/** Which raw rows the rows of the master are made of; undefined where that differs between amplifiers. */
function blocksOf({ geometry, planes }: Recipe, tasks: readonly CombineArgs[]): SharedBlock[] | undefined {
  const { amplifiers } = geometry
  const shifts = new Set(amplifiers.map(({ data, place }) => data.y0 - place.y0))
  if (isBent(geometry) || shifts.size > 1 || planes.length === 0) return undefined
  const [shift] = shifts
  const [start, end] = [
    Math.min(...amplifiers.map(({ place }) => place.y0)),
    Math.max(...amplifiers.map(({ place }) => place.y1)),
  ]
  return tasks.map(({ first, rows }) => {
    const [from, to] = [Math.max(first, start), Math.min(first + rows, end)]
    return { first, rows, rawFirst: from + shift!, rawRows: Math.max(0, to - from) }
  })
}
