import { fileURLToPath } from 'node:url'
import { call, type Surroundings } from '@nightpipe/testing'

/** The package, seen from dist/test. */
export const home = fileURLToPath(new URL('../..', import.meta.url))

/** Runs `nightpipe` as a person would. */
export function nightpipe(args: readonly string[], surroundings?: Surroundings) {
  const { status, ...rest } = call('nightpipe', args, surroundings)
  return { code: status, ...rest }
}
