import { errorOf, faultOf } from './exit.js'
import type { Answer } from './orders.js'
import type { Command } from './types.js'

type Task = (args: unknown) => unknown

export function taskOf(command: Command, name: string): Task {
  const task = command.tasks?.[name]
  if (!task) throw new Error(`${command.name} has no task '${name}'`)
  return task as Task
}

/** Lets signals and messages through between two pieces of work. */
export const breathe = () => new Promise<void>((go) => setImmediate(go))

/** One counter that all threads draw their next task from. */
export const taskCounter = () => new Int32Array(new SharedArrayBuffer(4))

/** Works on tasks until none is left. A failed one stops all threads that draw from the same counter. */
export async function drawTasks(
  task: Task,
  args: readonly unknown[],
  next: Int32Array,
  signal?: AbortSignal,
): Promise<Answer> {
  const results: [number, unknown][] = []
  for (let k = Atomics.add(next, 0, 1); k < args.length; k = Atomics.add(next, 0, 1)) {
    try {
      results.push([k, await task(args[k])])
    } catch (error) {
      Atomics.store(next, 0, args.length)
      return { kind: 'fault', fault: faultOf(error), index: k }
    }
    if (signal) await breathe()
    if (signal?.aborted) await new Promise(() => {}) // interrupted: the process is about to end
  }
  return { kind: 'map', results }
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
