import { isMainThread } from 'node:worker_threads'
import type { Schema } from '@nightpipe/config'
import { takeReadyMade } from '@nightpipe/kernels'
import { compiledAhead } from './compiled-kernels.js'
import { Exit, type Fault, faultOf } from './exit.js'
import { type Flags, parseFlags } from './flags.js'
import { createLog, type MainLog } from './log.js'
import type { RunSession } from './run.js'
import { calledAs, chooseSubcommand, familyHelp } from './subcommands.js'
import type { Command } from './types.js'
import { VERSION } from './version.js'

/**
 * Runs a command as a process. The only function of the toolkit that reads the command line, prints, and exits. Commands
 * with subcommands come as a list: the first argument chooses.
 */
export async function main<S extends Schema, J>(command: Command<S, J> | readonly Command[]): Promise<void> {
  const commands = Array.isArray(command) ? (command as readonly Command[]) : [command as unknown as Command]
  if (!isMainThread) return (await import('./thread.js')).serveThread(commands)
  takeReadyMade(compiledAhead)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}) // the reader went away: not our matter
  const code = await answerOneOf(commands, process.argv.slice(2))
  process.exit(code)
}

/** Resolves when the text is on its way, also when nobody reads it any more (`| head -1`). */
const print = (text: string) =>
  new Promise<void>((resolve) => {
    if (text === '') resolve()
    else process.stdout.write(text, () => resolve())
  })

async function answerOneOf(commands: readonly Command[], args: readonly string[]): Promise<number> {
  try {
    const chosen = chooseSubcommand(commands, args)
    if (chosen) return await answer(chosen.command, chosen.args)
  } catch (error) {
    const log = createLog(commands[0]!.name, 'normal', 'text', (line) => process.stderr.write(line))
    return codeFor(faultOf(error), log)
  }
  const { describe } = await import('./help.js')
  if (args.includes('--describe')) {
    await print(
      `${JSON.stringify({ name: commands[0]!.name, version: VERSION, subcommands: commands.map(describe) })}\n`,
    )
  } else if (args.includes('--version')) await print(`${commands[0]!.name} ${VERSION}\n`)
  else await print(familyHelp(commands))
  return Exit.done
}

async function answer(command: Command, args: readonly string[]): Promise<number> {
  let log = createLog(command.name, 'normal', 'text', (line) => process.stderr.write(line))
  try {
    if (args.includes('--help') || args.includes('-h')) {
      await print((await import('./help.js')).helpText(command, Math.min(process.stdout.columns ?? 100, 120)))
      return Exit.done
    }
    if (args.includes('--describe')) {
      await print(`${JSON.stringify((await import('./help.js')).describe(command))}\n`)
      return Exit.done
    }
    const flags = await parseFlags(command, args)
    if (flags.version) {
      await print(`${calledAs(command)} ${VERSION}\n`)
      return Exit.done
    }
    log = logFor(command, flags)
    return await guarded(command, flags, log)
  } catch (error) {
    return codeFor(faultOf(error), log)
  }
}

function logFor(command: Command, flags: Flags): MainLog {
  const verbosity = flags.quiet ? 'quiet' : flags.verbose ? 'verbose' : 'normal'
  return createLog(command.name, verbosity, flags['log-format'] === 'json' ? 'json' : 'text', (line) =>
    process.stderr.write(line),
  )
}

function codeFor(fault: Fault, log: MainLog): number {
  log.fault(fault)
  return { data: Exit.noProduct, config: Exit.usage, bug: Exit.bug }[fault.kind]
}

/** The run, with whatever may come from outside: signals, and errors that nobody waits for. */
async function guarded(command: Command, flags: Flags, log: MainLog): Promise<number> {
  const [{ run }, { closeDown }] = await Promise.all([import('./run.js'), import('./close-down.js')])
  const stop = new AbortController()
  const session: RunSession = { signal: stop.signal, print, folders: new Set(), jobsDone: 0, jobsTotal: 0 }
  const end = async (code: () => number) => {
    if (stop.signal.aborted) return // one end is enough
    stop.abort()
    await closeDown(session)
    process.exit(code())
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(Exit.interrupted) // the second Ctrl-C
      if (command.conduct) return stop.abort() // it ends by itself, when what it conducts has
      void end(() => {
        const { jobsDone, jobsTotal } = session
        const state = jobsTotal ? `${jobsDone} of ${jobsTotal} jobs done` : 'nothing was done yet'
        log.say('error', `interrupted: ${state} (run it again, and only the missing work is done)`)
        return Exit.interrupted
      })
    })
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => end(() => codeFor(faultOf(error), log)))
  }
  try {
    return await run(command, flags, log, session)
  } catch (error) {
    const fault = faultOf(error)
    stop.abort()
    await closeDown(session)
    return codeFor(fault, log)
  }
}
