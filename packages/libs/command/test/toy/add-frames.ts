import { join } from 'node:path'
import { flag, integer } from '@nightpipe/config'
import { imageHdu, openFits, readFrame, readPixels, type StripPlan, writeStrip } from '@nightpipe/fits'
import { breathe, defineCommand, type Job, main, startProduct, writeProduct } from '../../src/index.js'

interface Strip {
  plan: StripPlan
  paths: string[]
  firstRow: number
  rows: number
  fail: number
}

/** Threads that meet: each says that it has come, in place 1, and waits for the others; thread `missing` fails instead. */
interface Meeting {
  thread: number
  all: number
  missing: number
  state: Int32Array
}

/** Works by strips, or in threads when there is one worker: the sum of all frames, some rows at a time. Refuses the verdict when asked to. */
export const addFrames = defineCommand({
  name: 'add-frames',
  summary: 'adds frames up',
  schema: {
    sum: {
      rows: integer(16, 'rows of a strip', { min: 1 }),
      fail: integer(-1, 'the row at which to fail', { digest: false }),
      twice: flag(false, 'also twice the sum, made from it', { digest: false }),
      meet: integer(-2, 'all threads meet before: -1, or all but this one, which fails', { digest: false }),
      verdict: integer(0, 'the exit is 4 when this is 1', { digest: false }),
    },
  },
  measurements: [],
  inputs: 'optional',
  parallel: 'both',
  plan({ inputs, output, config }) {
    const paths = inputs.map((file) => file.path)
    const parents = paths.map((path) => ({ path, role: 'frame' }))
    const sum = join(output, 'sum.fits')
    const jobs: Job<{ of?: string }>[] = [{ name: 'sum', inputs: paths, products: [sum], parents, params: {} }]
    if (config.sum.twice) {
      const [products, parents] = [[join(output, 'twice.fits')], [{ path: sum, role: 'sum' }]]
      jobs.push({ name: 'twice', inputs: [], products, parents, params: { of: sum } })
    }
    return { jobs: paths.length ? jobs : [] }
  },
  async job({ inputs, products, parents, params }, { config, context, map, together, workers }) {
    if (config.sum.meet > -2) {
      const state = new Int32Array(new SharedArrayBuffer(8))
      const all = Array.from({ length: workers }, (_, thread) => ({
        thread,
        all: workers,
        missing: config.sum.meet,
        state,
      }))
      const met = await together<Meeting, string>('meet', all, state)
      if (met.join() !== all.map(({ thread }) => `${thread} of ${workers}`).join()) throw new RangeError(met.join())
    }
    if (params.of) {
      const { width, height, pixels } = readFrame(params.of)
      const twice = pixels.map((value) => 2 * value)
      writeProduct(
        products[0]!,
        [{ kind: 'image', bitpix: -32, axes: [width, height], pixels: twice }],
        context,
        parents,
      )
      return [{ input: 'twice', status: 'done', product: products[0]! }]
    }
    const file = openFits(inputs[0]!)
    const { axes } = imageHdu(file)
    file.close()
    const [width, height] = axes as [number, number]
    const product = startProduct(products[0]!, [{ kind: 'image', bitpix: -32, axes: [width, height] }], context)
    try {
      const strips = Array.from({ length: Math.ceil(height / config.sum.rows) }, (_, k): Strip => {
        const firstRow = k * config.sum.rows
        const rows = Math.min(config.sum.rows, height - firstRow)
        return { plan: product.writer.plan, paths: inputs, firstRow, rows, fail: config.sum.fail }
      })
      const sums = await map<Strip, number>('strip', strips)
      for (const sum of sums) product.writer.addSum(0, sum)
      product.finish(parents)
    } catch (error) {
      product.discard()
      throw error
    }
    return []
  },
  tasks: {
    async meet({ thread, all, missing, state }: Meeting) {
      if (thread === missing) throw new RangeError(`thread ${thread} does not come`)
      Atomics.add(state, 1, 1)
      while (Atomics.load(state, 1) < all && Atomics.load(state, 0) === 0) await breathe()
      return `${thread} of ${Atomics.load(state, 1)}`
    },
    strip({ plan, paths, firstRow, rows, fail }: Strip) {
      if (fail >= firstRow && fail < firstRow + rows) throw new RangeError(`row ${fail} cannot be added`)
      const total = paths.reduce((sum: Float32Array | undefined, path) => {
        const file = openFits(path)
        const pixels = readPixels(imageHdu(file), { firstRow, rows })
        file.close()
        return sum ? sum.map((value, k) => value + pixels[k]!) : pixels
      }, undefined)
      return writeStrip(plan, 0, firstRow, total!)
    },
  },
  finish({ config }) {
    return { ok: config.sum.verdict !== 1, reasons: ['the sum is not accepted'] }
  },
})

await main(addFrames)
