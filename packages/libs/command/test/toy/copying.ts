import { threadId } from 'node:worker_threads'
import { number } from '@nightpipe/config'
import { readFrame } from '@nightpipe/fits'
import { type Context, DataError, defineCommand, type Parent, writeProduct } from '../../src/index.js'
import { productOf } from './product-of.js'

/** The smallest command that does everything; frames with certain names misbehave. */
const schema = {
  copy: {
    add: number(0, 'constant to add', { unit: 'adu' }),
    limit: number(1e6, 'reject frames with a higher mean', { unit: 'adu' }),
    memory: number(0, 'memory that a frame is said to need', { unit: 'MB', min: 0, digest: false }),
    pause: number(0, 'time to wait before each frame', { unit: 'ms', min: 0, digest: false }),
  },
}

export const copyFrames = defineCommand({
  name: 'copy-frames',
  summary: 'copies frames, and adds a constant',
  description: 'Reads each frame, adds a constant, writes it.\n\nServes the tests of the harness.',
  examples: [{ run: 'copy-frames --input raw --output red --set copy.add=3', doc: 'a whole folder' }],
  schema,
  flags: {
    add: { type: 'number', doc: 'constant to add', config: 'copy.add' },
    only: { type: 'text', doc: 'only the frame of this name', placeholder: 'NAME' },
  },
  measurements: [
    { name: 'mean_adu', unit: 'adu', doc: 'mean of the product' },
    { name: 'thread', type: 'integer', doc: 'the thread that worked' },
  ],
  parallel: 'jobs',
  bytesPerThread: 2.2e6,
  plan({ inputs, output, flags, config }) {
    if (config.copy.add === 13) throw new DataError('13 brings bad luck', 'add 12 or 14')
    const chosen = inputs.filter((file) => !flags.only || file.stem === flags.only)
    return {
      memoryPerJob: config.copy.memory * 1e6,
      jobs: chosen.map((file) => ({
        name: file.name,
        inputs: [file.path],
        products: [productOf(output, file)],
        parents: [{ path: file.path, role: 'frame' }],
        params: { stem: file.stem },
      })),
    }
  },
  async job({ inputs, products, parents, params }, { config, context }) {
    const [input] = inputs as [string]
    if (config.copy.pause > 0) await new Promise((go) => setTimeout(go, config.copy.pause))
    misbehave(params.stem)
    const frame = readFrame(input)
    const pixels = frame.pixels.map((value) => value + config.copy.add)
    const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length
    const measurements = { mean_adu: mean, thread: threadId }
    if (mean > config.copy.limit) {
      return [{ input, status: 'rejected', reason: `mean ${mean} above ${config.copy.limit}`, measurements }]
    }
    write(products[0]!, { ...frame, pixels }, context, parents)
    return [{ input, status: 'done', product: products[0]!, measurements }]
  },
})

function write(path: string, frame: ReturnType<typeof readFrame>, context: Context, parents: readonly Parent[]): void {
  const { header, pixels, width, height } = frame
  writeProduct(path, [{ kind: 'image', header, bitpix: -32, axes: [width, height], pixels }], context, parents)
}

function misbehave(stem: string): void {
  if (stem.startsWith('bug')) throw new TypeError('undefined is not a frame')
  if (stem.startsWith('crash')) process.exit(7)
  if (stem.startsWith('late')) setImmediate(() => Promise.reject(new TypeError('nobody waits for this')))
  if (stem.startsWith('bad')) throw new DataError(`${stem} is overexposed`, 'take it again')
  const hoard: number[][] = []
  while (stem.startsWith('greedy')) hoard.push(new Array(1e5).fill(hoard.length))
  while (stem.startsWith('endless'));
}
