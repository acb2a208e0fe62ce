import { parentPort } from 'node:worker_threads'
import { kernels } from '@nightpipe/kernels'
import { knownDigests, remember } from './digest.js'
import { faultOf } from './exit.js'
import type { LogLevel } from './log.js'
import type { Answer, Call, Message, Order, ThreadSetup } from './orders.js'
import { forgetRun } from './run-memory.js'
import { calledAs } from './subcommands.js'
import { drawPieces, gather, pieceCounter } from './tasks.js'
import type { Command, Tools } from './types.js'

interface Service {
  command: Command
  tools: Tools
}

/** The life of a worker thread: it runs the same bundle as the main thread, and carries out one order after the other. */
export function serveThread(commands: readonly Command[]): void {
  if (!parentPort) throw new Error(`this thread is not one of ${commands[0]?.name}'s`)
  const port = parentPort
  const post = (message: Message) => port.postMessage(message)
  let service: Service | undefined
  port.on('message', async ({ id, order }: Call) => {
    if (order.kind === 'setup') {
      forgetRun()
      service = serviceFor(commands, order.setup, post)
      kernels() // ready before the first order comes
      return post({ kind: 'ready' })
    }
    const answer = await carryOut(service!, order)
    try {
      post({ kind: 'answer', id, answer })
    } catch (error) {
      post({ kind: 'answer', id, answer: { kind: 'fault', fault: faultOf(error) } })
    }
  })
}

function serviceFor(commands: readonly Command[], setup: ThreadSetup, post: (message: Message) => void): Service {
  const { nightpipe, context, config, profile, memoryBytes } = setup
  const command = commands.find((one) => calledAs(one) === nightpipe)
  if (!command) throw new Error(`this thread is not one of ${nightpipe}'s`)
  const say = (level: LogLevel) => (text: string) => post({ kind: 'log', level, text })
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
    together: async <A, R>(task: string, args: readonly A[]) =>
      gather([await drawPieces(command, { digests: [], task, args }, pieceCounter())], 1) as R[],
  }
  return { command, tools }
}

async function carryOut({ command, tools }: Service, order: Exclude<Order, { kind: 'setup' }>): Promise<Answer> {
  try {
    if (order.kind === 'map') return await drawPieces(command, order.pieces, order.next)
    for (const [path, what] of order.digests) remember(path, what)
    const rows = [...(await command.job(order.job, tools))]
    return { kind: 'job', rows, digests: knownDigests(order.job.parents.map(({ path }) => path)) }
  } catch (error) {
    return { kind: 'fault', fault: faultOf(error) }
  }
}
