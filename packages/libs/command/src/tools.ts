import { prefetchDigests } from './digest.js'
import { faultOf } from './exit.js'
import type { Answer, ThreadSetup } from './orders.js'
import type { Pool } from './pool.js'
import { drawTasks, gather, taskCounter, taskOf } from './tasks.js'
import type { Command, Job, Request, Tools } from './types.js'

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
  const { log, context, config, profile, signal, memoryBytes, workers } = request
  // The parents of a stack are read twice, for their pixels and for their digests: the second while we work on the first.
  const parents = pool ? job.parents.map(({ path }) => path) : []
  const digested = prefetchDigests(parents, workers, signal)
  const map = async <A, R>(name: string, args: readonly A[]): Promise<R[]> => {
    const task = taskOf(command, name)
    const next = taskCounter()
    const helpers = args.length > 1 ? (pool?.performAll({ kind: 'map', task: name, args, next }) ?? []) : []
    const [answers] = await Promise.all([Promise.all([drawTasks(task, args, next, signal), ...helpers]), digested])
    return gather(answers, args.length) as R[]
  }
  const tools: Tools = { workers: (pool?.size ?? 0) + 1, memoryBytes, log, context, config, profile, signal, map }
  try {
    return { kind: 'job', rows: [...(await command.job(job, tools))] }
  } catch (error) {
    return { kind: 'fault', fault: faultOf(error) }
  }
}
