import { ConfigError, DataError, explainSystemError } from '@nightpipe/files'
import { executables, version } from './commands.js'
import { print } from './print.js'
import { runInOurPlace } from './start.js'

/** Exit codes as every command has them; the front door itself never half-succeeds. */
async function frontDoor(args: readonly string[]): Promise<number | undefined> {
  const [first, ...rest] = args
  if (first === '--version') {
    print(`nightpipe ${version()}\n`)
    return 0
  }
  const command = executables().find(({ name }) => name === first)
  if (command) {
    await runInOurPlace(command.name, rest)
    return undefined // the code of the command stands
  }
  const { describeVerbs, runVerb } = await import('./run-verb.js')
  if (first === '--describe') return describeVerbs()
  return runVerb(first === undefined || first === '-h' || first === '--help' ? 'help' : first, rest)
}

function report(thrown: unknown): number {
  const error = explainSystemError(thrown, 'use', (thrown as NodeJS.ErrnoException).path ?? 'a file')
  const known = error instanceof DataError || error instanceof ConfigError
  const advice = known ? error.advice : 'a bug in nightpipe: please report it'
  const message = error.message.replace(/\s*\n\s*/g, '; ')
  process.stderr.write(`nightpipe: ${known ? '' : 'internal error: '}${message}${advice ? ` (${advice})` : ''}\n`)
  if (!known && process.env.NODE_DEBUG) process.stderr.write(`${error.stack}\n`)
  return error instanceof ConfigError ? 2 : error instanceof DataError ? 3 : 1
}

try {
  const code = await frontDoor(process.argv.slice(2))
  if (code !== undefined) process.exitCode = code
} catch (error) {
  process.exitCode = report(error)
}
