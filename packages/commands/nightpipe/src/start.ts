import { type ChildProcess, spawn } from 'node:child_process'
import { executable } from './commands.js'

const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** The terminal sends Ctrl-C to the command as well as to us: passing it on would interrupt it twice. */
const fromTerminal = (signal: NodeJS.Signals) =>
  (signal === 'SIGINT' || signal === 'SIGQUIT') && (process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY)

/** Runs a command in our place. */
export const runInOurPlace = (name: string, args: readonly string[]) => runProgram(executable(name).bin, args)

/** Runs a program in our place: same terminal, same pipes, signals and exit code handed through. */
export async function runProgram(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' })
  const listeners = PASSED_ON.map((signal) => {
    const listener = () => void (fromTerminal(signal) || child.kill(signal))
    process.on(signal, listener)
    return { signal, listener }
  })
  const { code, signal } = await ended(child)
  for (const each of listeners) process.removeListener(each.signal, each.listener)
  if (signal)
    process.kill(process.pid, signal) // whoever started us sees the same end
  else process.exitCode = code ?? 1
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Runs a command (`reduction`, or `simulate imaging`) to its end and collects what it prints. */
export async function runToEnd(command: string, args: readonly string[], cwd?: string): Promise<Outcome> {
  const [name, ...subcommand] = command.split(' ')
  const child = spawn(process.execPath, [executable(name!).bin, ...subcommand, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr.on('data', (piece: Buffer) => stderr.push(piece))
  const { code, signal } = await ended(child)
  const text = (pieces: Buffer[]) => Buffer.concat(pieces).toString('utf8')
  return { code: code ?? (signal ? 130 : 1), stdout: text(stdout), stderr: text(stderr) }
}
