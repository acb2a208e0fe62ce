import { Exit, type Fault, faultOf } from './exit.js'
import { type Flags, parseFlags } from './flags.js'
import { createLog, type MainLog } from './log.js'
import type { RunSession } from './run.js'
import { calledAs, chooseSubcommand, familyHelp } from './subcommands.js'
import type { Command } from './types.js'
import { VERSION } from './version.js'

/** Where a command says what it says. */
export interface Voice {
  /** standard output; resolves when the text is on its way */
  print(text: string): Promise<void>
  /** standard error */
  say(text: string): void
}

/** Carries out a command line of a command, or of one of several subcommands. Returns the exit code. */
export async function answerCall(commands: readonly Command[], args: readonly string[], voice: Voice): Promise<number> {
  const { print, say } = voice
  try {
    const chosen = chooseSubcommand(commands, args)
    if (chosen) return await answer(chosen.command, chosen.args, voice)
  } catch (error) {
    return codeFor(faultOf(error), createLog(commands[0]!.name, 'normal', 'text', say))
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

async function answer(command: Command, args: readonly string[], voice: Voice): Promise<number> {
  const { print, say } = voice
  let log = createLog(command.name, 'normal', 'text', say)
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
    log = logFor(command, flags, voice)
    return await guarded(command, flags, log, voice)
  } catch (error) {
    return codeFor(faultOf(error), log)
  }
}

function logFor(command: Command, flags: Flags, { say }: Voice): MainLog {
  const verbosity = flags.quiet ? 'quiet' : flags.verbose ? 'verbose' : 'normal'
  return createLog(command.name, verbosity, flags['log-format'] === 'json' ? 'json' : 'text', say)
}

function codeFor(fault: Fault, log: MainLog): number {
  log.fault(fault)
  return { data: Exit.noProduct, config: Exit.usage, bug: Exit.bug }[fault.kind]
}

/** The run, with whatever may come from outside while it lasts: signals, and errors that nobody waits for. */
async function guarded(command: Command, flags: Flags, log: MainLog, { print }: Voice): Promise<number> {
  const [{ run }, { closeDown }] = await Promise.all([import('./run.js'), import('./close-down.js')])
  const stop = new AbortController()
  const session: RunSession = { signal: stop.signal, print, folders: new Set(), jobsDone: 0, jobsTotal: 0 }
  const end = async (code: () => number) => {
    if (stop.signal.aborted) return // one end is enough
    stop.abort()
    await closeDown(session)
    process.exit(code())
  }
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(Exit.interrupted) // the second Ctrl-C
    if (command.conduct) return stop.abort() // it ends by itself, when what it conducts has
    void end(() => {
      const { jobsDone, jobsTotal } = session
      const state = jobsTotal ? `${jobsDone} of ${jobsTotal} jobs done` : 'nothing was done yet'
      log.say('error', `interrupted: ${state} (run it again, and only the missing work is done)`)
      return Exit.interrupted
    })
  }
  const onError = (error: unknown) => void end(() => codeFor(faultOf(error), log))
  const unheed = heed(onSignal, onError)
  try {
    return await run(command, flags, log, session)
  } catch (error) {
    const fault = faultOf(error)
    stop.abort()
    await closeDown(session)
    return codeFor(fault, log)
  } finally {
    unheed()
  }
}

/** Until the returned function is called. */
function heed(onSignal: () => void, onError: (error: unknown) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const errors = ['uncaughtException', 'unhandledRejection'] as const
  for (const signal of signals) process.on(signal, onSignal)
  for (const event of errors) process.on(event, onError)
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
    for (const event of errors) process.off(event, onError)
  }
}
