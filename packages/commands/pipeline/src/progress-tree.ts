import { Listr, ListrLogger, type ListrTask, ProcessOutput } from 'listr2'
import { inWords, nameOf, type Progress } from './progress.js'
import type { Outcome } from './schedule.js'
import type { Step } from './step.js'

interface Leaf {
  title(text: string): void
  end(outcome: Outcome): void
}

/** listr2 on standard error: a branch for each group, a leaf for each stage. */
export function showTree(steps: readonly Step[]): Progress {
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) })
  const leaves = new Map<string, Leaf>()
  const groups = [...new Set(steps.map((step) => step.group))]
  const branches = groups.map((group): ListrTask => {
    const mine = steps.filter((step) => step.group === group)
    return {
      title: group || 'night',
      task: (_, task) =>
        task.newListr(
          mine.map((step) => leafOf(step, leaves)),
          { concurrent: true, exitOnError: false },
        ),
    }
  })
  const list = new Listr(branches, {
    ...{ concurrent: true, exitOnError: false, registerSignalListeners: false, renderer: 'default' },
    rendererOptions: { logger, collapseSubtasks: false, showErrorMessage: false, collapseErrors: false },
    fallbackRendererOptions: { logger },
  })
  const shown = list.run().catch(() => {})
  // Leaves come into being when their branch is first drawn.
  const leaf = (step: Step, use: (leaf: Leaf) => void) => {
    const there = leaves.get(nameOf(step))
    if (there) use(there)
    else setTimeout(() => leaf(step, use), 20)
  }
  return {
    started: (step, inputs) => leaf(step, ({ title }) => title(`${step.stage}: ${inputs}`)),
    ended: (step, outcome) => leaf(step, ({ end }) => end(outcome)),
    close: async () => {
      for (const step of steps) {
        leaf(step, ({ end }) => end({ status: 'lost', reason: 'not reached', seconds: 0, products: [] }))
      }
      await shown
    },
  }
}

function leafOf(step: Step, leaves: Map<string, Leaf>): ListrTask {
  return {
    title: `${step.stage} (waits)`,
    task: (_, task) =>
      new Promise<void>((resolve, reject) => {
        let over = false
        leaves.set(nameOf(step), {
          title: (text) => {
            task.title = text
          },
          end: (outcome) => {
            if (over) return
            over = true
            task.title = `${step.stage}: ${inWords(outcome)}`
            if (outcome.status === 'done' || outcome.status === 'kept') resolve()
            else reject(new Error(outcome.reason ?? outcome.status))
          },
        })
      }),
  }
}
