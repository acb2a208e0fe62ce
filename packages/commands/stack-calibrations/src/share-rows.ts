import { beforeNextRun, breathe, watchWholeAndDigest } from '@nightpipe/command'
import { readStored, type Watch } from '@nightpipe/fits'
import { allocate, kernels, kernelsOn, mark, release } from '@nightpipe/kernels'
import { type Broken, type Combined, combineRows, type Recipe } from './combine-rows.js'
import { orUnreadable } from './examine.js'
import { sourceImage } from './source.js'
import { rawPlane } from './stack.js'

/** Blocks for which each thread has room: while one is combined others are read. */
export const SLOTS = 3

/** Kernel memory of a thread that all of them read into. */
export interface Room {
  memory: WebAssembly.Memory
  address: number
}

/** Rows of the master, and the rows of the raw frames that they are made of: a block of work. */
export interface SharedBlock {
  first: number
  rows: number
  rawFirst: number
  rawRows: number
}

export interface ShareArgs {
  recipe: Recipe
  blocks: SharedBlock[]
  /** Of each thread, with `SLOTS` places for a block of all frames. */
  rooms: Room[]
  bytesPerFrame: number
  /** Blocks, from the first on, that frames are digested with as they are read; none of a frame that was read before. */
  digested: number[]
  /** Which of the threads this one is: it reads the frames k, and combines the blocks k, where k % threads is that. */
  thread: number
  /** `HALT`, `PACE`, then for each block how many frames have it, then for each whether it is combined. */
  state: Int32Array
}

export const [HALT, PACE, COUNTERS] = [0, 1, 2]

/** What this thread has lent, how much memory was in use before, and the frames that it reads. */
let lent: { room: Uint8Array; before: number; watches: Map<number, Watch> } | undefined
/** Read, summed and digested at once, while it is in the processor's cache. */
const PIECE = 1 << 18

/** Room for blocks, kept until it is lent again or `readShared` gives it back. */
export function lendMemory(bytes: number): Room {
  giveBack()
  const before = mark()
  const room = allocate(Uint8Array, bytes)
  lent = { room, before, watches: new Map() }
  return { memory: kernels().memory, address: room.byteOffset }
}

function giveBack(): void {
  if (lent) release(lent.before)
  lent = undefined
}
beforeNextRun(giveBack)

/**
 * The part of one thread in combining frames that are read once: each thread reads and digests its own frames, and puts
 * their rows where the thread that combines them has room. What is made of a block does not depend on who makes it. The
 * answer are the blocks of this thread in their order, or a frame that cannot be read.
 */
export async function shareRows(args: ShareArgs): Promise<(Combined | Broken)[]> {
  const { recipe, blocks, thread, rooms, state } = args
  const own = recipe.planes.flatMap((_, k) => (k % rooms.length === thread ? [k] : []))
  for (const k of own) if (args.digested[k] > 0) lent!.watches.set(k, watchOf(recipe, k))
  const doors = rooms.map((room, k) => doorTo(room, k === thread))
  const combined: (Combined | Broken)[] = []
  const isFull = (b: number) => Atomics.load(state, COUNTERS + b) === recipe.planes.length
  const isCombined = (b: number) => b < 0 || Atomics.load(state, COUNTERS + blocks.length + b) === 1
  let [read, next, turn] = [0, thread, 0]
  while (Atomics.load(state, HALT) === 0 && (read < blocks.length || next < blocks.length)) {
    const pace = Atomics.load(state, PACE)
    if (next < blocks.length && isFull(next)) {
      combined.push(combineBlock(args, next))
      done(state, COUNTERS + blocks.length + next)
      next += rooms.length
      await breathe()
    } else if (read < blocks.length && isCombined(read - SLOTS * rooms.length)) {
      if (turn < own.length) {
        const broken = readBlock(args, read, own[turn++], doors[read % rooms.length])
        if (broken) return [broken]
        done(state, COUNTERS + read)
      }
      if (turn < own.length) continue
      turn = 0
      read++
    } else {
      Atomics.wait(state, PACE, pace, PATIENCE_MS)
      await breathe()
    }
  }
  return combined
}

/** So long a thread waits before it looks whether another has failed. */
const PATIENCE_MS = 20

function done(state: Int32Array, counter: number): void {
  Atomics.add(state, counter, 1)
  Atomics.add(state, PACE, 1)
  Atomics.notify(state, PACE)
}

function watchOf({ planes }: Recipe, k: number): Watch {
  const { source } = planes[k]
  return watchWholeAndDigest(source.path, sourceImage(source))
}

/** The room of a thread as another one uses it. */
interface Door {
  bytes(at: number, length: number): Uint8Array
  sum(bytes: Uint8Array): number
}

function doorTo({ memory, address }: Room, isOwn: boolean): Door {
  const { onesSum } = isOwn ? kernels() : kernelsOn(memory)
  return {
    bytes: (at, length) => new Uint8Array(memory.buffer, address + at, length),
    sum: (bytes) => onesSum(bytes.byteOffset, bytes.length) >>> 0,
  }
}

/** Where the rows of a frame stand in the room of the thread that combines the block, and how many bytes they are. */
function placeOf({ rooms, blocks, recipe, bytesPerFrame }: ShareArgs, block: number, frame: number): [number, number] {
  const slot = Math.floor(block / rooms.length) % SLOTS
  const at = (slot * recipe.planes.length + frame) * bytesPerFrame
  return [at, 2 * blocks[block].rawRows * recipe.geometry.rawWidth]
}

/** The rows of all frames are here. */
function combineBlock(args: ShareArgs, block: number): Combined | Broken {
  const { recipe, blocks } = args
  const { first, rows } = blocks[block]
  return combineRows({ recipe, first, rows }, (k) => {
    const [at, bytes] = placeOf(args, block, k)
    return rawPlane(sourceImage(recipe.planes[k].source), lent!.room.subarray(at, at + bytes))
  })
}

/** The rows of one frame, read and digested; the frame, if that cannot be. */
function readBlock(args: ShareArgs, block: number, frame: number, door: Door): Broken | undefined {
  const { recipe, blocks, state, digested } = args
  const { rawWidth } = recipe.geometry
  const { rawFirst, rawRows } = blocks[block]
  const [start] = placeOf(args, block, frame)
  const image = sourceImage(recipe.planes[frame].source)
  const step = Math.max(1, Math.floor(PIECE / (2 * rawWidth)))
  const read = orUnreadable(() => {
    for (let row = 0; row < rawRows; row += step) {
      const rows = Math.min(step, rawRows - row)
      const into = door.bytes(start + 2 * row * rawWidth, 2 * rows * rawWidth)
      readStored(image, { firstRow: rawFirst + row, rows, plane: 0, into })
      if (block < digested[frame])
        lent!.watches.get(frame)!.pass!(into, 2 * (rawFirst + row) * rawWidth, door.sum(into))
    }
    return undefined
  })
  if (read) Atomics.store(state, HALT, 1)
  return read && { ...read, plane: frame }
}

/** What this thread began to read, to its end: of each frame whether its data agree with their DATASUM. */
export function readShared(): [frame: number, whole: boolean][] {
  const verdicts = [...lent!.watches].map(([k, watch]): [number, boolean] => [k, watch.end()])
  giveBack()
  return verdicts
}
