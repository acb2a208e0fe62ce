import { join } from 'node:path'
import { integer } from '@nightpipe/config'
import { writeFits } from '@nightpipe/fits'
import { type Command, defineCommand, main, writeProduct } from '../../src/index.js'

/** Two subcommands that make frames from nothing: the frame itself is bare, a product with our cards stands beside it. */
const maker = (subcommand: string, value: number) =>
  defineCommand({
    name: 'make-frames',
    subcommand,
    summary: `makes ${subcommand} frames`,
    schema: { make: { count: integer(2, 'how many', { min: 1 }) } },
    measurements: [],
    inputs: 'none',
    parallel: 'jobs',
    plan({ output, config }) {
      const jobs = Array.from({ length: config.make.count }, (_, k) => {
        const [raw, truth] = [join(output, `${subcommand}-${k}.fits`), join(output, 'truth', `${subcommand}-${k}.fits`)]
        return { name: `${subcommand}-${k}`, inputs: [], products: [raw, truth], bare: [raw], parents: [], params: {} }
      })
      const notes = join(output, 'truth', 'notes.fits')
      return {
        jobs: [...jobs, { name: 'notes', inputs: [], products: [notes], aside: true, parents: [], params: {} }],
      }
    },
    job({ name, products, parents }, { context }) {
      if (name === 'notes') {
        writeProduct(products[0]!, [{ kind: 'empty' }], context, parents)
        return [{ input: name, status: 'done', product: products[0] }]
      }
      const [raw, truth] = products as [string, string]
      const frame = { kind: 'image', bitpix: 16, axes: [2, 2], pixels: new Int16Array(4).fill(value) } as const
      writeFits(raw, [{ ...frame, axes: [2, 2] }])
      writeProduct(truth, [{ kind: 'empty' }], context, parents)
      return [{ input: name, status: 'done', product: raw }]
    },
  })

await main([maker('dark', 1), maker('flat', 2)] as unknown as Command[])
