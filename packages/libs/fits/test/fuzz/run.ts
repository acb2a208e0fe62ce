import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface FuzzReport {
  cases: number
  /** Files that could be read whole in spite of all. */
  readable: number
  slowestMs: number
  maxRssMb: number
  /** Crashes, hangs, too much memory: none is allowed. */
  problems: string[]
}

/** What one file may take: two seconds (and the start of the process, for the first) and 500 MB. */
const LIMIT_MS = 2000
const LIMIT_RSS = 500 * 2 ** 20

interface Message {
  begins?: number
  ends?: number
  name: string
  good?: boolean
  bug?: string
  ms?: number
  maxRss?: number
}

/** Reads `cases` mutated files in child processes; one that hangs is ended, noted and stepped over. */
export async function fuzz(seed: number, cases: number, from = 0): Promise<FuzzReport> {
  const report: FuzzReport = { cases, readable: 0, slowestMs: 0, maxRssMb: 0, problems: [] }
  for (let next = from; next < from + cases; ) next = await runChild(seed, next, from + cases, report)
  return report
}

/** Returns the case to go on with. */
function runChild(seed: number, first: number, last: number, report: FuzzReport): Promise<number> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [seed, first, last].map(String), {
      execArgv: ['--max-old-space-size=400'],
    })
    let current = first
    let name = ''
    let done = false
    let timer: NodeJS.Timeout | undefined
    child.on('message', (message: Message) => {
      clearTimeout(timer)
      name = message.name
      current = message.begins ?? message.ends!
      done = message.ends !== undefined
      if (done) note(message, seed, report)
      else timer = setTimeout(() => child.kill('SIGKILL'), 100 * LIMIT_MS)
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (!done)
        report.problems.push(`case ${seed}/${current} (${name}): the process ended (${signal ?? `code ${code}`})`)
      resolve(current + 1)
    })
  })
}

let highest = 0

function note({ ends, name, good, bug, ms = 0, maxRss = 0 }: Message, seed: number, report: FuzzReport): void {
  const which = `case ${seed}/${ends} (${name})`
  if (good) report.readable++
  if (bug) report.problems.push(`${which}: ${bug}`)
  if (ms > LIMIT_MS) report.problems.push(`${which}: took ${Math.round(ms)} ms`)
  if (maxRss > LIMIT_RSS && maxRss > highest) report.problems.push(`${which}: ${Math.round(maxRss / 2 ** 20)} MB`)
  highest = Math.max(highest, maxRss)
  report.slowestMs = Math.max(report.slowestMs, ms)
  report.maxRssMb = Math.max(report.maxRssMb, Math.round(maxRss / 2 ** 20))
}
