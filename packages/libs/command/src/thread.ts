import { parentPort, workerData } from 'node:worker_threads'
import { knownDigests, remember } from './digest.js'
import { faultOf } from './exit.js'
import type { LogLevel } from './log.js'
import type { Answer, Message, Order, ThreadSetup } from './orders.js'
import { calledAs } from './subcommands.js'
import { drawPieces, gather, pieceCounter } from './tasks.js'
import type { Command, Tools } from './types.js'

/** The life of a worker thread: it runs the same bundle as the main thread, and carries out one order after the other. */
export function serveThread(commands: readonly Command[]): void {
  const port = parentPort
  const { nightpipe, context, config, profile, memoryBytes } = workerData as ThreadSetup
  const command = commands.find((one) => calledAs(one) === nightpipe)
  if (!port || !command) throw new Error(`this thread is not one of ${commands[0]?.name}'s`)
  const say = (level: LogLevel) => (text: string) => port.postMessage({ kind: 'log', level, text } satisfies Message)
  const tools: Tools = {
    workers: 1,
    memoryBytes,
    log: { info: say('info'), warn: say('warning'), detail: say('detail') },
    context,
    config: config as Tools['config'],
    profile,
    signal: new AbortController().signal, // an interrupt ends the thread as a whole
    map: async <A, R>(task: string, args: readonly A[]) =>
      gather([await drawPieces(command, { digests: [], task, args }, pieceCounter())], args.length) as R[],
  }
  port.on('message', async (order: Order) => {
    const answer = await carryOut(command, order, tools)
    try {
      port.postMessage({ kind: 'answer', answer } satisfies Message)
    } catch (error) {
      port.postMessage({ kind: 'answer', answer: { kind: 'fault', fault: faultOf(error) } } satisfies Message)
    }
  })
}

async function carryOut(command: Command, order: Order, tools: Tools): Promise<Answer> {
  try {
    if (order.kind === 'map') return await drawPieces(command, order.pieces, order.next)
    for (const [path, what] of order.digests) remember(path, what)
    const rows = [...(await command.job(order.job, tools))]
    return { kind: 'job', rows, digests: knownDigests(order.job.parents.map(({ path }) => path)) }
  } catch (error) {
    return { kind: 'fault', fault: faultOf(error) }
  }
}
