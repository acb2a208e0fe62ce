import { nearestName } from '@nightpipe/config'
import { ConfigError } from '@nightpipe/files'
import { executables, version } from './commands.js'
import { print } from './print.js'
import { parseVerb, verbHelp } from './verb.js'
import { verbs } from './verbs.js'

/** Runs what the front door does itself; a word that is neither that nor a command gets the nearest name. */
export async function runVerb(name: string, args: readonly string[]): Promise<number> {
  const verb = verbs.find((one) => one.name === name)
  if (!verb) throw unknown(name)
  if (args.includes('--help') || args.includes('-h')) {
    print(verbHelp(verb))
    return 0
  }
  return verb.run(parseVerb(verb, args))
}

/** All that the front door does itself, as JSON for the manual. */
export function describeVerbs(): number {
  print(`${JSON.stringify({ name: 'nightpipe', version: version(), verbs: verbs.filter((verb) => !verb.hidden) })}\n`)
  return 0
}

function unknown(name: string): ConfigError {
  const known = [...executables().map((one) => one.name), ...verbs.filter((one) => !one.hidden).map((one) => one.name)]
  const near = nearestName(name, known)
  const what = name.startsWith('-') ? 'flag' : 'command'
  return new ConfigError(
    `unknown ${what} '${name}'`,
    near ? `did you mean ${near}?` : 'nightpipe list shows the commands',
  )
}
