import { Listr, ListrLogger, ProcessOutput } from 'listr2'
import type { MainLog } from './log.js'
import { type Progress, wordFor } from './progress.js'

/** listr2 on standard error, which it writes to only when told twice; lines of the log wait until it is off the screen. */
export function showOnTerminal(title: string, total: number, log: MainLog): Progress {
  const running = new Set<string>()
  const count = { done: 0, rejected: 0, failed: 0 }
  const held: string[] = []
  const write = log.sink
  let end = (_wellDone: boolean) => {}
  const ended = new Promise<void>((resolve, reject) => {
    end = (wellDone) => (wellDone ? resolve() : reject(new Error('not all done')))
  })
  let show = () => {}
  process.stderr.on('error', () => {}) // as in main: who looked at it went away
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) })
  const list = new Listr(
    {
      title,
      task: (_, task) => {
        show = () => {
          const finished = count.done + count.rejected + count.failed
          const worst = `${count.rejected ? `, ${count.rejected} rejected` : ''}${count.failed ? `, ${count.failed} failed` : ''}`
          task.title = `${title} ${finished}/${total}${worst}`
          task.output = [...running].join('  ')
        }
        show()
        return ended
      },
      rendererOptions: { persistentOutput: false },
    },
    {
      renderer: 'default',
      rendererOptions: { logger, showErrorMessage: false },
      exitOnError: false,
      fallbackRendererOptions: { logger },
      registerSignalListeners: false,
    },
  )
  const shown = list.run()
  log.sink = (line) => held.push(line)
  return {
    started(name) {
      running.add(name)
      show()
    },
    finished(name, outcome) {
      running.delete(name)
      count[wordFor(outcome) as keyof typeof count]++
      show()
    },
    async end(interrupted = false) {
      end(!interrupted && count.failed === 0)
      await shown
      log.sink = write
      for (const line of held.splice(0)) write(line)
    },
  }
}
