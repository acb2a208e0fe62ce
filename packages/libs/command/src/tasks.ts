import { digestAhead, takeNews } from './digest.js'
import { errorOf, faultOf } from './exit.js'
import type { Answer } from './orders.js'
import type { Command } from './types.js'

/** What `tools.map` asks for: digests of files, each of which is read as a whole, before or after the strips of a task. */
export interface Pieces {
  digests: readonly string[]
  digestsLast?: boolean
  task: string
  args: readonly unknown[]
}

export const countOf = ({ digests, args }: Pieces) => digests.length + args.length

/** The number of the first strip: those of the digests are before or after. */
export const firstStrip = ({ digests, digestsLast }: Pieces) => (digestsLast ? 0 : digests.length)

/** Does piece number k. */
function doPiece(command: Command, pieces: Pieces, k: number): unknown {
  const { digests, task: name, args } = pieces
  const strip = k - firstStrip(pieces)
  if (strip < 0 || strip >= args.length) return digestAhead(digests[strip < 0 ? k : strip - args.length]!)
  const task = command.tasks?.[name]
  if (!task) throw new Error(`${command.name} has no task '${name}'`)
  return task(args[strip] as never)
}

/** Lets signals and messages through between two pieces of work. */
export const breathe = () => new Promise<void>((go) => setImmediate(go))

/** One counter that all threads draw their next piece from. */
export const pieceCounter = () => new Int32Array(new SharedArrayBuffer(4))

/** Works on pieces until none is left. A failed one stops all threads that draw from the same counter. */
export async function drawPieces(
  command: Command,
  pieces: Pieces,
  next: Int32Array,
  signal?: AbortSignal,
): Promise<Answer> {
  const results: [number, unknown][] = []
  const count = countOf(pieces)
  for (let k = Atomics.add(next, 0, 1); k < count; k = Atomics.add(next, 0, 1)) {
    try {
      results.push([k, await doPiece(command, pieces, k)])
    } catch (error) {
      Atomics.store(next, 0, count)
      return { kind: 'fault', fault: faultOf(error), index: k }
    }
    if (signal) await breathe()
    if (signal?.aborted) await new Promise(() => {}) // interrupted: the process is about to end
  }
  return { kind: 'map', results, digests: takeNews() }
}

/** The results in the order of the arguments; of several failures the one of the first argument. */
export function gather(answers: readonly Answer[], count: number): unknown[] {
  const faults = answers.filter((answer) => answer.kind === 'fault')
  const [first] = faults.sort((a, b) => (a.index ?? count) - (b.index ?? count))
  if (first) throw errorOf(first.fault)
  const results = new Array<unknown>(count)
  for (const answer of answers) if (answer.kind === 'map') for (const [k, result] of answer.results) results[k] = result
  return results
}
