import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the project. */
export const REPOSITORY = fileURLToPath(new URL('../../../../../', import.meta.url))

/** Real frames of several telescopes: they lie beside the project, or where NIGHTPIPE_FIXTURES says. */
export const FIXTURES = process.env.NIGHTPIPE_FIXTURES ?? join(REPOSITORY, '../shared/fixtures')

/** The start of a command, as its package ships it. */
export const executable = (name: string): string => join(REPOSITORY, 'packages/commands', name, 'bin', `${name}.js`)

const taken: string[] = []
process.on('exit', () => {
  for (const folder of taken) rmSync(folder, { recursive: true, force: true })
})

/** A new folder outside of the project, there until this file of tests has ended. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightpipe-test-'))
  taken.push(folder)
  return folder
}

/** Why a test on these real frames is skipped, if it is. */
export const lackingFixtures = (folder = ''): string | false =>
  existsSync(join(FIXTURES, folder)) ? false : `${join(FIXTURES, folder)} is not there`
