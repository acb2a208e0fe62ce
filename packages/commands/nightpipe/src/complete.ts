import { candidatesFor } from './candidates.js'
import { print } from './print.js'
import type { Verb } from './verb.js'
import { verbs } from './verbs.js'

/**
 * What the shells' completion asks: the words of the line so far, the last one being typed. Prints candidates, a line
 * each, with a tab and an explanation; the first line says what the shell itself may add: `words`, `files`, `folders`.
 */
export const complete: Verb = {
  name: 'complete',
  usage: 'complete -- WORD…',
  summary: 'candidates for the last of the words of a command line',
  description: 'For the scripts that `nightpipe completion` prints.',
  flags: {},
  words: { least: 0, most: Number.POSITIVE_INFINITY },
  hidden: true,
  async run({ words }) {
    const { more, candidates } = candidatesFor(words, verbs)
    print(
      [more, ...candidates.map(([word, doc]) => `${word}\t${doc.replace(/\s+/g, ' ')}`)]
        .map((line) => `${line}\n`)
        .join(''),
    )
    return 0
  },
}
