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
  const tools: Tools = { workers: (pool?.size ?? 0) + 1, memoryBytes, log, context, config, profile, signal, map }
  try {
    return { kind: 'job', rows: [...(await command.job(job, tools))] }
  } catch (error) {
    return { kind: 'fault', fault: faultOf(error) }
  }
}
