import { ConfigError } from '@nightpipe/files'
import { alignColumns } from '@nightpipe/table'
import { checkFolder } from './doctor-folder.js'
import { checkMachine } from './doctor-machine.js'
import { findPeers } from './doctor-peers.js'
import { print } from './print.js'
import type { Verb } from './verb.js'

/** A line of the doctor's table. `note`: works, and is worth knowing; `wrong`: will not work. */
export interface Check {
  what: string
  state: 'ok' | 'note' | 'wrong'
  found: string
}

export const doctor: Verb = {
  name: 'doctor',
  usage: 'doctor [FOLDER] [--json]',
  summary: 'check this machine, and a folder to work in',
  description: `Looks at Node, memory, kernels, threads and the commands; writes, renames, locks and flushes a small file in FOLDER
(default: the working folder) and removes it; lists what killed runs left there, and which optional programs are present.
Exit 4 when something is wrong.`,
  flags: { json: { type: 'boolean', doc: 'one JSON object a line' } },
  words: { least: 0, most: 1 },
  async run({ words: [folder = '.'], flags }) {
    const checks = [...(await checkMachine()), ...checkFolder(folder), ...findPeers()]
    if (checks.length === 0) throw new ConfigError('nothing to check')
    if (flags.json) print(checks.map((check) => `${JSON.stringify(check)}\n`).join(''))
    else
      print(
        alignColumns(
          checks.map(({ what, state, found }) => [what, state, found]),
          { header: false },
        ),
      )
    return checks.some((check) => check.state === 'wrong') ? 4 : 0
  },
}
