import { alignColumns } from '@nightpipe/table'
import { executables } from './commands.js'
import { print } from './print.js'
import type { Verb } from './verb.js'

export const list: Verb = {
  name: 'list',
  usage: 'list [--json]',
  summary: 'the commands, one line each',
  description: '`nightpipe NAME …` runs one of them, and so does `NAME …` where they are on the PATH.',
  flags: { json: { type: 'boolean', doc: 'one JSON object a line' } },
  words: { least: 0, most: 0 },
  run({ flags }) {
    const all = executables()
    if (flags.json) print(all.map(({ name, summary }) => `${JSON.stringify({ name, summary })}\n`).join(''))
    else
      print(
        alignColumns(
          all.map(({ name, summary }) => [name, summary]),
          { header: false },
        ),
      )
    return 0
  },
}
