import { checkCatalogue } from '@nightpipe/catalogues'
import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { catalogueFolders } from './list.js'

/** Reads every tile of a catalogue. */
export const check = defineConductor({
  name: 'catalogue',
  subcommand: 'check',
  summary: 'every tile of a catalogue read and counted; exit 4 when something is wrong',
  description:
    'Checks the sums of every tile, that each star lies in the tile that it is in, that counts and digests agree with ' +
    'catalogue.json, and that no tile of tiles.csv is missing.',
  examples: [
    { run: 'catalogue check --catalogue catalogues/gaia', doc: 'one line for each problem, none when it is whole' },
  ],
  schema: {},
  flags: { catalogue: { type: 'text', doc: 'folder of a catalogue', placeholder: 'DIR' } },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct,
})

async function conduct({ flags, log, print, signal }: Conducting): Promise<number> {
  const path = flags.catalogue as string | undefined
  if (path === undefined) throw new ConfigError('no catalogue', 'give --catalogue FOLDER')
  let problems = 0
  for (const folder of catalogueFolders(path)) {
    for (const problem of checkCatalogue(folder)) {
      if (signal.aborted) return Exit.interrupted
      problems++
      await print(`${folder}: ${problem}\n`)
    }
    log.info(problems === 0 ? `${folder} is whole` : `${folder}: ${problems} problems`)
  }
  return problems === 0 ? Exit.done : Exit.verdictNo
}
