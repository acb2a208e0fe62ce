import { type Command, type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { list, path } from '@nightpipe/config'
import { alignColumns } from '@nightpipe/table'
import { compareSides } from './compare.js'
import { readSide } from './side.js'

const schema = {
  consistency: {
    left: path('', 'folder of products, or URL of a store'),
    right: path('', 'folder of products, or URL of a store'),
    ignore: list(['NP_ID', 'NP_VER', 'NP_CFG'], 'keywords that may differ'),
  },
}

/** Two places that should hold the same products. */
export const productCheckConsistency = defineConductor({
  name: 'product-check',
  subcommand: 'consistency',
  summary: 'two stores or folders of products compared: what is missing, older or different on either side',
  description:
    'Products are matched by card, burst and observation (by name where they have none), the newest version of each side by ' +
    'the other. Prints a line for each difference: missing on either side, name, version, number of HDUs, keywords, content; ' +
    'and what would mend it (POST what is missing, UPDATE the older). Exit code 4 when anything differs.',
  examples: [
    {
      run: 'product-check consistency --left products/ --right http://127.0.0.1:5000',
      doc: 'what was made, and what arrived',
    },
    {
      run: 'product-check consistency --left http://127.0.0.1:5000 --right http://127.0.0.1:5001 --json',
      doc: 'two stores',
    },
  ],
  schema,
  flags: {
    left: {
      type: 'text',
      doc: 'folder of products, or URL of a store',
      placeholder: 'PLACE',
      config: 'consistency.left',
    },
    right: {
      type: 'text',
      doc: 'folder of products, or URL of a store',
      placeholder: 'PLACE',
      config: 'consistency.right',
    },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct: consistency,
})

async function consistency({ config, json, print, log }: Conducting<typeof schema>): Promise<number> {
  const { left, right, ignore } = config.consistency
  if (left === '' || right === '') throw new ConfigError('two sides are needed', 'give --left and --right')
  const [a, b] = [await readSide(left), await readSide(right)]
  const found = await compareSides(a, b, ignore)
  if (json) await print(found.map((one) => `${JSON.stringify(one)}\n`).join(''))
  else if (found.length > 0) {
    const head = ['product', 'difference', 'detail', 'left', 'right', 'mend']
    await print(
      alignColumns([
        head,
        ...found.map((one) => [one.product, one.difference, one.detail, one.left, one.right, one.mend]),
      ]),
    )
  }
  log.info(`${a.length} products on the left, ${b.length} on the right, ${found.length} differences`)
  return found.length > 0 ? Exit.verdictNo : Exit.done
}

export const commands = [productCheckConsistency] as unknown as readonly Command[]
