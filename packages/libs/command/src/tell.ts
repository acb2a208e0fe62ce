import { basename } from 'node:path'
import { type Fault, faultText } from './exit.js'
import type { MainLog } from './log.js'
import type { Row } from './types.js'
import type { Outcome } from './work.js'

const MOST_LINES = 20

/** What came to nothing, why, and how many others came to nothing for the same reason. */
interface Group {
  about: string
  reason: string
  fault: Fault
  others: number
}

/** A line for each reason why something failed, as far as a person reads. */
export function tellFailures(rows: readonly Row[], outcomes: readonly Outcome[], log: MainLog, report: string): void {
  const failures = outcomes.filter((outcome) => outcome.fault)
  const ofJobs = new Set(failures.flatMap((outcome) => outcome.rows))
  const others = rows.filter((row) => row.status === 'failed' && !ofJobs.has(row))
  const groups = grouped([
    ...failures.map(({ job, fault }) => ({ about: job.name, fault: fault! })),
    ...others.map(({ input, reason }) => ({ about: input, fault: dataFault(reason ?? 'failed') })),
  ])
  for (const group of groups.slice(0, MOST_LINES)) {
    log.fault({ ...group.fault, advice: undefined, message: lineOf(group) })
  }
  const left = groups.slice(MOST_LINES).reduce((sum, group) => sum + 1 + group.others, 0)
  if (left > 0) log.say('error', `${left} more failed: see ${report}`)
}

/** Where nothing at all was made and nothing failed: why the inputs were set aside. */
export function tellRejected(rows: readonly Row[], log: MainLog): void {
  const rejected = rows.filter((row) => row.status === 'rejected')
  const groups = grouped(rejected.map(({ input, reason }) => ({ about: input, fault: dataFault(reason ?? '') })))
  for (const group of groups.slice(0, MOST_LINES)) if (group.reason) log.info(`rejected: ${lineOf(group)}`)
}

const dataFault = (message: string): Fault => ({ kind: 'data', message })

/** The same reason is told once, with the first that it befell and the number of the others. */
function grouped(items: readonly { about: string; fault: Fault }[]): Group[] {
  const groups = new Map<string, Group>()
  for (const { about, fault } of items) {
    const reason = withoutName(faultText(fault), basename(about))
    const key = `${fault.kind} ${reason}`
    const known = groups.get(key)
    if (known) known.others++
    else groups.set(key, { about, reason, fault, others: 0 })
  }
  return [...groups.values()]
}

/** Reasons often begin with the name of the file, which the line tells already. */
function withoutName(reason: string, name: string): string {
  const rest = reason.startsWith(name) ? reason.slice(name.length) : ''
  return /^[:, ]/.test(rest) ? rest.replace(/^[:,]? /, '') : reason
}

/** The file comes first, unless the reason names it by itself. */
function lineOf({ about, reason, others }: Group): string {
  return reason.includes(about) ? reason : `${about}${others ? ` and ${others} more` : ''}: ${reason}`
}
