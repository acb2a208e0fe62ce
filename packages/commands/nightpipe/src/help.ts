import { alignColumns } from '@nightpipe/table'
import { executables } from './commands.js'
import { print } from './print.js'
import { runInOurPlace } from './start.js'
import { type Verb, verbHelp } from './verb.js'
import { verbs } from './verbs.js'

export const help: Verb = {
  name: 'help',
  usage: 'help [COMMAND]',
  summary: 'this text, or how to use a command',
  description: 'The same as `nightpipe COMMAND --help`.',
  flags: {},
  words: { least: 0, most: 1 },
  async run({ words: [name] }) {
    const verb = verbs.find((one) => one.name === name)
    if (verb) print(verbHelp(verb))
    else if (name !== undefined) await runInOurPlace(name, ['--help'])
    else print(overview())
    return Number(process.exitCode ?? 0)
  },
}

function overview(): string {
  const indented = (rows: string[][]) => alignColumns(rows, { header: false }).replace(/^/gm, '  ').trimEnd()
  const commands = executables()
  return `nightpipe: from raw telescope frames to science products

  nightpipe COMMAND [flags]

Commands (each is also a program of its own; --help says more):
${indented(commands.map(({ name, summary }) => [name, summary]))}

And:
${indented(verbs.filter(({ hidden }) => !hidden).map(({ name, summary }) => [name, summary]))}
  nightpipe --version
`
}
