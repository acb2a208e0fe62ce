import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readFacts } from '@nightpipe/catalogues'
import { type Conducting, DataError, defineConductor, Exit } from '@nightpipe/command'

/** Prints what catalogues there are. */
export const list = defineConductor({
  name: 'catalogue',
  subcommand: 'list',
  summary: 'the catalogues in a folder: stars, bands, epoch, where they come from',
  description: 'Looks at the folder itself and at those in it.',
  examples: [{ run: 'catalogue list --catalogues catalogues/', doc: 'one line for each' }],
  schema: {},
  flags: { catalogues: { type: 'text', doc: 'folder to look in (default: this one)', placeholder: 'DIR' } },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct,
})

async function conduct({ flags, json, print }: Conducting): Promise<number> {
  const folder = (flags.catalogues as string | undefined) ?? '.'
  const found = catalogueFolders(folder)
  if (found.length === 0) throw new DataError(`no catalogue in ${folder}`, 'make one with catalogue import or fetch')
  for (const path of found) {
    const facts = readFacts(path)!
    const cover = facts.coverage === 'all' ? '' : ', in parts of the sky'
    await print(
      json
        ? `${JSON.stringify({ path, ...facts })}\n`
        : `${path}  ${facts.count} stars  ${facts.bands.join(' ')}  J${facts.epoch}  ${facts.source}${cover}\n`,
    )
  }
  return Exit.done
}

/** The folder itself, or those directly in it, that are catalogues. */
export function catalogueFolders(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new DataError(`there is no folder ${folder}`)
  if (readFacts(folder)) return [folder]
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return inside
    .map((entry) => join(folder, entry.name))
    .sort()
    .filter((path) => readFacts(path))
}
