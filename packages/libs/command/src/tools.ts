import { remember, unknownDigests } from './digest.js'
import { faultOf } from './exit.js'
import type { Answer, ThreadSetup } from './orders.js'
import type { Pool } from './pool.js'
import { countOf, drawPieces, firstStrip, gather, type Pieces, pieceCounter } from './tasks.js'
import type { Command, Job, MapOptions, Request, Tools } from './types.js'

/** What worker threads must know of a request. */
export function setupOf(request: Request, memoryBytes: number): ThreadSetup {
  const { context, config, profile } = request
  return { nightpipe: context.command, context, config, profile, memoryBytes }
}

/** Does a job on the main thread; its tasks are shared with the threads of `pool`. */
export async function performHere(
  command: Command,
  request: Request,
  job: Job,
  pool: Pool | undefined,
): Promise<Answer> {
  const { log, context, config, profile, signal, memoryBytes } = request
  const map = async <A, R>(
    task: string,
    args: readonly A[],
    { digests: when = 'first' }: MapOptions = {},
  ): Promise<R[]> => {
    // The product will name the digest of every parent: all threads take part in making them.
    const digests = pool && when !== 'later' ? unknownDigests(job.parents.map(({ path }) => path)) : []
    const pieces: Pieces = { digests, task, args, digestsLast: when === 'last' }
    const next = pieceCounter()
    const helpers = countOf(pieces) > 1 ? (pool?.performAll({ kind: 'map', pieces, next }) ?? []) : []
    const answers = await Promise.all([drawPieces(command, pieces, next, signal), ...helpers])
    const results = gather(answers, countOf(pieces))
    for (const answer of answers) {
      if (answer.kind === 'map') for (const [path, what] of answer.digests ?? []) remember(path, what)
    }
    const first = firstStrip(pieces)
    return results.slice(first, first + args.length) as R[]
  }
  const together = <A, R>(task: string, args: readonly A[], halt: Int32Array) =>
    allTogether<A, R>(command, task, args, halt, pool, signal)
  const workers = (pool?.size ?? 0) + 1
  const tools: Tools = { workers, memoryBytes, log, context, config, profile, signal, map, together }
  try {
    return { kind: 'job', rows: [...(await command.job(job, tools))] }
  } catch (error) {
    return { kind: 'fault', fault: faultOf(error) }
  }
}

/** One piece for each thread, this one included. */
async function allTogether<A, R>(
  command: Command,
  task: string,
  args: readonly A[],
  halt: Int32Array,
  pool?: Pool,
  signal?: AbortSignal,
): Promise<R[]> {
  const orders = args.map((one) => ({ pieces: { digests: [], task, args: [one] }, next: pieceCounter() }))
  const [own, ...others] = orders
  const told = (answer: Answer) => {
    if (answer.kind === 'fault') Atomics.store(halt, 0, 1)
    return answer
  }
  const there = pool?.performEach(others.map((one) => ({ kind: 'map', ...one }))) ?? []
  const here = drawPieces(command, own!.pieces, own!.next, signal)
  const answers = await Promise.all([here, ...there].map(async (answer) => told(await answer)))
  for (const answer of answers) {
    if (answer.kind === 'map') for (const [path, what] of answer.digests ?? []) remember(path, what)
  }
  return answers.map((answer) => gather([answer], 1)[0] as R)
}
