import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { executableOf } from '@nightpipe/command'
import { blamesMachine, writeAtomically } from '@nightpipe/files'
import { argumentsOf } from './shell.js'
import type { Step } from './step.js'

/** How a step may use the machine. */
export interface Means {
  workers: number
  memoryBytes: number
  /** 0: as long as it takes */
  timeoutSeconds: number
  force: boolean
  signal: AbortSignal
  started(pid: number): void
}

/** What came of the process of a step. */
export interface Ended {
  exit: number
  products: string[]
  /** what it said was wrong, the first line of it */
  reason?: string
  interrupted: boolean
  /** some of its inputs failed by the disk or a limit of the machine: they may do another time */
  again: boolean
}

/**
 * Starts the command of a step as a process; its products, with those that it had `before`, become a list that the next
 * steps take.
 */
export async function runStep(step: Step, means: Means, before: readonly string[]): Promise<Ended> {
  for (const path of [step.folder, dirname(step.made)]) mkdirSync(path, { recursive: true })
  if (step.frames) writeAtomically(step.lists[0]!, step.frames.map((path) => `${path}\n`).join(''))
  const { execa } = await import('execa')
  const { workers, memoryBytes, timeoutSeconds, force, signal } = means
  const share = ['--workers', String(workers), '--memory', String(memoryBytes), '--log-format', 'json']
  const args = [executableOf(step.module.command), ...argumentsOf(step), ...share, ...(force ? ['--force'] : [])]
  const child = execa(process.execPath, args, {
    ...{ reject: false, stdin: 'ignore', cancelSignal: signal, forceKillAfterDelay: 5000, maxBuffer: 1e9 },
    ...(timeoutSeconds > 0 ? { timeout: 1000 * timeoutSeconds } : {}),
  } as const)
  if (child.pid !== undefined) means.started(child.pid)
  const { exitCode, stdout, stderr, timedOut, isCanceled } = await child
  const said = messages(String(stderr))
  const products = [...new Set([...before, ...String(stdout).split('\n').filter(Boolean)])].sort()
  writeAtomically(step.made.replace(/\.list$/, '.log'), said.map(({ line }) => `${line}\n`).join(''))
  const exit = exitCode ?? 130
  if (exit === 0 || exit === 5) writeAtomically(step.made, products.map((path) => `${path}\n`).join(''))
  const late = timedOut ? `took longer than ${timeoutSeconds} s and was stopped` : undefined
  const errors = said.filter(({ level }) => level === 'error').map(({ text }) => text)
  const reason = exit === 0 ? undefined : (late ?? errors[0] ?? `ended with ${exit}`)
  return { exit, products, reason, interrupted: isCanceled, again: errors.some(blamesMachine) }
}

/** What a command said, from its JSON lines: for the log beside its products, and for us. */
function messages(stderr: string): { level: string; text: string; line: string }[] {
  const lines = stderr.split('\n').filter(Boolean)
  return lines.map((line) => {
    try {
      const { time, level, command, message } = JSON.parse(line) as Record<string, string>
      return { level: level!, text: message!, line: `${time} | ${level} | ${command} | ${message}` }
    } catch {
      return { level: 'error', text: line, line }
    }
  })
}
