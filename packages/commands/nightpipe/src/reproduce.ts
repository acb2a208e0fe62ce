import { tmpdir } from 'node:os'
import { DataError, expandInputs } from '@nightpipe/files'
import { print } from './print.js'
import { provenanceOf } from './provenance.js'
import { openWorkshop, type Result, type Workshop } from './remake.js'
import { searchIn } from './search.js'
import type { Verb } from './verb.js'

export const reproduce: Verb = {
  name: 'reproduce',
  usage: 'reproduce PATH… [--from DIR]… [--scratch DIR] [--keep] [--json]',
  summary: 'remake products from what they remember, and compare byte by byte',
  description: `Finds the parents of each product (as \`why\` does), runs its command again with the recorded configuration in a
scratch folder, and compares. PATH may be a folder: all products below it. Exit 0 when all are the same, 4 when one
differs (and what differs is said), 3 when one cannot be remade because a parent is missing or has changed.`,
  flags: {
    from: { type: 'string', multiple: true, placeholder: 'DIR', doc: 'where parents may be; can be repeated' },
    scratch: { type: 'string', placeholder: 'DIR', doc: 'where to work (default: the temporary folder)' },
    keep: { type: 'boolean', doc: 'leave the scratch folder, and say where it is' },
    json: { type: 'boolean', doc: 'one JSON object a line' },
  },
  words: { least: 1, most: Number.POSITIVE_INFINITY },
  async run({ words, flags }) {
    const files = expandInputs(words).filter(({ path, shown }) => words.includes(shown) || provenanceOf(path))
    if (files.length === 0) throw new DataError(`no products of nightpipe in ${words.join(', ')}`)
    const products = files.map(({ shown }) => shown)
    const search = searchIn((flags.from as string[] | undefined) ?? [])
    const workshop = openWorkshop(products, search, (flags.scratch as string | undefined) ?? tmpdir())
    const tidy = () => flags.keep || workshop.close()
    const interrupted = () => {
      tidy()
      process.exit(130)
    }
    for (const signal of SIGNALS) process.once(signal, interrupted)
    try {
      return await remakeAll(products, workshop, flags.json === true)
    } finally {
      tidy()
      if (flags.keep) process.stderr.write(`nightpipe: what was remade is in ${workshop.scratch}\n`)
      for (const signal of SIGNALS) process.removeListener(signal, interrupted)
    }
  },
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function remakeAll(products: readonly string[], workshop: Workshop, json: boolean): Promise<number> {
  const states = new Set<Result['state']>()
  for (const product of products) {
    const result = await workshop.remake(product)
    states.add(result.state)
    print(json ? `${JSON.stringify(result)}\n` : textOf(result))
  }
  return states.has('differs') ? 4 : states.has('impossible') ? 3 : 0
}

const MOST_LINES = 8

function textOf({ product, state, said }: Result): string {
  const head = { same: 'the same, byte for byte', differs: 'differs', impossible: 'cannot be remade' }[state]
  const more = said.length > MOST_LINES ? [`… ${said.length - MOST_LINES} more (--json has all)`] : []
  return [`${product}: ${head}`, ...[...said.slice(0, MOST_LINES), ...more].map((line) => `  ${line}`), ''].join('\n')
}
